"""The flow's CUDA kernel on the host, behind the part of CuPy that launches it."""

from __future__ import annotations

import ctypes
import hashlib
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.compiled.shim import COMPILER, PROLOGUE, Array

LAUNCH = """
extern "C" void launch(int blocks, int threads, double *records, long long n, const double *terms,
    long long each, const double *fixed, long long levels)
{
    gridDim.x = blocks;
    blockDim.x = threads;
    for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x)
        for (threadIdx.x = 0; threadIdx.x < threads; ++threadIdx.x)
            gradflow_follow(records, n, terms, each, fixed, levels);
}
"""


class Cupy:
    """The part of CuPy that the flow uses, with the host's compiler behind it."""

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
        text = "#define __device__\n" + PROLOGUE + code + LAUNCH
        path = self.folder / hashlib.sha256(text.encode()).hexdigest()[:16]
        library = path.with_suffix(".so")
        if not library.exists():
            path.with_suffix(".cpp").write_text(text, encoding="utf-8")
            flags = ["-O1", "-ffp-contract=off", "-fPIC", "-shared", "-Wno-unused", "-o", str(library)]
            subprocess.run([str(COMPILER), *flags, str(path.with_suffix(".cpp")), "-lm"], check=True)
        self._launch = ctypes.CDLL(str(library)).launch
        return self

    def get_function(self, name: str) -> Any:
        assert name == "gradflow_follow"

        def kernel(grid: tuple[int], block: tuple[int], arguments: tuple[Any, ...]) -> None:
            records, n, terms, each, fixed, levels = arguments
            pointers = [ctypes.c_void_p(a.ctypes.data) for a in (records, terms, fixed)]
            numbers = [ctypes.c_longlong(int(v)) for v in (n, each, levels)]
            self.launches += 1
            self._launch(
                grid[0], block[0], pointers[0], numbers[0], pointers[1], numbers[1], pointers[2], numbers[2]
            )

        return kernel
