"""What the cores can do at most: throughput of vector √, ÷, + and ·, FMA, loads and stores.

The model of a program's limit. A step is straight-line code, vectorised across trajectories. Its
instructions fall into three groups that a core can work on at the same time, so that the time is at least
that of the slowest group:

- the divider: every ÷ and √, each at its own measured throughput;
- arithmetic: every other statement (+, −, ·, comparisons, choices, …) at the measured throughput of
  alternating · and +, which keeps all floating-point pipes busy;
- memory: every load and store of a trajectory's numbers, at the measured throughput of load–store pairs
  in the first-level cache.

That no instruction waits for another is assumed; the limit is a bound, not a forecast. All kernels, the
measured and those that measure, are compiled by Numba, and run on as many threads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from math import sqrt
from typing import Any, NamedTuple

import numba
import numpy as np

LANES = 128
MEASURES = ("sqrt", "div", "arithmetic", "fma", "memory")


class Program(NamedTuple):
    """What one step of one trajectory takes: statements by kind, and numbers loaded and stored."""

    statements: Mapping[str, float]
    loads: float
    stores: float


def kinds(program: Program) -> tuple[float, float, float]:
    """Return how many square roots, divisions and other statements a step takes."""
    total = sum(program.statements.values())
    roots, quotients = (program.statements.get(name, 0) for name in ("sqrt", "div"))
    return roots, quotients, total - roots - quotients


def limit(program: Program, each: dict[str, float]) -> dict[str, float]:
    """Return the least seconds of a step of a trajectory in each group.

    Parameters
    ----------
    program : Program
    each : dict
        Seconds an operation, by `MEASURES` (all threads together).
    """
    roots, quotients, others = kinds(program)
    return {
        "divider": roots * each["sqrt"] + quotients * each["div"],
        "arithmetic": others * each["arithmetic"],
        "memory": max(program.loads, program.stores) * each["memory"],
    }


class Work(NamedTuple):
    """A kernel, its instructions for a number (a fused multiply-add is one), and its rounds in a run."""

    kernel: Any
    instructions: int
    rounds: int

    def operations(self, threads: int) -> int:
        """Return how many instructions of a number so many threads carry out in a run."""
        return self.instructions * LANES * self.rounds * threads


def work(name: str) -> Work:
    """Return what measures one of `MEASURES`: each run takes some hundredths of a second."""
    return {
        "sqrt": Work(_roots, 8, 100_000),
        "div": Work(_quotients, 8, 200_000),
        "arithmetic": Work(_products_and_sums, 54, 300_000),
        "fma": Work(_fused, 30, 300_000),
        "memory": Work(_copies, 1, 5_000_000),
    }[name]


def seconds_each(runs: dict[str, float], threads: int) -> dict[str, float]:
    """Return the seconds an operation from those that runs of `throughput` took."""
    return {name: seconds / work(name).operations(threads) for name, seconds in runs.items()}


def throughput(name: str, threads: int) -> Callable[[], np.ndarray]:
    """Return a function that runs a kernel on all threads at once; the answer is the numbers' last values."""
    kernel, _, rounds = work(name)
    pool = ThreadPoolExecutor(threads)

    def one(_: int) -> np.ndarray:
        data = np.linspace(1.0, 2.0, 3 * LANES)
        kernel(data, rounds)
        return data

    return lambda: np.stack(list(pool.map(one, range(threads))))


def vector_bits() -> int:
    """Return the width of the vectors that the compiler uses on this processor."""
    _products_and_sums(np.ones(3 * LANES), 1)
    assembly = "".join(_products_and_sums.inspect_asm().values())
    return next((bits for name, bits in (("zmm", 512), ("ymm", 256), ("xmm", 128)) if name in assembly), 64)


Kernel = Callable[[Any, int], None]
_compile: Callable[[Kernel], Any] = numba.njit(nogil=True, error_model="numpy", boundscheck=False)
_contract: Callable[[Kernel], Any] = numba.njit(
    nogil=True, error_model="numpy", boundscheck=False, fastmath={"contract"}
)


@_compile
def _roots(data: Any, rounds: int) -> None:
    for _ in range(rounds):
        for lane in range(LANES):
            x = data[lane]
            x = sqrt(sqrt(sqrt(sqrt(x + 0.9) + 0.8) + 0.7) + 0.6)
            data[lane] = sqrt(sqrt(sqrt(sqrt(x + 0.9) + 0.8) + 0.7) + 0.6)


@_compile
def _quotients(data: Any, rounds: int) -> None:
    for _ in range(rounds):
        for lane in range(LANES):
            x = data[lane]
            x = 1.7 / (1.6 / (1.5 / (1.4 / (x + 0.9) + 0.8) + 0.7) + 0.6)
            data[lane] = 1.7 / (1.6 / (1.5 / (1.4 / (x + 0.9) + 0.8) + 0.7) + 0.6)


def _chains(data: Any, rounds: int) -> None:
    # Four chains of six products and sums: enough that no pipe waits for a result.
    for _ in range(rounds):
        for lane in range(LANES):
            a = data[lane]
            b, c, d = a + 0.1, a + 0.2, a + 0.3
            for _ in range(6):
                a, b, c, d = a * 0.7 + 0.3, b * 0.8 + 0.2, c * 0.6 + 0.4, d * 0.9 + 0.1
            data[lane] = a + b + (c + d)


_products_and_sums = _compile(_chains)
_fused = _contract(_chains)


@_compile
def _copies(data: Any, rounds: int) -> None:
    for i in range(rounds):
        # Where it is copied from depends on the round, so that no copy can be left out.
        first = (i & 1) * 8
        for lane in range(LANES):
            data[2 * LANES + lane] = data[first + lane]
