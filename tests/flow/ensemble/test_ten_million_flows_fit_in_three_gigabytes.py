"""Of a compiled flow nothing is kept but its results: 10⁷ of them need less than 3 GB."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from typing import Any

import numpy as np
import pytest

from gradflow.flow.ensemble import integrate_ensemble

CODE = """
import resource
import numpy as np
from gradflow.flow.ensemble import integrate_ensemble
from gradflow.neuron.problem import Neuron

run = integrate_ensemble(Neuron(b1=np.linspace(-2.0, 2.0, 10**7)), t_end=0.01, rtol=1e-3)
assert run.final.shape == (4, 10**7)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the unit of ru_maxrss is kilobytes on Linux")
def test_they_do() -> None:
    out = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert int(out.stdout) * 1024 < 3e9


def test_no_share_of_them_is_kept() -> None:
    starts = np.random.default_rng(0).normal(size=(4, 100_000))
    options: dict[str, Any] = {"t_end": 0.01, "rtol": 1e-3, "backend": "numba", "chunk": 256}
    integrate_ensemble(starts[:, :1], **options)
    tracemalloc.start()
    try:
        run = integrate_ensemble(starts, **options)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    results = sum(values.nbytes for values in run)
    # Results and starts, and a few shares of lanes, which are as large for any number of flows.
    assert peak < 2.0 * (results + starts.nbytes)
