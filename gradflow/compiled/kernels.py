"""Kernels for a GPU, a trajectory in each thread: compiled by numba-cuda once, launched by CuPy.

What is compiled is kept on the disk, as PTX, under a digest of all that it is made of, as in
`gradflow.compiled.jit`. With NUMBA_ENABLE_CUDASIM=1 Numba's simulator runs the same functions as plain
Python, on NumPy's arrays.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from gradflow.base.arrays import is_array
from gradflow.base.progress import note
from gradflow.compiled import gpu, jit
from gradflow.compiled.unsupported import UnsupportedError

THREADS = 128
"""Of a block on the GPU."""


class Plain:
    """The target of code that the simulator runs: functions stay what they are."""

    INSTEAD: ClassVar[dict[Any, Any]] = {}

    @staticmethod
    def inner(function: Any, **options: Any) -> Any:
        """Return a function as it is."""
        return function


def available() -> bool:
    """Whether kernels can be compiled here, or simulated."""
    return simulated() or find_spec("numba_cuda") is not None


def simulated() -> bool:
    """Whether kernels run in Numba's simulator."""
    from numba.core import config

    return bool(config.ENABLE_CUDASIM)


def kernel(
    function: Callable[..., Any], signature: tuple[str, ...], dtype: str, chosen: Mapping[str, Any]
) -> Callable[..., None]:
    """Return a function of a number of threads and the kernel's arguments, which starts it.

    Parameters
    ----------
    function, signature, dtype, chosen
        Those of `gradflow.compiled.jit.compiled`; integers are of 64 bits. Thread i begins with
        ``i = cuda.grid(1)`` and leaves where that is beyond its work.

    Raises
    ------
    UnsupportedError
        If it cannot be compiled, or not be loaded.
    """
    if simulated():
        from numba import cuda

        plain = cuda.jit(jit.rebuilt(function, dtype, chosen, Plain))
        return lambda n, *given: plain[_blocks(n), THREADS](*given)
    cp = gpu.library()
    capability = capability_of(cp.cuda.Device().compute_capability)
    launch = _loaded(stored(function, signature, dtype, chosen, capability))

    def start(n: int, *given: Any) -> None:
        launch((_blocks(n),), (THREADS,), tuple(part for value in given for part in flat(value)))
        # Ctrl-C waits for this one, not for all that have been started.
        cp.cuda.get_current_stream().synchronize()

    return start


def _blocks(n: int) -> int:
    return max(1, -(-n // THREADS))


def capability_of(text: str) -> tuple[int, int]:
    """Return a compute capability as two numbers: "90" is (9, 0), "120" is (12, 0)."""
    return int(text[:-1]), int(text[-1])


def compiled(
    function: Callable[..., Any],
    signature: tuple[str, ...],
    dtype: str,
    chosen: Mapping[str, Any],
    capability: tuple[int, int],
) -> str:
    """Return a kernel's PTX for GPUs of a compute capability and later ones."""
    from gradflow.compiled import on_cuda

    try:
        return on_cuda.ptx(jit.rebuilt(function, dtype, chosen, on_cuda), signature, capability)
    except on_cuda.REFUSED as error:
        line = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise UnsupportedError(f"backend: not compiled for a GPU: {line}") from error


def stored(
    function: Callable[..., Any],
    signature: tuple[str, ...],
    dtype: str,
    chosen: Mapping[str, Any],
    capability: tuple[int, int],
) -> Path:
    """Return a file with a kernel's PTX, which is compiled if it is not there."""
    made_of = (jit.stamp(function, dtype, chosen), signature, capability, version("numba-cuda"))
    digest = hashlib.sha256(repr(made_of).encode())
    for name in ("on_cuda.py", Path(__file__).name):
        digest.update(jit.text(str(Path(__file__).with_name(name))))
    path = jit.folder() / "compiled" / f"{function.__name__}-{digest.hexdigest()[:32]}.ptx"
    if path.is_file():
        return path
    note("compiling for the GPU, once for this method (some seconds) …")
    text = compiled(function, signature, dtype, chosen, capability)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _written(text, path)
    except OSError:
        return _written(text, Path(tempfile.mkdtemp()) / path.name)  # For this process only.


def _written(text: str, path: Path) -> Path:
    """Write a file in one piece, so that nobody else finds a part of it."""
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_text(text, encoding="ascii")
    return part.replace(path)


@cache
def _loaded(path: Path) -> Any:
    """Return the kernel of a file, which the driver makes instructions of.

    Raises
    ------
    UnsupportedError
        If the driver does not, because it is older than the compiler, say.
    """
    cp = gpu.library()
    made = cp.RawModule(path=str(path)).get_function(entry(path.read_text(encoding="ascii")))
    try:
        made.compile()
    except cp.cuda.driver.CUDADriverError as error:
        note(f"the GPU's driver refuses compiled kernels ({error}): array code in their place")
        raise UnsupportedError(f"backend: the driver refuses compiled kernels: {error}") from error
    return made


def entry(text: str) -> str:
    """Return the name of the only kernel in a PTX text."""
    (name,) = re.findall(r"\.visible \.entry (\w+)\(", text)
    return str(name)


def flat(value: Any) -> tuple[Any, ...]:
    """Return what a kernel of Numba's takes for an argument.

    An array is who owns it and whose part it is (nobody, here), how many numbers of how many bytes, where,
    its shape and its strides.
    """
    if not is_array(value):
        return (np.int64(value),)
    numbers = (0, 0, value.size, value.itemsize)
    return (*map(np.int64, numbers), value, *map(np.int64, (*value.shape, *value.strides)))
