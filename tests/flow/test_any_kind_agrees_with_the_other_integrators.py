"""The flow of any kind: plain ones as the ensemble, all kinds as SciPy; times, levels and bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import DOP853, solve_ivp

from gradflow.field import loss
from gradflow.field.kinds import GATED, KINDS, PLAIN, SOLVED_BIAS
from gradflow.flow import of_kind as any_kind
from gradflow.flow.ensemble import integrate_ensemble
from gradflow.flow.of_kind import flow
from gradflow.flow.status import CONVERGED, DIVERGED, PASSED, REACHED, STATUSES, TOO_MANY_STEPS
from gradflow.neuron.problem import Neuron, Problem, Uniform, grid

ALL = pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))


def starts(n: int = 12, seed: int = 0) -> Neuron:
    """Return random neurons."""
    return Neuron(*np.random.default_rng(seed).standard_normal((4, n)))


@pytest.mark.parametrize("t_end", [0.7, 3.0])
def test_plain_ones_are_the_ensembles(t_end: float) -> None:
    for problem in (Problem(), Problem(Neuron(-0.8, 0.3, 1.2, 0.4), Uniform(-0.5, 2.0))):
        ours = flow(PLAIN, starts(), problem, t_end, rtol=1e-10, resting=0.0)
        theirs = integrate_ensemble(starts(), problem, t_end, rtol=1e-10)
        assert np.all(ours.status == REACHED)
        np.testing.assert_allclose(ours.final, theirs.final, rtol=1e-6, atol=1e-7)


def test_it_goes_on_where_the_ensemble_settles_later() -> None:
    problem = Problem()
    ours = flow(PLAIN, starts(10, 3), problem, 40.0, rtol=1e-9)
    theirs = integrate_ensemble(starts(10, 3), problem, 40.0, rtol=1e-9)
    np.testing.assert_allclose(ours.loss, loss(theirs.final, problem), rtol=1e-4, atol=1e-7)


@ALL
@pytest.mark.parametrize("name", ["population", pytest.param("sample", marks=pytest.mark.slow), "silu"])
def test_every_kind_is_as_with_scipy(kind: Any, name: str) -> None:
    problem = {
        "population": Problem(),
        "sample": Problem(inputs=grid(9)),
        "silu": Problem(activation="silu"),
    }[name]
    neuron = Neuron(0.9, 0.2, 1.1, -0.6)
    found = flow(kind, neuron, problem, 1.0, rtol=1e-9)
    start = np.array(kind.start(np.array(neuron), problem))
    gradient = kind.evaluator(problem, start).gradient
    expected = solve_ivp(lambda t, y: -gradient(y), (0.0, 1.0), start, method="LSODA", rtol=1e-9, atol=1e-11)
    # A sample's gradient jumps at its inputs.
    tolerance = 2e-4 if name == "sample" else 1e-6
    np.testing.assert_allclose(found.final, expected.y[:, -1], rtol=tolerance, atol=tolerance)
    assert found.status == REACHED
    assert found.t == 1.0


def test_the_steps_are_those_of_scipy() -> None:
    # All parameters stay below 1 in size, where the tolerance is absolute.
    neuron, problem, count = Neuron(0.4, 0.2, 0.5, -0.6), Problem(activation="silu"), 11
    times = [float(flow(PLAIN, neuron, problem, 1e9, max_steps=k).t) for k in range(1, count + 1)]
    start = np.array(neuron)
    gradient = PLAIN.evaluator(problem, start).gradient
    solver = DOP853(lambda t, y: -gradient(y), 0.0, start, 1e9, rtol=1e-13, atol=1e-8, first_step=times[0])
    expected = []
    for _ in range(count):
        solver.step()
        expected.append(solver.t)
    np.testing.assert_allclose(times, expected, rtol=1e-5)


def test_a_start_at_the_origin_moves() -> None:
    run = flow(PLAIN, Neuron(0.0, 0.0, 0.0, 0.0), Problem(), 40.0)
    assert run.status == REACHED
    np.testing.assert_allclose(run.final, [0.0, 0.0, 0.0, 0.25], atol=1e-8)


@ALL
def test_no_trajectory_sees_the_others(kind: Any) -> None:
    many = flow(kind, starts(9), Problem(), 1.0, max_steps=80)
    for i in (0, 8):
        one = flow(kind, Neuron(*(np.asarray(v)[i] for v in starts(9))), Problem(), 1.0, max_steps=80)
        np.testing.assert_allclose(many.final[:, i], one.final, rtol=1e-8, atol=1e-9)
        assert many.status[i] == one.status


@ALL
@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_shapes_are_kept(kind: Any, shape: tuple[int, ...]) -> None:
    theta = np.random.default_rng(1).standard_normal((4, *shape))
    run = flow(kind, theta, Problem(), 0.5)
    assert run.final.shape == (len(kind.parameters), *shape)
    for value in (run.t, run.status, run.loss, run.first_below, run.steps):
        assert np.shape(value) == shape


@ALL
def test_the_loss_falls_and_is_that_of_the_end(kind: Any) -> None:
    start = kind.start(np.array(starts()), Problem())
    value = kind.evaluator(Problem(), start).loss
    before = value(start)
    for t in (0.0, 0.3):
        # Where w1 = 0 attracts a shifted neuron from both sides no step is small enough to go on.
        run = flow(kind, starts(), Problem(), t, max_steps=80)
        assert np.array_equal(run.loss, value(run.final))
        assert np.all(run.loss <= before + 1e-9)
        before = run.loss


def test_the_level_is_noted_when_passed() -> None:
    # b2 alone moves a dead neuron: L = 5/48 + (b2 − ¼)², b2 − ¼ falls like exp(−2t).
    start, level = Neuron(1.0, -2.0, 1.0, 3.25), 5 / 48 + 0.01
    run = flow(PLAIN, start, Problem(), 20.0, below=level)
    passed = np.log(3.0 / 0.1) / 2.0
    assert passed <= run.first_below < passed + 2.0
    assert np.isnan(flow(PLAIN, start, Problem(), 20.0, below=5 / 48 - 1e-9).first_below)


@ALL
def test_what_has_ended_is_laid_aside_and_put_back(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # Two teachers and two intervals; they end at many times.
    b1 = np.linspace(-2.0, 2.0, 9)
    teacher = Neuron(1.0, np.array([[0.0], [-0.5]]), 1.0, np.array([[0.0], [0.5]]))
    problem = Problem(teacher, Uniform(-1.0, np.array([[1.0], [1.5]])))
    found = []
    for share in (0.25, 2.0):
        monkeypatch.setattr(any_kind, "_ENDED", share)
        found.append(flow(kind, Neuron(b1=b1), problem, 6.0, rtol=1e-4, resting=1e-2, max_steps=40))
    aside, never = found
    assert len(set(aside.steps.ravel().tolist())) > 2
    for ours, theirs in zip(aside, never, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_level_is_noted_alike_alone_and_among_others() -> None:
    # The teacher rests from the begin: it takes no step at whose end its loss could be seen.
    alone = flow(PLAIN, Neuron(), Problem(), 5.0, below=1e-3)
    among = flow(PLAIN, Neuron(b2=np.array([0.0, -0.5, 0.2, 0.3, 0.4, 0.5])), Problem(), 5.0, below=1e-3)
    assert np.isnan(alone.first_below)
    assert np.isnan(among.first_below[0])
    assert np.any(np.isfinite(among.first_below))


def test_trajectories_may_end_where_they_pass_the_level() -> None:
    start, level = Neuron(b1=np.linspace(-1.5, 1.5, 13), b2=-0.5), 1e-2
    whole, short = (
        flow(PLAIN, start, Problem(), 30.0, rtol=1e-6, below=level, stop_below=stop) for stop in (False, True)
    )
    np.testing.assert_array_equal(short.first_below, whole.first_below)
    passed = np.isfinite(short.first_below)
    assert 0 < np.sum(passed) < 13
    assert np.all((short.status == PASSED) == passed)
    assert np.all(short.t[passed] == short.first_below[passed])
    assert np.all(whole.loss[passed] <= short.loss[passed])
    np.testing.assert_array_equal(short.final[:, ~passed], whole.final[:, ~passed])


def test_every_end_has_its_status() -> None:
    dead = flow(PLAIN, Neuron(1.0, -2.0, 1.0, 0.25), Problem(), 20.0)
    assert (STATUSES[int(dead.status)], float(dead.t)) == ("converged", 0.0)
    assert flow(PLAIN, Neuron(), Problem(), 20.0).status == CONVERGED
    assert flow(SOLVED_BIAS, Neuron(b1=2.0), Problem(), 500.0).status == CONVERGED
    assert flow(GATED, starts(), Problem(), 50.0, max_steps=3).status.tolist() == [TOO_MANY_STEPS] * 12
    assert flow(PLAIN, Neuron(1e200, 0.0, 1e200, 0.0), Problem(), 1.0).status == DIVERGED


TWO_SHAPES = Problem(teacher=Neuron(b1=np.zeros(3)))


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"kind": "plain"}, TypeError, "kind: expected"),
        ({"problem": 3}, TypeError, "problem: expected a Problem"),
        ({"t_end": -1.0}, ValueError, "t_end: expected a finite number >= 0, got"),
        ({"t_end": float("nan")}, ValueError, "t_end: expected a finite number >= 0, got"),
        ({"rtol": 0.0}, ValueError, "rtol: expected a number from 1e-13 to 0.01, got"),
        ({"rtol": 1.0}, ValueError, "rtol: expected a number from 1e-13 to 0.01, got"),
        ({"resting": -1.0}, ValueError, "resting: expected a finite number >= 0, got"),
        ({"max_steps": 0}, ValueError, "max_steps: expected an integer >= 1, got 0"),
        ({"max_steps": 2.5}, TypeError, "max_steps: expected an integer"),
        ({"neuron": (1.0, 2.0)}, ValueError, "neuron: expected 4 parameters"),
        ({"neuron": Neuron(float("nan"))}, ValueError, "neuron: must be finite"),
        ({"neuron": Neuron(b1=np.zeros(2), b2=np.zeros(3))}, ValueError, "batch: the parameters of neuron"),
        ({"neuron": Neuron(b1=np.zeros(2)), "problem": TWO_SHAPES}, ValueError, "batch: neurons, teacher"),
    ],
)
def test_bad_input_gives_one_line(given: dict[str, Any], error: type[Exception], message: str) -> None:
    arguments: dict[str, Any] = {"kind": PLAIN, "neuron": Neuron(), "problem": Problem(), **given}
    with pytest.raises(error) as caught:
        flow(**arguments)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_at_rest_is_a_gradient_of_1e_10() -> None:
    # A dead neuron's is 2 |b2 − 1/4| = 2 exp(−2 t): 1e-10 at t = 11.86, and 1e-9 at 10.7.
    found = flow(PLAIN, Neuron(1.0, -5.0, 1.0, 1.25), Problem(), 40.0, rtol=1e-12)
    assert found.status == CONVERGED
    assert 2.0 * abs(float(found.final[3]) - 0.25) <= 1e-10
    assert 11.0 < float(found.t) < 14.0
