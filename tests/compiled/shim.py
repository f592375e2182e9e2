"""A CUDA kernel's text on the host: the launch's variables become numbers, the launch two loops."""

from __future__ import annotations

import ctypes
import hashlib
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

COMPILER = shutil.which("c++") or shutil.which("g++")

PROLOGUE = """
#include <math.h>
#define __global__
#define __device__
struct Three { int x, y, z; };
static Three blockIdx, threadIdx, blockDim, gridDim;
"""
EPILOGUE = """
extern "C" void launch(int blocks, int threads, void *slots, long long n, void *fixed, void *table,
    long long steps, void *inputs, long long count, void *sums)
{
    gridDim.x = blocks;
    blockDim.x = threads;
    for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x)
        for (threadIdx.x = 0; threadIdx.x < threads; ++threadIdx.x)
            gradflow_advance((NUMBER *)slots, n, (NUMBER *)fixed, (NUMBER *)table, steps,
                (GIVEN *)inputs, count, (GIVEN *)sums);
}
"""


class Array(np.ndarray):
    """An array on the pretended GPU: `get` brings it to the host."""

    def get(self) -> np.ndarray:
        return np.array(self)


class Cupy:
    """The part of CuPy that gradflow uses, with the host's compiler behind it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.options: tuple[str, ...] = ()
        self.launches = 0
        self.cuda = SimpleNamespace(is_available=lambda: True)

    @staticmethod
    def asarray(values: Any) -> Array:
        return np.array(values).view(Array)

    def RawModule(self, *, code: str, options: tuple[str, ...]) -> Any:  # noqa: N802
        self.options = options
        number = "float" if "float *slots" in code else "double"
        given = "float" if "float *inputs" in code else "double"
        text = PROLOGUE + code + EPILOGUE.replace("NUMBER", number).replace("GIVEN", given)
        path = self.folder / hashlib.sha256(text.encode()).hexdigest()[:16]
        library = path.with_suffix(".so")
        if not library.exists():
            path.with_suffix(".cpp").write_text(text, encoding="utf-8")
            flags = ["-O1", "-ffp-contract=off", "-fPIC", "-shared", "-o", str(library)]
            subprocess.run([str(COMPILER), *flags, str(path.with_suffix(".cpp")), "-lm"], check=True)
        self._launch = ctypes.CDLL(str(library)).launch
        return self

    def get_function(self, name: str) -> Any:
        assert name == "gradflow_advance"

        def kernel(grid: tuple[int], block: tuple[int], arguments: tuple[Any, ...]) -> None:
            self.launches += 1
            self._launch(
                *(ctypes.c_int(number) for number in (grid[0], block[0])),
                *(
                    ctypes.c_void_p(a.ctypes.data) if isinstance(a, np.ndarray) else ctypes.c_longlong(int(a))
                    for a in arguments
                ),
            )

        return kernel
