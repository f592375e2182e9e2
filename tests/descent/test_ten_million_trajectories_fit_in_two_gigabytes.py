"""A sweep of 10⁷ trajectories needs less than 2 GB: an optimiser's state is held piece by piece."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("resource")

CODE = """
import resource
import numpy as np
from gradflow.descent import Adam, train_arrays
from gradflow.neuron.problem import Neuron, Problem

start = Neuron(b1=np.linspace(-2.0, 2.0, 10**7))
run = train_arrays(start, Problem(), Adam(0.01), {steps}, events=False, backend="{backend}")
assert run.final.shape == (4, 10**7) and run.first_change.shape == (10**7,)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the unit of ru_maxrss is kilobytes on Linux")
@pytest.mark.parametrize(("backend", "steps"), [("numpy", 3), ("numba", 30)])
def test_their_training_does(backend: str, steps: int) -> None:
    if backend == "numba":
        pytest.importorskip("numba")
    code = CODE.format(backend=backend, steps=steps)
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(out.stdout) * 1024 < 2e9
