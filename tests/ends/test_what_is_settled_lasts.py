"""An outcome that a theorem about the method settles is the same however much longer training goes on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradflow as gf
from gradflow.descent import GD, Adam, AdamW, HeavyBall, Nesterov, RMSProp, Sign
from gradflow.descent.optimisers.registry import init
from gradflow.descent.schedules import Cosine
from gradflow.ends import descent_run
from gradflow.ends.decision import SIMULATION, STAYS_DEAD, STEPS_TRAP, TEACHER_TRAP, decide_descent
from gradflow.ends.outcome import CONSTANT, GLOBAL, LINEAR, UNDECIDED
from gradflow.neuron.problem import Neuron, Problem, Uniform

STARTS = np.random.default_rng(5).normal(0.0, 1.5, (4, 3000))
PROBLEMS = {
    "default": Problem(),
    "falling teacher": Problem(Neuron(-1.0, 0.3, -0.7, 0.4), Uniform(-1.0, 2.0)),
    "leaky": Problem(activation="slopes=0.1,1"),
    "sample": Problem(inputs=gf.grid(30)),
}


@pytest.mark.some(3)
@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("lr", [0.01, 0.2])
def test_twenty_times_as_many_steps_change_nothing_that_is_settled(name: str, lr: float) -> None:
    problem = PROBLEMS[name]
    short = descent_run(Neuron(*STARTS), problem, GD(lr), 200)
    settled = short.decided_by != SIMULATION
    assert np.sum(settled) > 20
    long = descent_run(Neuron(*STARTS), problem, GD(lr), 4000)
    # What goes to its end slowly may not be seen there yet, but is nowhere else.
    assert np.all((long.outcome == short.outcome)[settled])
    assert np.all(long.decided_by[settled] != SIMULATION)
    assert np.all(np.isnan(long.first_crossing[settled]) | (long.first_crossing <= 200)[settled])


DECAYS_NOTHING = AdamW(0.01, weight_decay=0.0)
CONFIGS = (HeavyBall(0.1), Nesterov(0.1), RMSProp(0.01), Adam(0.01), DECAYS_NOTHING, Sign(0.01))
TWICE = ("default", "falling teacher", "sample") * 2


@pytest.mark.some(3)
@pytest.mark.parametrize(
    ("name", "config"), [(TWICE[k % 3 + i], config) for k, config in enumerate(CONFIGS) for i in (0, 2)]
)
def test_the_dead_are_settled_under_every_optimiser(name: str, config: Any) -> None:
    problem = PROBLEMS[name]
    some = Neuron(*STARTS[:, :1000])
    short = descent_run(some, problem, config, 600)
    settled = short.decided_by != SIMULATION
    assert np.sum(settled) > 100
    assert np.all(np.isin(short.outcome[settled], (CONSTANT, UNDECIDED)))
    long = descent_run(some, problem, config, 6000)
    # All are constants for ever; b2 may be on its way to the best one, or pass it again and again.
    assert np.all(np.isin(long.outcome[settled], (CONSTANT, UNDECIDED)))
    assert np.mean(long.outcome[settled] == CONSTANT) > 0.99
    first = short.first_crossing[settled]
    assert np.array_equal(long.first_crossing[settled], first, equal_nan=True)


def test_momentum_that_is_left_over_leaves_the_dead_open() -> None:
    wall = Neuron(1.0, -1.0 - 1e-3, 1.0, 0.25)
    state = init(Adam(0.1), np.array(wall)[:, None])
    pushed = state._replace(step=np.asarray(3.0), first=-np.ones((4, 1)), second=np.ones((4, 1)))
    theta = np.array(wall)[:, None]
    assert decide_descent(theta, Problem(), Adam(0.1), state).theorem.tolist() == [STAYS_DEAD]
    assert decide_descent(theta, Problem(), Adam(0.1), pushed).theorem.tolist() == [SIMULATION]


def test_adam_changes_what_only_the_flow_settles() -> None:
    # Linear at step 5 000 by every theorem about the flow, and at the teacher by step 20 000.
    start = Neuron(1.0, 0.0, 1.0, -1.18)
    before, after = (descent_run(start, Problem(), Adam(0.01), n) for n in (5000, 20_000))
    assert before.outcome == LINEAR
    assert after.outcome == 0
    assert before.decided_by == SIMULATION


DEAD = Neuron(1.0, -3.0, 1.0, 0.0)
TRAPPED = Neuron(0.5, 3.0, 1.0, -2.7)


@pytest.mark.parametrize(
    ("neuron", "optimizer", "theorem", "outcome"),
    [
        (DEAD, GD(0.5), STAYS_DEAD, CONSTANT),
        (DEAD, GD(1.0), SIMULATION, UNDECIDED),
        (DEAD, GD(1.5), SIMULATION, UNDECIDED),
        (DEAD, GD(0.0), SIMULATION, UNDECIDED),
        (DEAD, GD(0.5, weight_decay=0.1), SIMULATION, UNDECIDED),
        (DEAD, HeavyBall(0.1), SIMULATION, UNDECIDED),
        (DEAD, Adam(0.1), SIMULATION, UNDECIDED),
        (DEAD, None, SIMULATION, UNDECIDED),
        (TRAPPED, GD(0.01), STEPS_TRAP, LINEAR),
        (TRAPPED, GD(0.5), SIMULATION, UNDECIDED),
        (TRAPPED, GD(0.0), SIMULATION, UNDECIDED),
        (TRAPPED, AdamW(0.01), SIMULATION, UNDECIDED),
        (Neuron(1.0, 0.0, 1.0, 0.1), GD(0.01), SIMULATION, UNDECIDED),
        (Neuron(1.0, 1e-4, 1.0, 0.0), GD(0.01), TEACHER_TRAP, GLOBAL),
        (Neuron(1.0, 1e-4, 1.0, 0.0), GD(0.7), SIMULATION, UNDECIDED),
        (Neuron(1.0, 0.0, 1.0, 0.0), Adam(0.01), SIMULATION, UNDECIDED),
    ],
)
def test_theorems_decide_for_plain_gradient_descent_only(
    neuron: Neuron, optimizer: Any, theorem: int, outcome: int
) -> None:
    found = decide_descent(neuron, Problem(), optimizer)
    assert (int(found.theorem), int(found.outcome)) == (theorem, outcome)


def test_rates_of_their_own_are_decided_one_by_one() -> None:
    found = decide_descent(DEAD, Problem(), GD(np.array([0.1, 0.9, 1.0, 2.0])))
    assert found.theorem.tolist() == [STAYS_DEAD, STAYS_DEAD, SIMULATION, SIMULATION]


def test_a_dataset_says_what_is_settled_and_a_schedule_settles_nothing() -> None:
    plain = gf.train(DEAD, optimizer=GD(0.1), steps=10)
    assert str(plain["decided_by_name"].values) == "dead"
    assert str(plain["outcome_name"].values) == "constant"
    falling = gf.train(DEAD, optimizer=GD(0.1), steps=10, schedule=Cosine(10))
    assert str(falling["decided_by_name"].values) == "simulation"
    both = gf.train(DEAD, optimizer=GD(np.array([0.1, 1.5])), steps=10)
    assert both["decided_by_name"].values.tolist() == ["dead", "simulation"]


def test_smooth_neurons_are_not_settled() -> None:
    found = decide_descent(DEAD, Problem(activation="gelu"), GD(0.1))
    assert int(found.theorem) == SIMULATION


@pytest.mark.parametrize("optimizer", [GD(1.5), HeavyBall(2.5), Nesterov(1.5), Sign(0.5)])
def test_near_the_best_constant_is_not_enough_where_b2_leaves_it(optimizer: Any) -> None:
    near_now = Neuron(1.0, -3.0, 1.0, 0.251)
    for steps in (0, 1):
        run = descent_run(near_now, Problem(), optimizer, steps)
        assert run.decided_by == SIMULATION
    # It does leave: the loss is not near at every later step.
    later = [float(descent_run(near_now, Problem(), optimizer, k).loss) for k in (60, 61)]
    assert not max(later) < 5.0 / 48.0 + 1e-3
    settled: dict[Any, Any] = {
        GD: GD(0.9),
        HeavyBall: HeavyBall(1.8),
        Nesterov: Nesterov(0.6),
        Sign: Sign(0.01),
    }
    assert descent_run(near_now, Problem(), settled[type(optimizer)], 0).decided_by == STAYS_DEAD


def test_a_rate_of_0_leaves_b2_where_it_is() -> None:
    at, away = Neuron(1.0, -3.0, 1.0, 0.25), Neuron(1.0, -3.0, 1.0, 0.9)
    for optimizer in (GD(0.0), HeavyBall(0.0), Sign(0.0), Adam(0.0)):
        assert descent_run(at, Problem(), optimizer, 3).decided_by == STAYS_DEAD
        assert descent_run(away, Problem(), optimizer, 3).decided_by == SIMULATION


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_of_what_is_not_finite_nothing_is_settled(place: int, value: float) -> None:
    for neuron in (DEAD, TRAPPED, Neuron(1.0, 1e-4, 1.0, 0.0)):
        theta = np.array(neuron)
        theta[place] = value
        for optimizer in (GD(0.01), HeavyBall(0.01)):
            state = init(optimizer, theta)
            found = decide_descent(theta, Problem(), optimizer, state)
            assert (int(found.theorem), int(found.outcome)) == (SIMULATION, UNDECIDED)
