"""A GPU's kernels take NumPy's steps: in Numba's simulator, as compiled, and on a GPU if one is there."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from gradflow.compiled import gpu, kernels
from gradflow.descent import Descent, loop, prepared, train_arrays
from gradflow.descent.optimisers import registry
from gradflow.descent.optimisers.hyper import NON_NEGATIVE
from gradflow.neuron.problem import Problem
from tests.compiled import ptx
from tests.compiled.batches import assert_same_bits, starts
from tests.compiled.ptx import CUPY
from tests.compiled.simulated import CASES, STEPS, train

ROOT = Path(__file__).resolve().parents[2]


def assert_same_run(run: Descent, other: Descent) -> None:
    """Compare all bits, the optimiser's state included."""
    assert_same_bits(run, other)
    assert (run.state is None) == (other.state is None)
    for a, b in zip(run.state or (), other.state or (), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the runs of a process in which Numba simulates a GPU."""
    if find_spec("numba.cuda") is None:
        pytest.skip("this Numba has no simulator without numba-cuda")
    path = tmp_path_factory.mktemp("simulated") / "runs"
    command = [sys.executable, "-m", "tests.compiled.simulated", str(path)]
    environment = os.environ | {"NUMBA_ENABLE_CUDASIM": "1"}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = pickle.loads(path.read_bytes())
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_in_the_simulator_each_case_has_numpys_bits(name: str, simulated: dict[str, Any]) -> None:
    found, steps = simulated[name]
    assert steps == (0 if "array code" in name else 2 * STEPS)  # In two pieces.
    assert_same_run(found, train(name, "numpy"))


@pytest.fixture
def paper(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Put the GPU on paper in the place of CuPy; return where compiled code is kept."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(gpu, "library", lambda: CUPY)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_what_is_compiled_for_a_gpu_has_numpys_bits(name: str, paper: Path) -> None:
    """`tests.compiled.ptx` knows no instruction that fuses a product with a sum, or is approximate."""
    pytest.importorskip("numba_cuda")
    found = train(name, "cupy")
    kept = {path.name.partition("-")[0] for path in paper.rglob("*.ptx")}
    assert kept == (set() if "array code" in name else {"advance", "observe"})
    assert_same_run(found, train(name, "numpy"))


@pytest.mark.slow
def test_where_the_driver_refuses_a_kernel_array_code_trains(
    paper: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numba_cuda")

    def refuse(kernel: ptx.Kernel) -> None:
        raise ptx.DriverError("unsupported version of PTX")

    monkeypatch.setattr(ptx.Kernel, "compile", refuse)
    assert_same_run(train("adam", "cupy"), train("adam", "numpy"))


class Half(NamedTuple):
    """An optimiser whose rule only Python takes."""

    lr: float = 1.0


class Rate(NamedTuple):
    """Its coefficients."""

    rate: float


def by_half(ops: Any, c: Any, gradient: Any, memory: Any, theta: Any) -> Any:
    return theta - sum(part * c.rate for part in (0.25, 0.25)) * theta, memory


@pytest.mark.slow
def test_a_rule_that_is_not_compiled_is_left_to_array_code(
    paper: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numba_cuda")
    monkeypatch.setattr(registry, "OPTIMIZERS", dict(registry.OPTIMIZERS))
    monkeypatch.setattr(registry, "_RULES", dict(registry._RULES))
    limits = {"lr": NON_NEGATIVE}
    registry.register(
        "half", Half, lambda config, theta: (), lambda config, k: Rate(config.lr), by_half, limits
    )
    case = starts()[:, :4], Problem(), Half(0.5), 3
    found = train_arrays(*case, events=False, backend="cupy")
    assert not [*paper.rglob("*.ptx")]
    assert_same_run(found, train_arrays(*case, events=False, backend="numpy"))


def test_without_numba_cuda_array_code_trains(paper: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "available", lambda: False)
    moved: list[Any] = []

    def noted(*given: Any) -> Any:
        moved.append(given)
        return prepared.on_gpu(*given)

    monkeypatch.setattr(loop, "on_gpu", noted)
    assert_same_run(train("adam", "cupy"), train("adam", "numpy"))
    assert len(moved) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_on_a_gpu_trajectories_agree_to_rounding(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run by hand: no machine that these tests have run on had a GPU."""
    pytest.importorskip("numba_cuda")
    if not gpu.available():
        pytest.skip("needs a GPU and CuPy")
    if "array code" not in name:
        monkeypatch.delattr(loop, "on_gpu")  # Array code's way there.
    found, expected = train(name, "cupy"), train(name, "numpy")
    tolerance = 1e-4 if "float32" in name else 1e-12
    for a, b in ((found.theta, expected.theta), (found.loss, expected.loss)):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
    np.testing.assert_array_equal(found.diverged, expected.diverged)
    if expected.first_change is not None:
        np.testing.assert_array_equal(found.first_change, expected.first_change)
