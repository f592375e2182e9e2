"""What theorems decide from a state is where the flow goes: on a grid, and from random starts."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.ends import flow_decisions, flow_run, follow
from gradflow.ends.decision import BARRIER, FADES, PATH_TRAP, SIGN_TRAP, SIMULATION, STAYS_DEAD, decide
from gradflow.ends.follow import Ends
from gradflow.ends.outcome import CONSTANT, GLOBAL, LINEAR, UNDECIDED
from gradflow.neuron.problem import Neuron, Problem, Uniform, grid
from gradflow.runs import gradient_flow
from gradflow.runs.records import limit
from tests.problems import VARIED

PROBLEMS = {
    "default": Problem(),
    "mirrored": Problem(Neuron(-1.0, 0.2, 1.0, 0.1)),
    "downward": Problem(Neuron(1.0, 0.2, -1.0, 0.5)),
    "shifted": Problem(Neuron(1.2, -0.3, 0.9, 0.1), Uniform(-0.5, 1.5)),
    "leaky": Problem(Neuron(0.8, 0.1, -1.0, 0.3), activation=(0.3, 1.2)),
    "linear teacher": Problem(Neuron(0.5, 3.0, 1.0, 0.0)),
}


@pytest.mark.parametrize("n", [16, pytest.param(200, marks=pytest.mark.slow)])
def test_with_and_without_theory_the_same_labels(n: int) -> None:
    b1, b2 = np.meshgrid(np.linspace(-2.5, 2.5, n), np.linspace(-3.0, 3.0, n), indexing="ij")
    one = np.ones_like(b1)
    proved = flow_run(Neuron(one, b1, one, b2), Problem())
    simulated = flow_run(Neuron(one, b1, one, b2), Problem(), theory=False)
    np.testing.assert_array_equal(proved.outcome, simulated.outcome)
    assert not np.any(simulated.decided_by)
    assert set(np.unique(proved.decided_by)) == {STAYS_DEAD, BARRIER, PATH_TRAP, SIGN_TRAP}
    at_start = decide(np.stack([one, b1, one, b2]))
    known = at_start.theorem != SIMULATION
    # 38 % before the larger cone of derivation 13.
    assert np.mean(known) > 0.42
    np.testing.assert_array_equal(at_start.outcome[known], simulated.outcome[known])
    np.testing.assert_array_equal(proved.decided_by[known], at_start.theorem[known])
    assert np.all(np.isnan(proved.first_crossing[known]))


def contradictions(problem: Problem, n: int, seed: int) -> tuple[int, int]:
    """Return how many random starts are decided at once, and of how many the simulation says otherwise."""
    theta = np.random.default_rng(seed).uniform(-2.5, 2.5, (4, n))
    found = decide(theta, problem)
    known = np.flatnonzero(found.theorem != SIMULATION)
    simulated = flow_run(Neuron(*theta[:, known]), problem, theory=False, rtol=1e-8, longest=100.0).outcome
    settled = simulated != UNDECIDED
    return known.size, int(np.sum((simulated != found.outcome[known])[settled]))


@pytest.mark.parametrize("theory", [True, False])
def test_what_takes_too_many_steps_ends_alike(theory: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    # To the teacher, to the best line, to the best constant, and there already.
    starts = Neuron(b1=np.array([0.2, 0.2, -2.0, -2.0]), b2=np.array([0.0, -3.0, 1.0, 0.25]))
    expected = flow_decisions(starts, Problem(), theory=theory)
    assert expected.outcome.tolist() == [GLOBAL, LINEAR, CONSTANT, CONSTANT]

    def gives_up(neuron: Neuron, *_: object) -> tuple[Ends, np.ndarray, np.ndarray]:
        open_, t = np.full(4, UNDECIDED, dtype=np.int8), np.zeros(4)
        return Ends(open_, t, t, np.zeros(4, dtype=np.int8), t), np.ones(4, dtype=bool), t

    monkeypatch.setattr(follow, "_follow_together", gives_up)
    found = flow_decisions(starts, Problem(), theory=theory)
    for alone, together in zip(found, expected, strict=True):
        np.testing.assert_array_equal(alone, together)


@pytest.mark.some(3)
@pytest.mark.parametrize("name", PROBLEMS)
def test_no_start_is_decided_wrongly(name: str) -> None:
    known, wrong = contradictions(PROBLEMS[name], 2_000, seed=3)
    assert known > 5
    assert wrong == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", PROBLEMS)
def test_no_start_of_many_is_decided_wrongly(name: str) -> None:
    _, wrong = contradictions(PROBLEMS[name], 10_000, seed=4)
    assert wrong == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIED)
def test_nor_on_intervals_and_slopes_of_any_kind(name: str) -> None:
    assert contradictions(VARIED[name], 300, seed=3)[1] == 0


@pytest.mark.slow
def test_wrong_theorems_are_noticed() -> None:
    # If all that is hyperactive were trapped, and all that is dead under leaky slopes stayed so.
    theta = np.random.default_rng(5).uniform(-2.5, 2.5, (4, 3_000))
    hyperactive = theta[1] > np.abs(theta[0])
    simulated = flow_run(Neuron(*theta[:, hyperactive]), Problem(), rtol=1e-8, longest=100.0).outcome
    assert np.sum(simulated != LINEAR) > 20
    dead = theta[1] < -np.abs(theta[0])
    leaky = Problem(activation=(0.1, 1.0))
    assert not np.any(decide(theta[:, dead], leaky).theorem == STAYS_DEAD)
    ends = flow_run(Neuron(*theta[:, dead]), leaky, rtol=1e-8, longest=100.0).outcome
    assert np.mean(ends == CONSTANT) < 0.5


def test_one_trajectory_records_what_decided_it() -> None:
    run = gradient_flow(Neuron(1.0, 0.0, 1.0, -1.2), t_end=30.0)
    assert int(run["decided_by"]) == BARRIER
    assert float(run["time"][-1]) == 30.0
    when = float(run["decided_at"])
    assert np.all(run["loss"].values[run["time"].values < when] >= 1.0 / 48.0)
    short = gradient_flow(Neuron(1.0, 0.0, 1.0, -1.2), t_end=30.0, until_decided=True)
    assert float(short["time"][-1]) == float(short["decided_at"]) == when
    assert int(short["outcome"]) == int(run["outcome"]) == GLOBAL
    plain = gradient_flow(Neuron(1.0, 0.0, 1.0, -1.2), t_end=30.0, theory=False)
    assert int(plain["decided_by"]) == SIMULATION
    assert np.isnan(plain["decided_at"])
    np.testing.assert_array_equal(plain["loss"], run["loss"])


def test_a_theorem_decides_what_a_short_run_does_not_show() -> None:
    start = Neuron(1.0, 2.0, 1.0, -3.0)
    assert int(gradient_flow(start, t_end=0.1)["outcome"]) == LINEAR
    assert int(gradient_flow(start, t_end=0.1, theory=False)["outcome"]) == UNDECIDED
    at_once = gradient_flow(start, t_end=50.0, until_decided=True)
    assert float(at_once["time"][-1]) == float(at_once["decided_at"]) == 0.0


def test_what_dies_away_is_not_decided_by_death() -> None:
    # (w1, b1) tends to the dead set and soon rounds to it; the neuron itself stays balanced.
    run = gradient_flow(Neuron(w2=-10.0), t_end=50.0, until_decided=True)
    assert int(run["decided_by"]) == FADES
    assert int(run["outcome"]) == CONSTANT
    neuron, problem = Neuron(w2=-10.0), Problem()
    decided, ends = flow_decisions(neuron, problem), flow_run(neuron, problem)
    assert int(decided.outcome) == int(ends.outcome) == CONSTANT
    assert int(decided.theorem) == FADES
    # The ensemble asks more rarely, and finds it rounded to a dead one.
    assert int(ends.decided_by) in (SIMULATION, FADES)


@pytest.mark.slow
def test_what_fades_and_comes_back_is_not_taken_for_dead() -> None:
    starts = Neuron(np.array([-0.0055, -0.01]), np.array([-0.0045, -0.008]), -2.0, np.array([-3.0, -2.5]))
    found = flow_run(starts, Problem())
    np.testing.assert_array_equal(found.outcome, flow_run(starts, Problem(), theory=False).outcome)
    assert np.all(found.outcome == LINEAR)


def test_a_slow_neuron_below_the_constant_does_not_end_there() -> None:
    # Its gradient is as small as at rest, but its loss is below that of the best constant.
    run = gradient_flow(Neuron(w2=1e6), t_end=200.0)
    assert float(run["loss"][-1]) < 5.0 / 48.0
    assert int(run["outcome"]) == UNDECIDED
    assert np.all(np.isnan(limit(run)))


@pytest.mark.slow
def test_starts_are_decided_alike_one_by_one_and_together() -> None:
    starts = Neuron(*np.random.default_rng(8).uniform(-2.0, 2.0, (4, 14)))
    together, alone = flow_run(starts, Problem()), flow_decisions(starts, Problem())
    np.testing.assert_array_equal(together.outcome, alone.outcome)
    # Some end at the closed edge (derivation 15): of these no theorem knows.
    assert np.all((alone.theorem != SIMULATION) | (alone.outcome != GLOBAL))
    assert np.mean(alone.theorem != SIMULATION) > 0.5
    np.testing.assert_array_equal(flow_decisions(starts, Problem(), theory=False).outcome, alone.outcome)


def test_shapes_dtypes_and_samples() -> None:
    for shape in ((), (0,), (3, 2)):
        found = decide(np.ones((4, *shape)))
        assert found.outcome.shape == found.theorem.shape == shape
        assert found.outcome.dtype == np.int8
    assert decide(Neuron(1.0, 2.0, 1.0, -3.0)).theorem == SIGN_TRAP
    assert decide(Neuron(0.0, 0.0, 0.0, 0.0)).theorem == STAYS_DEAD
    teachers = Problem(Neuron(np.array([[1.0], [-1.0]]), 0.0, 1.0, 0.0))
    found = decide(Neuron(1.0, np.linspace(-3.0, 3.0, 4), 1.0, -3.0), teachers)
    assert found.outcome.shape == (2, 4)
    on_sample = Problem(inputs=grid(50))
    assert decide(Neuron(1.0, 2.0, 1.0, -3.0), on_sample).theorem == SIGN_TRAP
    assert decide(Neuron(1.0, 0.0, 1.0, 0.0), on_sample).theorem == SIMULATION
    constant = Problem(Neuron(0.0, 1.0, 1.0, 0.0))
    assert decide(Neuron(1.0, -3.0, 1.0, 0.0), constant).outcome == GLOBAL


def test_any_array_library() -> None:
    strict = pytest.importorskip("array_api_strict")
    theta = np.random.default_rng(2).uniform(-2.0, 2.0, (4, 200))
    for one, other in zip(decide(theta), decide(strict.asarray(theta)), strict=True):
        np.testing.assert_array_equal(np.from_dlpack(other), one)
