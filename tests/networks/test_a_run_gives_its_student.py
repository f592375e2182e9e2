"""The student of a run is what was trained, as a function, at any record."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradflow as gf
from gradflow.networks import line


@pytest.mark.parametrize("problem", [gf.Problem(), gf.Problem(target="abs")], ids=["teacher", "target"])
def test_of_a_neuron(problem: gf.Problem) -> None:
    run = gf.train(gf.Neuron(b2=-1.0), problem, gf.GD(0.1), 40)
    end, start = gf.student(run), gf.student(run, 0)
    assert isinstance(end, gf.Neuron)
    assert isinstance(start, gf.Neuron)
    assert tuple(start) == (1.0, 0.0, 1.0, -1.0)
    assert float(gf.loss(end, problem)) == pytest.approx(float(run.loss[-1]), rel=1e-12)
    assert np.ndim(end(0.3)) == 0


def test_of_a_network_and_of_a_flow() -> None:
    problem = gf.Problem(target="abs")
    run = gf.gradient_flow(line.start("kernel", 3, 1), problem, t_end=1.0)
    end = gf.student(run)
    assert isinstance(end, gf.Network)
    assert float(gf.loss(end, problem)) == pytest.approx(float(run.loss[-1]), rel=1e-12)


def test_of_a_batch() -> None:
    run = gf.train(gf.Neuron(b2=np.array([-1.0, 0.5])), gf.Problem(), gf.GD(0.1), 10)
    np.testing.assert_allclose(gf.loss(gf.student(run)), run.loss[-1], rtol=1e-12)


@pytest.mark.parametrize(
    ("run", "at", "words"),
    [(3, 0, "run: expected what"), (None, 11, "at: expected one of 11 records, got 11"), (None, "x", "at: ")],
)
def test_bad_input_is_named(run: Any, at: Any, words: str) -> None:
    given = gf.train(gf.Neuron(), gf.Problem(), gf.GD(0.1), 10) if run is None else run
    with pytest.raises((TypeError, ValueError), match=f"^{words}"):
        gf.student(given, at)


def test_laws_and_targets_are_named_or_told(monkeypatch: pytest.MonkeyPatch) -> None:
    some: Any = gf.Normal()
    assert gf.Problem(law="normal").law == some
    assert gf.Problem(law="uniform").inputs == gf.Uniform()
    odd: Any = np.sin
    for given, words in (
        ({"law": "gauss"}, "law: expected Uniform, Steps, Normal, Sample or one of uniform, normal"),
        ({"inputs": some}, "inputs: expected Uniform or Sample; write law="),
        ({"inputs": 100}, "inputs: expected Uniform or Sample, such as"),
        ({"target": odd}, r"target: expected .*; write gradflow.interpolated\(function, lo, hi\)$"),
    ):
        with pytest.raises(TypeError, match=f"^{words}"):
            gf.Problem(**given)
