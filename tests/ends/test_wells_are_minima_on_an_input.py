"""Minima of a sample's loss whose breakpoint lies on an input, against exact piecewise least squares."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.descent import GD, Adam, HeavyBall, train_arrays
from gradflow.descent.optimisers.hyper import Config
from gradflow.ends import descent_outcomes, descent_run
from gradflow.ends.labels import outcome_name
from gradflow.ends.outcome import CONSTANT, LOCAL, UNDECIDED, outcome
from gradflow.ends.places import found as ends_found
from gradflow.ends.places import places
from gradflow.ends.rest import at_rest
from gradflow.ends.wells import NOWHERE, Wells, found, has_wells, stayed, wells
from gradflow.field import gradient
from gradflow.neuron.problem import Neuron, Problem, Sample, grid
from gradflow.runs.training import train


def noisy(seed: int, n: int, activation: str = "relu", weighted: bool = False) -> Problem:
    """Return a sample of targets that no neuron meets; two of the inputs are one."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1.0, 1.0, n)
    x[1] = x[0]
    targets = np.maximum(x, 0.0) + 0.4 * rng.normal(size=n)
    weights = rng.uniform(0.1, 1.0, n) if weighted else None
    return Problem(inputs=Sample(x, weights=weights, targets=targets), activation=activation)


def sample_of(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and targets."""
    assert isinstance(problem.inputs, Sample)
    assert problem.inputs.targets is not None
    return problem.inputs.x, problem.inputs.targets


def weights_of(problem: Problem) -> np.ndarray:
    """Return the weights of the inputs."""
    assert isinstance(problem.inputs, Sample)
    n = problem.inputs.x.size
    return np.full(n, 1.0 / n) if problem.inputs.weights is None else problem.inputs.weights


def plain_loss(theta: np.ndarray, problem: Problem) -> float:
    """Return the loss by the sum over the inputs, with nothing of the package but the numbers given."""
    (x, y), (low, high) = sample_of(problem), problem.slopes
    z = theta[0] * x + theta[1]
    residual = theta[2] * np.where(z > 0.0, high, low) * z + theta[3] - y
    return float(np.sum(weights_of(problem) * residual**2))


def profile(problem: Problem, c: float, sign: float, side: float = 0.0) -> float:
    """Return the least loss of a neuron with this breakpoint and signs of w1, and of w2 if given."""
    (x, y), (low, high) = sample_of(problem), problem.slopes
    z, root = sign * (x - c), np.sqrt(weights_of(problem))
    columns = np.stack((np.where(z > 0.0, high, low) * z, np.ones_like(z)), axis=1) * root[:, None]
    best = np.linalg.lstsq(columns, y * root, rcond=None)[0]
    if best[0] * side < 0.0:
        best = np.array([0.0, np.sum(root**2 * y)])
    return float(np.sum((columns @ best - y * root) ** 2))


CASES = [
    noisy(9, 9),
    noisy(1, 30),
    noisy(2, 30, weighted=True),
    noisy(3, 25, "slopes=0.1,1"),
    noisy(2, 25, "slopes=-1,1"),
    noisy(5, 25, "slopes=2,0.5", weighted=True),
    noisy(6, 300),
]


@pytest.mark.parametrize("problem", CASES)
def test_they_are_where_the_best_fit_for_a_breakpoint_has_a_kink_upwards(problem: Problem) -> None:
    table = wells(problem)
    step, seen = 1e-7, 0
    for i in range(1, table.x.size - 1):
        for rises in (0, 1):
            c, sign = table.x[i], 2.0 * rises - 1.0
            here, *beside = (profile(problem, c + d, sign) for d in (0.0, -step, step))
            is_kink = min(beside) > here + 1e-6 * step
            assert (table.side[0, i, rises] != 0.0) == is_kink
            if is_kink:
                seen += 1
                assert table.loss[0, i, rises] == pytest.approx(here, rel=1e-12)
    assert seen


@pytest.mark.parametrize("problem", CASES)
def test_no_direction_leads_down_and_all_paths_out_lead_up(problem: Problem) -> None:
    table, rng = wells(problem), np.random.default_rng(0)
    for (_, i, rises), place in zip(np.argwhere(table.side), places_of(table).T, strict=True):
        key = (0, i, rises)
        level, top = table.loss[key], table.barrier[key] ** 2
        assert plain_loss(place, problem) == pytest.approx(level, rel=1e-12)
        around = place[:, None] + rng.normal(size=(4, 300)) * 10.0 ** rng.uniform(-8, -2, 300)
        losses = np.array([plain_loss(theta, problem) for theta in around.T])
        inside = np.asarray(found(around, problem).which == (i * 2 + rises))
        assert np.any(inside)
        assert np.all(losses[inside] >= level * (1.0 - 1e-13))
        assert np.all(losses[inside] < top)
        # The breakpoint cannot reach the next input below the barrier.
        for c in (table.x[i - 1], table.x[i + 1]):
            assert profile(problem, c, 2.0 * rises - 1.0, table.side[key]) >= top * (1.0 - 1e-12)


@pytest.mark.some(2)
@pytest.mark.parametrize("problem", CASES[:6])
def test_small_steps_downhill_from_within_end_at_the_minimum(problem: Problem) -> None:
    table, rng = wells(problem), np.random.default_rng(1)
    (x, y), (low, high) = sample_of(problem), problem.slopes
    weights = 2.0 * weights_of(problem)[:, None]
    for (_, i, rises), place in zip(np.argwhere(table.side), places_of(table).T, strict=True):
        theta = place[:, None] * (1.0 + 10.0 ** rng.uniform(-6, -1.5, 200) * rng.normal(size=(4, 200)))
        number = i * 2 + rises
        theta = theta[:, found(theta, problem).which == number][:, :20]
        assert theta.shape[1] > 3
        before = found(theta, problem).excess
        for _ in range(3000):
            z = theta[0] * x[:, None] + theta[1]
            slope = np.where(z > 0.0, high, low)
            r = (theta[2] * slope * z + theta[3] - y[:, None]) * weights
            g = (r * slope * theta[2] * x[:, None], r * slope * theta[2], r * slope * z, r)
            theta = theta - 1e-4 * np.array([part.sum(axis=0) for part in g])
        after = found(theta, problem)
        assert np.all(after.which == number)
        assert np.all(after.excess < np.maximum(before, 1e-5))


def places_of(table: Wells) -> np.ndarray:
    """Return the minima of all wells with |w1| = 0.7, shape (4, number)."""
    keys = np.argwhere(table.side)
    w1 = 0.7 * (2.0 * keys[:, 2] - 1.0)
    of = tuple(keys.T)
    return np.stack((w1, -w1 * table.x[keys[:, 1]], table.slope[of] / w1, table.level[of]))


def starts(n: int) -> Neuron:
    """Return a grid of n × n starts."""
    b1, b2 = np.meshgrid(np.linspace(-2.5, 2.5, n), np.linspace(-3.0, 3.0, n))
    return Neuron(1.0, b1, 1.0, b2)


CONFIGS = {"gd": GD(0.1), "heavy ball": HeavyBall(0.01, 0.9), "adam": Adam(0.01)}


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(config, id=name, marks=() if name == "gd" else pytest.mark.slow)
        for name, config in CONFIGS.items()
    ],
)
@pytest.mark.parametrize(
    "problem", [CASES[0], pytest.param(CASES[1], marks=pytest.mark.slow)], ids=["9", "30"]
)
def test_optimisers_that_go_to_and_fro_about_one_end_there(problem: Problem, config: Config) -> None:
    few = starts(6)
    ends = descent_run(few, problem, config, 2500)
    table = wells(problem)
    known = {(float(table.loss[k]), float(table.x[k[1]])) for k in map(tuple, np.argwhere(table.side))}
    on_input = np.isin(ends.breakpoint, table.x)
    assert np.any(on_input)
    assert np.all(ends.outcome[on_input] == LOCAL)
    numbers = np.arange(36).reshape(6, 6)
    told = places(ends_found(ends.outcome, ends.loss, ends.breakpoint, numbers, -1.0, 1.0))
    assert {(p.loss, p.breakpoint) for p in told if p.breakpoint in table.x} <= known
    # What is undecided was still moving: given more time it ends somewhere.
    open_ = (ends.outcome == UNDECIDED) & (np.abs(ends.breakpoint) < 1.0)
    others = Neuron(*(np.broadcast_to(value, (6, 6))[open_] for value in few))
    assert UNDECIDED not in descent_run(others, problem, config, 10_000).outcome
    assert descent_outcomes(few, problem, config, 2500).tolist() == ends.outcome.tolist()
    # They are still there a long time later.
    start = Neuron(*(np.broadcast_to(value, (6, 6))[on_input] for value in few))
    later = descent_run(start, problem, config, 8000)
    same = later.breakpoint == ends.breakpoint[on_input]
    # Adam's steps grow again as its second moment forgets, and throw it aside now and then, not away.
    assert np.all(same | ((later.outcome == UNDECIDED) & isinstance(config, Adam)))
    np.testing.assert_allclose(later.loss, ends.loss[on_input], rtol=1e-2)
    # A single run says the same; on its way, or when it is too short to tell, it says nothing.
    one = Neuron(*(float(value[0]) for value in start))
    names = [outcome_name(train(one, problem, config, steps=steps)) for steps in (2500, 150, 20)]
    assert names == ["local", "undecided", "undecided"]


def test_the_minimum_itself_is_at_rest_and_what_is_beside_it_is_not() -> None:
    problem = CASES[1]
    table = wells(problem)
    for place in places_of(table).T:
        assert bool(at_rest(place, problem))
        assert int(outcome(place, problem)) == LOCAL
        for shift in (1e-3, -1e-3):
            assert not bool(at_rest(place + np.array([0.0, shift, 0.0, 0.0]), problem))
            assert not bool(at_rest(place + np.array([0.0, 0.0, 0.0, shift]), problem))


def test_a_breakpoint_on_an_input_is_no_minimum_where_the_gradient_leads_away() -> None:
    problem = CASES[1]
    table, thetas = wells(problem), []
    x, y = sample_of(problem)
    for i, rises in np.argwhere(table.side[0] == 0.0):
        c, sign = table.x[i], 2.0 * rises - 1.0
        columns = np.stack((np.maximum(sign * (x - c), 0.0), np.ones(30)), axis=1)
        a, b2 = np.linalg.lstsq(columns, y, rcond=None)[0]
        thetas.append([sign, -sign * c, a, b2, i * 2 + rises])
    *theta, numbers = np.array(thetas).T
    assert not np.any(found(np.array(theta), problem).which == numbers)
    # With one input that is active, the loss may be flat on one side.
    beside = (
        np.array(theta)[..., None] + np.array([[0.0, 0.0], [-1e-7, 1e-7], [0.0, 0.0], [0.0, 0.0]])[:, None]
    )
    steep = np.all(np.abs(gradient(beside, problem)[1]) > 1e-3, axis=-1)
    assert np.sum(steep) > 20
    assert not np.any(at_rest(np.array(theta), problem) & steep)
    assert not np.any(np.isin(outcome(np.array(theta), problem), (LOCAL, CONSTANT)) & steep)


def test_of_what_is_in_no_well_nothing_is_told() -> None:
    problem = CASES[1]
    at = places_of(wells(problem))[..., None]
    of = found(at + np.random.default_rng(0).normal(size=(*at.shape[:2], 20)) * 0.01, problem)
    inside = of.which != NOWHERE
    assert 0 < np.sum(inside) < inside.size
    for part in (of.loss, of.breakpoint, *of.place):
        np.testing.assert_array_equal(np.isfinite(part), inside)
    np.testing.assert_array_equal(of.excess < np.inf, inside)
    assert np.all(of.excess[inside] >= 0.0)


def test_what_moves_through_a_well_is_not_at_rest() -> None:
    problem = CASES[1]
    table = wells(problem)
    place = places_of(table)[:, 0]
    outside = place + np.array([0.0, 0.3, 0.0, 0.0])
    assert int(outcome(place, problem, before=np.stack([outside, place]))) == LOCAL  # at the place itself
    near = place + np.array([0.0, 1e-4, 0.0, 0.0])
    assert int(outcome(near, problem, before=np.stack([place, near]))) == LOCAL
    assert int(outcome(near, problem, before=np.stack([outside, place]))) == UNDECIDED
    assert stayed(near, np.stack([outside, place]), problem).which == NOWHERE


def test_teachers_in_a_batch_have_wells_of_their_own() -> None:
    x = np.linspace(-1.0, 1.0, 9)
    many = Problem(
        Neuron(1.0, np.array([0.1, 0.25, 0.4]), 1.0, 0.0), inputs=Sample(x), teacher_activation="slopes=-1,1"
    )
    table = wells(many)
    for k in range(3):
        one = Problem(
            Neuron(1.0, (0.1, 0.25, 0.4)[k], 1.0, 0.0), inputs=Sample(x), teacher_activation="slopes=-1,1"
        )
        alone = wells(one)
        for name in ("side", "slope", "level", "loss", "barrier"):
            np.testing.assert_array_equal(getattr(table, name)[k], getattr(alone, name)[0])
    rng = np.random.default_rng(0)
    states = rng.normal(size=(4, 50, 3))
    codes = found(states, many).which
    alone_codes = [
        found(
            states[..., k],
            Problem(many.teacher._replace(b1=(0.1, 0.25, 0.4)[k]), Sample(x), "relu", "slopes=-1,1"),
        )
        for k in range(3)
    ]
    for k, one_found in enumerate(alone_codes):
        np.testing.assert_array_equal(codes[:, k] != NOWHERE, one_found.which != NOWHERE)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nothing_is_too_few_or_too_large(dtype: str) -> None:
    for x in ([0.5], [0.0, 1.0], [0.0, 0.0, 1.0]):
        problem = Problem(inputs=Sample(np.array(x), targets=np.ones(len(x))))
        assert not np.any(wells(problem).side)
        assert found(np.ones((4, 2)), problem).which.tolist() == [NOWHERE] * 2
    huge = np.array(
        [[np.nan, 1e200, 0.0, 1.0], [1.0, 1e200, 0.0, np.inf], [1.0] * 4, [0.0] * 4], dtype="float64"
    )
    assert np.all(found(huge, grid_of_noise()).which == NOWHERE)
    with np.errstate(over="ignore"):
        state = huge[:, 2:].astype(dtype)
    assert np.all(outcome(state, grid_of_noise(), before=state[None]) != LOCAL)


def grid_of_noise() -> Problem:
    """Return a sample on a grid."""
    return Problem(inputs=Sample(grid(7).x, targets=np.array([0.0, 1.0, -1.0, 2.0, 0.0, 1.0, -1.0])))


def test_what_has_no_wells_and_what_is_no_history() -> None:
    assert not has_wells(Problem())
    assert not has_wells(Problem(inputs=grid(5), activation="tanh"))
    assert not has_wells(Problem(inputs=grid(5), activation="slopes=1,1"))
    with pytest.raises(ValueError, match=r"before: expected an array of shape \(K, 4, \*batch\)"):
        outcome(np.ones((4, 3)), grid_of_noise(), before=np.ones((5, 4)))


def test_the_states_kept_are_those_of_the_run() -> None:
    problem = CASES[0]
    whole = train_arrays(Neuron(1.0, 0.1, 1.0, 0.2), problem, Adam(0.01), 1000, record_every=1)
    run = train_arrays(Neuron(1.0, 0.1, 1.0, 0.2), problem, Adam(0.01), 1000, last=True, record_every=300)
    assert run.steps.tolist() == [0, 300, 600, 900, 1000]
    assert run.last is not None
    assert whole.last is None
    kept = [1000 - k for k in (144, 89, 55, 34, 21, 13, 8, 5, 3, 2, 1)]
    np.testing.assert_array_equal(run.last, whole.theta[kept])
    np.testing.assert_array_equal(run.theta, whole.theta[run.steps])
    np.testing.assert_array_equal(run.loss, whole.loss[run.steps])
    long = train_arrays(Neuron(1.0, 0.1, 1.0, 0.2), problem, Adam(0.01), 5000, last=True)
    assert long.last is not None
    assert len(long.last) == 15
    assert train_arrays(Neuron(), problem, GD(0.1), 143, last=True).last is None
