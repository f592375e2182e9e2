"""The flow's CUDA kernel, compiled for the host, returns NumPy's numbers; nvcc takes it where it is."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from gradflow.compiled import cupy_runner
from gradflow.flow.compiled.cuda import cuda_source
from gradflow.flow.ensemble import Level, States, StopRule, integrate_ensemble
from gradflow.neuron.problem import Neuron, Problem
from tests.flow.compiled.cases import SLOPES, assert_same, starts
from tests.flow.compiled.shim import Cupy


@pytest.mark.parametrize(
    "slopes", ["relu", *(pytest.param(name, marks=pytest.mark.slow) for name in SLOPES if name != "relu")]
)
@pytest.mark.parametrize("default", [True, False], ids=["default problem", "each its own"])
def test_for_starts_and_problems_of_every_kind(slopes: str, default: bool, cupy: Cupy) -> None:
    cases = starts(40, 41, SLOPES[slopes], default=default)
    run = integrate_ensemble(cases.theta, cases.problem, 20.0, max_steps=3000, backend="cupy")
    assert_same(run, integrate_ensemble(cases.theta, cases.problem, 20.0, max_steps=3000, backend="numpy"))
    assert cupy.launches == 1
    assert "--fmad=false" in cupy.options


def test_with_a_stop_rule(cupy: Cupy) -> None:
    cases = starts(40, 42, SLOPES["relu"], default=True)

    def late(states: States) -> np.ndarray:
        return np.asarray(states.t > 3.0)

    rule = StopRule((Level(0.0, 1e-3, at_once=True), Level(0.0, 0.1, slow=0.5)), late)
    run = integrate_ensemble(cases.theta, cases.problem, 20.0, stop=rule, max_steps=3000, backend="cupy")
    expected = integrate_ensemble(
        cases.theta, cases.problem, 20.0, stop=rule, max_steps=3000, backend="numpy"
    )
    assert_same(run, expected)
    assert cupy.launches > 1


def test_with_more_trajectories_than_threads(cupy: Cupy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cupy_runner, "THREADS", 4)
    monkeypatch.setattr(cupy_runner, "MOST_BLOCKS", 2)
    cases = starts(30, 43, SLOPES["relu"], default=False)
    run = integrate_ensemble(cases.theta, cases.problem, 3.0, max_steps=3000, backend="cupy")
    assert_same(run, integrate_ensemble(cases.theta, cases.problem, 3.0, max_steps=3000, backend="numpy"))


def test_without_a_gpu_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cupy_runner, "available", lambda: False)
    with pytest.raises(ValueError, match=r"^backend: cupy is not installed or finds no GPU [^\n]*$"):
        integrate_ensemble(Neuron(), Problem(), 1.0, backend="cupy")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("nvcc") is None, reason="no nvcc")
@pytest.mark.parametrize("slopes", [(0.0, 1.0), (0.5, 1.0)])
def test_nvcc_compiles_it_without_contraction(slopes: tuple[float, float], tmp_path: Path) -> None:
    source = tmp_path / "kernel.cu"
    source.write_text(cuda_source(slopes), encoding="utf-8")
    # The exponentials of CUDA's own library are made of fused operations.
    fused = {}
    for name in ("false", "true"):
        result = tmp_path / f"{name}.ptx"
        subprocess.run(
            ["nvcc", "-ptx", f"--fmad={name}", "-o", result, source], check=True, capture_output=True
        )
        fused[name] = result.read_text(encoding="utf-8").count("fma.rn.f64")
    assert fused["false"] < 200 < fused["true"]
    assert "div.rn.f64" in (tmp_path / "false.ptx").read_text(encoding="utf-8")
