"""Training by the GPU's kernels in Numba's simulator, in a process of its own: give it a file's name.

NumPy stands for CuPy: the arrays stay here.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np

from gradflow.compiled import gpu
from gradflow.descent import GD, Adam, Cosine, Descent, HeavyBall, train_arrays
from gradflow.descent.compiled import run, threads
from gradflow.neuron.problem import Neuron, Problem, Uniform, grid
from tests.compiled.batches import PROBLEMS, SAMPLES, starts

FEW, STEPS = 14, 100
LEAKY, INTERVAL = PROBLEMS["leaky"], PROBLEMS["interval"]
ARRAYS = Problem(
    teacher=Neuron(1.0, np.linspace(-2.0, 2.0, FEW), 1.0, 0.0),
    inputs=Uniform(-1.0, np.linspace(0.5, 2.0, FEW)),
)
OWN = np.linspace(0.01, 0.3, FEW)
CASES: dict[str, dict[str, Any]] = {
    "gd": {"optimizer": GD(0.05)},
    "adam": {"optimizer": Adam(0.03), "record_every": 30, "state": True},
    "own rates": {"optimizer": Adam(OWN, beta1=0.8), "problem": LEAKY},
    "another interval": {"optimizer": HeavyBall(0.02), "problem": INTERVAL, "schedule": Cosine(STEPS)},
    "own targets": {"optimizer": Adam(0.03, amsgrad=True), "problem": ARRAYS},
    "diverging": {"optimizer": GD(2.5), "problem": PROBLEMS["slopes"]},
    "sorted samples": {"optimizer": Adam(0.03), "problem": SAMPLES["weighted, labelled"]},
    "few samples, by array code": {"optimizer": GD(0.05), "problem": Problem(inputs=grid(9))},
    "float32": {"optimizer": Adam(0.03), "dtype": "float32", "first_change": False},
}


def train(name: str, backend: str) -> Descent:
    """Train a case."""
    given = {"problem": Problem(), "events": False, **CASES[name]}
    start = starts(given.get("dtype", "float64"))[:, :FEW]
    return train_arrays(start, steps=STEPS, backend=backend, **given)


def main(path: Path) -> None:
    """Train all cases, in pieces."""
    gpu.library = lambda: np
    gpu.available = lambda: True
    run.MANY = 10
    taken: list[int] = []

    class Counted(threads.Threads):
        def advance(self, factors: list[float]) -> None:
            taken.append(len(factors))
            super().advance(factors)

    threads.Threads = Counted  # type: ignore[misc]
    found: dict[str, Any] = {}
    for name in CASES:
        taken.clear()
        found[name] = train(name, "cupy"), sum(taken)
    path.write_bytes(pickle.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
