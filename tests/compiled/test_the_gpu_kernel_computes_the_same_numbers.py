"""The CUDA kernel's text, compiled for the host, returns NumPy's numbers; nvcc takes it where there is one.

No GPU is needed: the launch is two loops (`tests.compiled.shim`), the runner is the one that CuPy would get.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradflow.compiled import cupy_runner
from gradflow.compiled.cuda_source import cuda_source
from gradflow.descent import GD, OPTIMIZERS, Adam, Cosine, HeavyBall, optimizer, train_arrays
from gradflow.descent.compiled.step import record_step
from gradflow.descent.prepared import prepare
from gradflow.neuron.problem import Neuron, Problem, Uniform
from tests.compiled.batches import PROBLEMS, SAMPLES, N, assert_same_bits, starts
from tests.compiled.shim import COMPILER, Cupy


@pytest.fixture
def cupy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cupy:
    if COMPILER is None:
        pytest.skip("no C++ compiler")
    pretended = Cupy(tmp_path)
    monkeypatch.setattr(cupy_runner, "library", lambda: pretended)
    return pretended


def compare(*case: Any, **options: Any) -> None:
    run = train_arrays(*case, events=False, backend="cupy", **options)
    assert_same_bits(run, train_arrays(*case, events=False, backend="numpy", **options))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_for_every_optimiser(name: str, dtype: str, cupy: Cupy) -> None:
    compare(starts(dtype), Problem(), optimizer(name, lr=0.02), 100, schedule=Cosine(100))
    assert cupy.launches == 1
    assert "--fmad=false" in cupy.options


@pytest.mark.parametrize("problem", list(PROBLEMS))
@pytest.mark.parametrize("config", [GD(0.05), HeavyBall(0.02), Adam(0.02)])
def test_for_every_problem(config: Any, problem: str, cupy: Cupy) -> None:
    compare(starts(), PROBLEMS[problem], config, 100)


@pytest.mark.parametrize("problem", list(SAMPLES))
def test_for_samples(problem: str, cupy: Cupy) -> None:
    compare(starts(), SAMPLES[problem], Adam(0.05), 100)


def test_for_swept_rates_and_records(cupy: Cupy) -> None:
    compare(starts(), Problem(), Adam(np.linspace(0.0, 0.1, N)), 50, record_every=20)
    assert cupy.launches == 3


def test_with_more_trajectories_than_threads(cupy: Cupy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cupy_runner, "THREADS", 16)
    monkeypatch.setattr(cupy_runner, "MOST_BLOCKS", 3)
    compare(starts(), Problem(), GD(0.05), 20)
    compare(Neuron(b2=-1.2), Problem(), GD(0.05), 20)


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="no nvcc")
@pytest.mark.parametrize("problem", [Problem(), SAMPLES["grid"]])
@pytest.mark.parametrize("config", [GD(), HeavyBall(), Adam()])
def test_nvcc_compiles_it_without_contraction(config: Any, problem: Problem, tmp_path: Path) -> None:
    theta, problem, config = prepare(starts(), problem, config)
    path = tmp_path / "kernel.cu"
    path.write_text(cuda_source(record_step(theta, problem, config, True).program), encoding="utf-8")
    subprocess.run(
        ["nvcc", "-ptx", "--fmad=false", "-o", tmp_path / "kernel.ptx", path],
        check=True, capture_output=True,
    )  # fmt: skip
    text = (tmp_path / "kernel.ptx").read_text(encoding="utf-8")
    assert "fma.rn.f64" not in text
    assert ("div.rn.f64" in text) or not isinstance(problem.inputs, Uniform)
    assert ("sqrt.rn.f64" in text) == isinstance(config, Adam)
