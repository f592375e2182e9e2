"""Steps that two processes have compiled and kept go together in a third one: no name means two functions."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
import numpy as np
from gradflow.descent import GD, Adam, HeavyBall, train_arrays
from gradflow.neuron.problem import Problem

start = np.random.default_rng(0).normal(0.0, 1.0, (4, 600))
for name in sys.argv[1:]:
    config = {"adam": Adam(0.01), "gd": GD(0.05), "heavy_ball": HeavyBall(0.01)}[name]
    compiled, plain = (
        train_arrays(start, Problem(), config, 50, events=False, backend=backend).final
        for backend in ("numba", "numpy")
    )
    assert np.array_equal(compiled, plain), name
"""


@pytest.mark.slow
def test_each_of_several_kernels_from_the_disk_is_its_own(tmp_path: Path) -> None:
    place = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    # Each is compiled first thing in a process of its own, so that all that is numbered begins alike.
    for names in (["adam"], ["gd"], ["heavy_ball"], ["gd", "adam", "heavy_ball"], ["adam", "gd"]):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *names], env=place, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (names, done.stderr[-500:])
