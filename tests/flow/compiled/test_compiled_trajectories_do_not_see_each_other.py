"""No result of compiled code depends on the chunk, the threads, the order or the company, to the bit."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.flow.compiled import run as flow_run
from gradflow.flow.ensemble import Ensemble, Level, States, StopRule, integrate_ensemble
from gradflow.neuron.problem import Neuron, Problem, Uniform
from tests.flow.compiled.cases import SLOPES, starts

N = 150
CASES = starts(N, 31, SLOPES["relu"], default=False)


def follow(theta: np.ndarray, problem: Problem, chunk: int = 4096) -> Ensemble:
    def decide(states: States) -> np.ndarray:
        return np.asarray(states.t > 5.0)

    rule = StopRule((Level(0.0, 0.05),), decide)
    return integrate_ensemble(theta, problem, 10.0, stop=rule, chunk=chunk, max_steps=2000, backend="numba")


def assert_same_bits(a: Ensemble, b: Ensemble, which: np.ndarray | slice = slice(None)) -> None:
    for name, x, y in zip(a._fields, a, b, strict=True):
        assert np.ascontiguousarray(x).tobytes() == np.ascontiguousarray(y[..., which]).tobytes(), name


@pytest.fixture(scope="module")
def run() -> Ensemble:
    return follow(CASES.theta, CASES.problem)


@pytest.mark.parametrize("chunk", [1, 2, 9, 37])
@pytest.mark.parametrize("threads", [1, 3])
def test_chunks_and_threads(chunk: int, threads: int, run: Ensemble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_run, "cores", lambda: threads)
    assert_same_bits(follow(CASES.theta, CASES.problem, chunk), run)


def test_order_and_company(run: Ensemble) -> None:
    for which in (np.random.default_rng(0).permutation(N), np.arange(3, N, 7)):
        teacher = Neuron(*(np.asarray(v)[which] for v in CASES.problem.teacher))
        inputs = Uniform(np.asarray(CASES.problem.lo)[which], np.asarray(CASES.problem.hi)[which])
        assert_same_bits(follow(CASES.theta[:, which], Problem(teacher, inputs)), run, which)


def test_alone(run: Ensemble) -> None:
    for i in range(0, N, 29):
        neuron, problem = CASES.single(i) if i else (Neuron(*CASES.theta[:, 0]), CASES.single(0)[1])
        one = follow(np.stack([np.asarray([v]) for v in neuron]), problem)
        assert_same_bits(one, run, np.array([i]))
