"""No tolerance and no method kills a balanced ReLU neuron but at w1 = b1 = 0, and there all of them do."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from gradflow.ends.outcome import LINEAR
from gradflow.flow import STATUSES, integrate
from gradflow.flow.ensemble import EVENTS, Ensemble, integrate_ensemble
from gradflow.flow.reference import METHODS
from gradflow.neuron.activity import BALANCED, DEAD, activity
from gradflow.neuron.problem import Neuron, Problem, Uniform
from gradflow.runs import gradient_flow
from tests.flow.ensemble.test_a_fading_neuron_stays_alive import in_logarithms

HARD = Neuron(-0.03, -0.022, -2.5, -16.7)
"""Its active end shrinks below all numbers, comes back, and passes the teacher's breakpoint at t = 33.97."""

WIDE = Problem(inputs=Uniform(-4.0, 4.0))
DOOMED = Neuron(-2.3799e-4, 5.44913e-4, -0.394501, -2.67294)
"""On the wide interval (w1, b1) runs straight into 0, in a direction that attracts all near it."""

TEACHERS = [
    (1, 0, 1, 0),
    (-1.3, 0.4, 0.7, -0.2),
    (0.8, 0.3, -1.5, 0.1),
    (0, -1, 0, 0.5),
    (1, 0.98, 1, 0),
    (-2, -0.1, -3, 1),
]
INTERVALS = [(0, 1), (-1, 1), (-4, 4), (3, 5)]
RTOLS = (1e-3, 1e-5, 1e-8, 1e-12)


def hard_starts(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return starts with small (w1, b1) and large (w2, b2), teachers and intervals."""
    rng = np.random.default_rng(seed)
    theta = rng.normal(size=(4, n))
    theta[:2] *= 10.0 ** rng.uniform(-4.0, 0.0, n)
    theta[2:] *= 10.0 ** rng.uniform(-1.0, 2.0, n)
    teacher = np.array(TEACHERS, dtype=np.float64)[rng.integers(len(TEACHERS), size=n)].T
    ends = np.array(INTERVALS, dtype=np.float64)[rng.integers(len(INTERVALS), size=n)].T
    return theta, teacher, ends


def deaths(theta: np.ndarray, run: Ensemble, problem: Problem) -> np.ndarray:
    """Assert that neurons died only at w1 = b1 = 0 and only if Q < 0; return which did."""
    died = (activity(theta, problem) != DEAD) & (run.activity == DEAD)
    assert np.all(run.final[:2, died] == 0.0)
    q = theta[0] ** 2 + theta[1] ** 2 - theta[2] ** 2
    assert np.all(q[died] < 0.0)
    assert np.all((run.first_event != EVENTS.index("balanced -> dead")) | died)
    return np.asarray(died)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rtol", [1e-3, 1e-6])
def test_a_wall_reached_by_error_is_no_death(method: str, rtol: float) -> None:
    run = integrate(HARD, Problem(), 40.0, rtol=rtol, method=method)
    assert [crossing.event for crossing in run.crossings] == ["passes teacher"]
    assert run.crossings[0].t == pytest.approx(33.966269504, rel=2.0 * rtol)
    assert run.last.activity == BALANCED
    assert run.last.t == 40.0


@pytest.mark.parametrize(("rtol", "theory"), [(1e-6, True), (1e-12, False)])
def test_the_outcome_does_not_depend_on_the_tolerance(rtol: float, theory: bool) -> None:
    run = gradient_flow(HARD, rtol=rtol, t_end=200.0, theory=theory)
    assert STATUSES[int(run["status"])] == "reached t_end"
    assert int(run["outcome"]) == LINEAR
    assert run.sizes["time"] < 3000


@pytest.mark.slow
def test_the_active_end_is_that_of_its_logarithm() -> None:
    # By then the end has come back from 1e-291 and can be told from w1 and b1.
    expected = in_logarithms(HARD, 33.9)
    w1, b1, w2, b2 = integrate(HARD, Problem(), 33.9, rtol=1e-12).last.theta
    np.testing.assert_allclose([b1 - w1, w1 + b1, w2, b2], expected, rtol=1e-5)


def test_an_ensemble_of_hard_starts_dies_at_the_origin_only() -> None:
    theta, teacher, ends = hard_starts(60, 1)
    problem = Problem(Neuron(*teacher), Uniform(*ends))
    died = [
        deaths(theta, integrate_ensemble(theta, problem, 20.0, rtol=r, max_steps=120), problem)
        for r in (1e-3, 1e-6)
    ]
    assert np.array_equal(died[0], died[1])
    assert np.any(died[0])


@pytest.mark.parametrize("method", ["auto", "RK45", "Radau"])
@pytest.mark.parametrize("rtol", [1e-3, 1e-6, 1e-10])
def test_one_that_runs_into_the_origin_dies_there(method: str, rtol: float) -> None:
    run = integrate(DOOMED, WIDE, 1.0, rtol=rtol, method=method)
    assert [crossing.event for crossing in run.crossings] == ["balanced -> dead"]
    assert run.last.theta[:2] == (0.0, 0.0)
    assert run.last.activity == DEAD
    other = integrate_ensemble(DOOMED, WIDE, 1.0, rtol=rtol)
    assert EVENTS[int(other.first_event)] == "balanced -> dead"
    assert np.all(other.final[:2] == 0.0)
    assert run.crossings[0].t == pytest.approx(2.74868588554512e-4, rel=0.1 * rtol)
    assert float(other.first_crossing) == pytest.approx(2.74868588554512e-4, rel=0.1 * rtol)


def test_a_constant_teacher_kills_at_the_time_of_the_theorem() -> None:
    d, first, b2, y = 0.8, 0.7, 2.0, 0.5
    start = Neuron(0.0, d * np.sinh(first), d * np.cosh(first), b2)
    problem = Problem(teacher=Neuron(0.0, -1.0, 0.0, y))

    def rho(tau: float) -> float:
        return float(0.5 * d * d * np.sinh(2.0 * tau) + b2 + tau - first - y)

    time = quad(lambda tau: 0.5 / rho(tau), 0.0, first, epsabs=1e-13)[0]
    run = integrate(start, problem, 1.0)
    assert run.crossings[-1].event == "balanced -> dead"
    assert run.crossings[-1].t == pytest.approx(time, abs=1e-9)
    assert run.last.theta[:2] == (0.0, 0.0)
    other = integrate_ensemble(start, problem, 1.0)
    assert other.activity == DEAD
    assert float(other.first_crossing) == pytest.approx(time, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backend", "rtol"),
    [
        *(("numba", rtol) for rtol in (1e-3, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12)),
        # Both take the same steps.
        *(("numpy", rtol) for rtol in (1e-3, 1e-10)),
    ],
)
def test_thousands_of_hard_starts_die_at_the_origin_only(backend: str, rtol: float) -> None:
    if backend == "numba":
        pytest.importorskip("numba")
    n = 8000 if backend == "numba" else 500
    theta, teacher, ends = hard_starts(n, 4)
    problem = Problem(Neuron(*teacher), Uniform(*ends))
    run = integrate_ensemble(theta, problem, 20.0, rtol=rtol, max_steps=1000, backend=backend)
    assert np.any(deaths(theta, run, problem))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "rtol"),
    [(method, rtol) for k, method in enumerate(("auto", *METHODS)) for rtol in RTOLS[k % 2 :: 2]],
)
def test_no_single_method_kills_elsewhere(method: str, rtol: float) -> None:
    theta, teacher, ends = hard_starts(60, 5)
    for start, aim, interval in zip(theta.T, teacher.T, ends.T, strict=True):
        problem = Problem(Neuron(*aim), Uniform(*interval))
        run = integrate(Neuron(*start), problem, 20.0, rtol=rtol, method=method, max_steps=300)
        killed = any(crossing.event == "balanced -> dead" for crossing in run.crossings)
        assert killed == (run.last.activity == DEAD and activity(start, problem) != DEAD)
        assert not killed or run.last.theta[:2] == (0.0, 0.0)
