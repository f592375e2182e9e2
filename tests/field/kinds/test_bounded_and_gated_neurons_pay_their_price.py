"""Bounded neurons are balanced and slow near an end; gated ones are parabolas; decay on b′ brings back."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gradflow.descent import GD, Adam, train_arrays
from gradflow.descent.modifiers import Modifiers
from gradflow.field.kinds import BOUNDED, GATED, PLAIN, SHIFTED
from gradflow.flow.of_kind import flow
from gradflow.neuron.activity import BALANCED, DEAD, activity
from gradflow.neuron.problem import Neuron, Problem, Uniform

DEAD_STARTS = np.array([1.5, 2.0, 4.0])


def test_a_bounded_neuron_is_balanced_under_any_steps() -> None:
    rng = np.random.default_rng(0)
    theta = Neuron(*rng.standard_normal((4, 200)) * 2.0)
    for config in (Adam(lr=0.3), GD(lr=0.1)):
        run = train_arrays(theta, Problem(), config, 300, kind=BOUNDED, record_every=50)
        w1, b1 = BOUNDED.line(np.moveaxis(run.theta, 0, 1), Problem())
        state = activity(Neuron(w1, b1), Problem())
        # Beyond |s| = 18 or so the rounded place is the end itself.
        assert np.all((state == BALANCED) | (np.abs(run.theta[:, 1]) > 17.0) | (w1 == 0))
        assert np.mean(state == BALANCED) > 0.99
        assert not [e for e in run.events if "dead" in e.event or "hyperactive" in e.event]


def test_rounding_takes_the_breakpoint_to_the_end_where_stated() -> None:
    """Rounded correctly tanh is 1 from 55 ln 2/2 = 19.06 on; NumPy's may be one unit off."""
    edge = 27.5 * math.log(2.0)
    below, above = np.array([1.0, edge - 0.15, 1.0, 0.0]), np.array([1.0, edge + 0.01, 1.0, 0.0])
    assert activity(Neuron(*BOUNDED.line(below, Problem())), Problem()) == BALANCED
    assert activity(Neuron(*BOUNDED.line(above, Problem())), Problem()) != BALANCED
    assert np.all(BOUNDED.evaluator(Problem(), above).gradient(above)[1] == 0.0)
    assert np.all(BOUNDED.evaluator(Problem(), below).gradient(below)[1] != 0.0)


def test_a_plain_neuron_is_not() -> None:
    rng = np.random.default_rng(0)
    run = train_arrays(Neuron(*rng.standard_normal((4, 200)) * 2.0), Problem(), Adam(lr=0.3), 300)
    assert np.mean(activity(run.final, Problem()) == BALANCED) < 0.9


@pytest.mark.parametrize("place", [-0.9, 0.9, 0.94])
def test_near_an_end_it_leaves_no_faster_than_derived(place: float) -> None:
    # h = 1; |w1 g2| = |∂L/∂s|/(h sech² s), whose largest value is taken over the same times.
    first, start, times = 1.0 - abs(place), Neuron(1.0, -place, 1.0, 0.5), np.linspace(0.0, 12.0, 7)
    psi = np.stack([flow(BOUNDED, start, Problem(), float(t), rtol=1e-8).final for t in times], axis=1)
    slope = np.abs(BOUNDED.evaluator(Problem(), psi).gradient(psi)[1])
    p = np.abs(np.tanh(psi[1]))
    largest = 1.05 * np.max(slope / (1 - p * p))
    assert np.all(1.0 - p >= 1.0 / (1.0 / first + 4.0 * largest * times) - 1e-15)
    assert np.all(slope <= 4.0 * largest * np.exp(-2.0 * np.abs(psi[1])))
    assert np.ptp(p) > 0.005


def test_hyperactive_gated_neurons_rest_on_the_best_parabola() -> None:
    # The best parabola of ReLU on [−1, 1] is 3/32 + x/2 + 15 x²/32, its loss 1/768.
    for w1, b1 in ((0.5, 2.0), (-1.0, 1.5), (0.1, 0.3)):
        v = 15 / 32 / w1
        c = (0.5 - b1 * v) / w1
        psi = np.array([w1, b1, v, c, 3 / 32 - b1 * c])
        value, slope = GATED.evaluator(Problem(), psi).loss_and_gradient(psi)
        assert value == pytest.approx(1 / 768, rel=1e-9)
        np.testing.assert_allclose(slope, 0.0, atol=1e-11)
        moved = psi + 1e-3 * np.random.default_rng(1).standard_normal((200, 5))
        assert np.all(GATED.evaluator(Problem(), moved.T).loss(moved.T) >= value - 1e-15)


def test_the_best_line_is_no_trap_for_a_gate() -> None:
    for w1, b1 in ((0.5, 2.0), (-1.0, 1.5)):
        c = 0.5 / w1
        psi = np.array([w1, b1, 0.0, c, 0.25 - b1 * c])
        value, slope = GATED.evaluator(Problem(), psi).loss_and_gradient(psi)
        assert value == pytest.approx(1 / 48, rel=1e-12)
        assert slope[2] == pytest.approx(-w1 / 12, rel=1e-11)
        np.testing.assert_allclose(slope[[0, 1, 3, 4]], 0.0, atol=1e-14)


def test_decay_on_the_shift_brings_the_dead_back_when_derived() -> None:
    rate, lam = 0.1, 0.05
    for problem, p in (
        (Problem(), DEAD_STARTS),
        (Problem(inputs=Uniform(-2.0, 0.5)), DEAD_STARTS),
        (Problem(inputs=Uniform(0.5, 3.0)), DEAD_STARTS + 3.0),
    ):
        end = float(problem.hi)
        start = Neuron(1.3, -1.3 * p, 0.7, 0.0)
        run = train_arrays(
            start,
            problem,
            GD(lr=rate),
            500,
            kind=SHIFTED,
            modifiers=Modifiers(decoupled=(0.0, lam, 0.0, 0.0)),
        )
        # The first k with p (1 − η λ)^k below the end.
        expected = np.floor(np.log(end / p) / math.log(1 - rate * lam)) + 1
        assert np.array_equal(np.asarray(run.first_change), expected)
        assert abs(expected[-1] * rate - math.log(p[-1] / end) / lam) < 0.5, "the flow's time ln(p/e)/λ"


def test_the_same_decay_on_weight_and_bias_brings_none_back() -> None:
    start = Neuron(1.3, -1.3 * DEAD_STARTS, 0.7, 0.0)
    both = Modifiers(decoupled=(0.05, 0.05, 0.0, 0.0))
    run = train_arrays(start, Problem(), GD(lr=0.1), 500, modifiers=both, kind=PLAIN)
    assert np.all(run.first_change == -1)
    assert np.all(activity(run.final, Problem()) == DEAD)
    np.testing.assert_allclose(-run.final[1] / run.final[0], DEAD_STARTS, rtol=1e-12)


def test_an_end_on_the_other_side_of_zero_is_never_reached() -> None:
    problem = Problem(inputs=Uniform(-3.0, -1.0))
    # Dead: p = −0.5, above the input, and decay moves it further up.
    assert activity(Neuron(1.0, 0.5, 1.0, 0.0), problem) == DEAD
    run = train_arrays(
        Neuron(1.0, 0.5, 1.0, 0.0),
        problem,
        GD(lr=0.1),
        500,
        kind=SHIFTED,
        modifiers=Modifiers(decoupled=(0.0, 0.05, 0.0, 0.0)),
    )
    assert run.first_change == -1
