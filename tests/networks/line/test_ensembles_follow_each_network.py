"""Many flows at once are the flows one by one: to the bit in any company."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import gradflow as gf
from gradflow.flow.status import CONVERGED, DIVERGED, REACHED, TOO_MANY_STEPS
from gradflow.networks import line
from gradflow.networks.line import ensemble, integrate_ensemble
from gradflow.networks.line.evaluate import evaluator
from gradflow.networks.line.task import task_of
from gradflow.runs import crossings

STEPS: Any = gf.Steps([-1.0, -0.3, 0.2, 1.5], [1.0, 0.0, 3.0])
ABS = gf.Problem(target="abs")
PROBLEMS = {
    "abs": ABS,
    "a jump": gf.Problem(target="step", law=gf.Uniform(-1.0, 2.0)),
    "a teacher": gf.Problem(gf.Neuron(1.0, 0.2, 0.7, 0.1)),
    "a leaky one on steps": gf.Problem(activation=(0.1, 1.0), law=STEPS),
    "a network": gf.Problem(target=line.start("kernel", 3, 1), activation=(0.2, 1.0)),
}
T_END = 4.0


@pytest.mark.parametrize("name", list(PROBLEMS))
def test_they_are_scipys(name: str) -> None:
    problem, rows = PROBLEMS[name], line.start("kernel", 3, 5, (3,)).rows
    found = integrate_ensemble(rows, problem, T_END, rtol=1e-12)
    assert np.all(found.status == REACHED)
    gradient = evaluator(task_of(problem), 10**9).gradient
    for i, start in enumerate(rows.T):
        known = solve_ivp(lambda _, y: -gradient(y), (0.0, T_END), start, "DOP853", rtol=1e-12, atol=1e-13)
        assert np.allclose(found.final[:, i], known.y[:, -1], rtol=0, atol=1e-9)
    w1, b1, w2 = found.final[:-1].reshape(3, 3, -1) ** 2 - rows[:-1].reshape(3, 3, -1) ** 2
    assert np.max(np.abs(w1 + b1 - w2)) <= 1e-10
    assert np.max(np.abs(found.loss - line.loss(rows, problem) + found.descended)) <= 1e-10
    assert np.array_equal(found.loss, line.loss(found.final, problem))


def test_they_cross_what_one_flow_crosses() -> None:
    rows = line.start("uniform", 4, 2, (6,)).rows
    found, counts = integrate_ensemble(rows, ABS, 3.0 * T_END, rtol=1e-12), []
    for i, start in enumerate(rows.T):
        events = crossings(line.gradient_flow(start, ABS, t_end=3.0 * T_END, rtol=1e-12))
        counts.append(events.sizes["crossing"])
        first = events["time"].values[0] if counts[-1] else np.nan
        assert np.allclose(found.first_crossing[i], first, rtol=0, atol=1e-8, equal_nan=True)
    assert found.crossings.tolist() == counts
    assert sum(counts) > 3


def test_no_bit_depends_on_threads_or_company(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = line.start("uniform", 3, 4, (4, 5)).rows
    whole = integrate_ensemble(rows, ABS, 10.0, threads=1)
    alone = integrate_ensemble(rows[:, 2, 3], ABS, 10.0)
    monkeypatch.setattr(ensemble, "WORK", 1)
    monkeypatch.setattr(ensemble, "SHARE", 3)
    for one, other, single in zip(whole, integrate_ensemble(rows, ABS, 10.0, threads=3), alone, strict=True):
        assert np.array_equal(one, other, equal_nan=True)
        assert np.array_equal(one[..., 2, 3], single, equal_nan=True)


def test_what_is_frozen_stays() -> None:
    rows = line.start("uniform", 3, 2, (2,)).rows
    found = integrate_ensemble(rows, ABS, 2.0, frozen=("w2", "b2"))
    assert np.array_equal(found.final[6:], rows[6:])
    for i, start in enumerate(rows.T):
        one = line.gradient_flow(start, ABS, t_end=2.0, frozen=("w2", "b2"))
        assert np.allclose(found.final[:3, i], one["w1"].values[-1], rtol=0, atol=1e-9)


def test_each_says_how_it_ended() -> None:
    rows = np.array([[1.0, 1.0, 1e160], [0.2, 0.2, 0.0], [0.9, 0.9, 1e160], [0.0, 0.1, 0.0]])
    found = integrate_ensemble(rows, gf.Problem(), 1e4, resting=1e-9)
    assert found.status.tolist() == [CONVERGED, CONVERGED, DIVERGED]
    assert np.max(np.abs(line.gradient(found.final[:, :2]))) <= 1e-9
    assert found.t[0] < 1e3
    few = integrate_ensemble(rows[:, 0], gf.Problem(), 1e4, max_steps=7)
    assert (int(few.status), int(few.steps)) == (TOO_MANY_STEPS, 7)


@pytest.mark.parametrize(
    "problem",
    [gf.Problem(law=gf.Normal()), gf.Problem(target="sine"), gf.Problem(inputs=gf.grid(20))],
    ids=["normal", "sine", "sample"],
)
def test_what_has_no_compiled_code_goes_one_by_one(problem: gf.Problem) -> None:
    rows = line.start("uniform", 2, 3, (2,)).rows
    seen: list[int] = []
    found = integrate_ensemble(rows, problem, 0.5, progress=seen.append)
    assert seen == [1, 2]
    for i, start in enumerate(rows.T):
        one = line.gradient_flow(start, problem, t_end=0.5, times=np.array([0.5]))
        assert np.array_equal(found.final[:2, i], one["w1"].values[-1])
        assert found.loss[i] == pytest.approx(float(one["loss"][-1]), rel=1e-14)


def test_a_fading_neuron_crosses_nothing_and_one_that_dies_does() -> None:
    fades = line.start("uniform", 4, 2, (6,)).rows[:, 0]
    found = integrate_ensemble(fades, ABS, 12.0, rtol=1e-12)
    assert found.activity.tolist().count(0) == 1
    assert int(found.crossings) == 1
    dies = integrate_ensemble(
        gf.Neuron(-0.194, 0.568, -1.0, -3.0), gf.Problem(inputs=gf.Uniform(-4.0, 4.0)), 1.0
    )
    assert dies.activity.tolist() == [0]
    assert int(dies.crossings) == 2
    assert float(dies.first_crossing) == pytest.approx(0.117387, abs=1e-6)


@pytest.mark.slow
def test_what_is_stiff_is_followed_to_the_end() -> None:
    rows = 10.0 * line.start("uniform", 5, 1).rows
    found = integrate_ensemble(rows, ABS, 1000.0, rtol=1e-9)
    assert (int(found.status), float(found.t)) == (REACHED, 1000.0)
    assert int(found.steps) > ensemble.STIFF
    known = line.gradient_flow(rows, ABS, t_end=1000.0, times=np.array([1000.0]), rtol=1e-9)
    assert np.allclose(found.final[:5], known["w1"].values[-1], rtol=0, atol=1e-6)
    assert float(found.loss) == pytest.approx(float(known["loss"][-1]), rel=1e-4)
    assert abs(float(found.loss + found.descended - line.loss(rows, ABS))) < 1e-5
