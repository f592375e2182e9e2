"""The flow on a GPU: one trajectory per thread, from its start to its end in one launch.

The text is what Numba compiles (`gradflow.flow.compiled.source`), for blocks of one, translated to C++. But
for the launch's built-in variables a host's compiler can run it too, so that tests can compare it where
there is no GPU.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from gradflow.base.arrays import Array
from gradflow.compiled import cupy_runner
from gradflow.compiled.installed import require_cupy
from gradflow.compiled.integral_source import Pair, in_c
from gradflow.compiled.to_c import Translator
from gradflow.flow.compiled import layout as at
from gradflow.flow.compiled.source import constants, functions, literal, text_of
from gradflow.flow.compiled.summed import SUM_COUNT, SUM_SCRATCH

KERNEL = """
extern "C" __global__ void gradflow_follow(double *records, long long n, const double *terms, long long each,
    const double *fixed, long long levels)
{{
    const long long first = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    const long long stride = (long long)gridDim.x * blockDim.x;
    for (long long i = first; i < n; i += stride) {{
        double w[{rows}], q[{scratch}];
        for (long long k = 0; k < {terms}; ++k)
            w[{first_term} + k] = terms[(each ? i * {terms} : 0) + k];
        follow(w, records + i * {columns}, fixed, levels, q);
    }}
}}
"""


@cache
def cuda_source(slopes: tuple[float, float], pair: Pair | None = None) -> str:
    """Return a kernel ``gradflow_follow``: it follows n trajectories until each has ended or is set aside."""
    translator = Translator(constants(1), "static __device__")
    body, scratch = [translator.helpers()], 0
    if pair is not None:
        body.append(in_c(pair, SUM_COUNT, "static __device__"))
        translator.returns["integrate"], scratch = "void", SUM_SCRATCH
    texts = [text for _, text in functions(slopes, 1, is_summed=pair is not None)] + [text_of("follow")]
    body += [translator.function(text) for text in texts]
    kernel = KERNEL.format(
        rows=at.ROWS + scratch,
        scratch=at.SCRATCH,
        columns=at.COLUMNS,
        terms=at.TERM_COUNT,
        first_term=at.TERMS,
    )
    return "\n".join(body) + kernel


class CupyFlow:
    """Follows trajectories on the current GPU; the interface is `gradflow.flow.compiled.run.Machine`.

    Parameters
    ----------
    slopes : (float, float)
        The activation's.
    fixed : array
        What all trajectories share, on the host.
    pair : Pair, optional
        What bends student and teacher, where the field is a sum over nodes.

    Raises
    ------
    ValueError
        If CuPy is not installed or finds no GPU.
    """

    threads = 1
    share = 1 << 20

    def __init__(self, slopes: tuple[float, float], fixed: Array, pair: Pair | None = None) -> None:
        require_cupy()
        self._cupy: Any = cupy_runner.library()
        module = self._cupy.RawModule(code=cuda_source(literal(slopes), pair), options=cupy_runner.OPTIONS)
        self._kernel = module.get_function("gradflow_follow")
        self._fixed, self._levels = self._cupy.asarray(fixed), at.levels_of(fixed)

    def advance(self, records: Array, terms: Array) -> None:
        """Follow the running trajectories with these records until each has ended or is put aside."""
        n = len(records)
        if n == 0:
            return
        there = self._cupy.asarray(records)
        blocks = min(-(-n // cupy_runner.THREADS), cupy_runner.MOST_BLOCKS)
        self._kernel(
            (blocks,),
            (cupy_runner.THREADS,),
            (
                there, np.int64(n), self._cupy.asarray(terms), np.int64(len(terms) > at.TERM_COUNT),
                self._fixed, np.int64(self._levels),
            ),
        )  # fmt: skip
        records[...] = there.get()
