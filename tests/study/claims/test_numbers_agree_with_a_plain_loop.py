"""The claims' numbers are those of an optimiser written out in the test, and of exact fractions."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from gradflow.descent import Adam
from gradflow.study.claims.single_neuron import observation0, observation1, observation2, settings
from gradflow.study.claims.theory import irreversibility, large_bias, large_rate
from tests.study.claims import plain

DOUBLE = "100 inputs, float64"
MIDPOINTS = (np.arange(4000) + 0.5) / 2000 - 1
"""The midpoint rule: the population to about 1e-7."""


def test_the_reference_losses() -> None:
    # E over [-1, 1] of f* = max(x, 0), f*², x² and x f*.
    mean, square, variance_x, with_x = (Fraction(1, n) for n in (4, 6, 3, 6))
    constant = square - mean**2
    line = constant - with_x**2 / variance_x
    assert (line, constant) == (Fraction(1, 48), Fraction(5, 48))
    references = settings.reference_losses(settings.POPULATION)
    assert references == pytest.approx({"best_line": float(line), "best_constant": float(constant)})
    assert (float(line), float(constant)) == (settings.LINE_LOSS, settings.CONSTANT_LOSS)


def test_the_reference_losses_of_the_sample() -> None:
    x, y = plain.INPUTS, np.maximum(plain.INPUTS, 0)
    fit = np.polynomial.Polynomial.fit(x, y, 1)
    references = settings.reference_losses(settings.SAMPLE)
    assert references["best_line"] == pytest.approx(np.mean((fit(x) - y) ** 2), rel=1e-12)
    assert references["best_constant"] == pytest.approx(np.var(y), rel=1e-12)


def test_the_kink_leaves_at_step_247() -> None:
    kinks = [-theta[1] / theta[0] for theta in plain.adam(-1.2, 0.01, 400)]
    leaves = next(step for step, kink in enumerate(kinks) if kink < -1)
    values = observation1.breakpoint_moves_left(True).values["settings"][DOUBLE]
    assert leaves == values["leaves_at_step"] == 247
    assert values["moves_left_at_every_step"] is all(b < a for a, b in pairwise(kinks[:248]))
    assert values["breakpoint_every_50_steps"] == pytest.approx(kinks[:301:50], abs=1e-9)


def test_the_neuron_dies_at_step_19() -> None:
    states = list(plain.adam(-1.0, 0.4, 2000))
    dies = next(step for step, theta in enumerate(states) if plain.dead(theta))
    values = observation2.once_dead_frozen(True).values
    assert dies == values["adam_dies_at_step"] == 19
    assert all(plain.dead(theta) for theta in states[dies:])
    drift = states[-1][:3] - states[dies][:3]
    assert values["adam_drift_of_w1_b1_w2"] == pytest.approx(drift, rel=1e-9)
    assert values["adam_drift_predicted"] == pytest.approx(drift, rel=1e-9)
    assert np.max(np.abs(drift)) > 0.1


@pytest.mark.slow
def test_the_loss_curve_in_double_precision() -> None:
    values = observation1.loss_figure(True).values["log10_loss_float64"]
    states = dict(enumerate(plain.adam(-1.1, 0.01, 2000)))
    for step, close in ((500, 1e-8), (1000, 1e-5), (1400, 1e-2)):
        assert values[str(step)] == pytest.approx(np.log10(plain.loss(states[step])), abs=close)
    assert values["2000"] < -20
    assert plain.loss(states[2000]) < 1e-20


def test_gd_takes_0_4_and_dies_above_its_threshold() -> None:
    values = observation2.gradient_descent(True).values
    kills = {"value": values["kills_from_rate"], "uncertainty": values["kills_from_rate_uncertainty"]}
    lowest, highest = (kills["value"] + sign * 2 * kills["uncertainty"] for sign in (-1, 1))
    assert not any(plain.dead(theta) for theta in plain.gd(-1.0, lowest, 200))
    assert any(plain.dead(theta) for theta in plain.gd(-1.0, highest, 200))
    assert plain.loss(list(plain.gd(-1.0, 0.4, 3000))[-1]) < 1e-12
    at = [plain.dead(theta) for theta in plain.gd(-1.0, 0.9, 200)]
    assert at.index(True) == values["dies_at_step_with_rate_0.9"]


@pytest.mark.slow
def test_the_outcomes_at_the_posts_biases() -> None:
    for b2, finding, level in (
        (-1.1, observation1.small_bias_works(True), 0.0),
        (
            -1.2,
            observation1.large_bias_is_stuck(True),
            settings.reference_losses(settings.SAMPLE)["best_line"],
        ),
    ):
        end = plain.loss(list(plain.adam(b2, 0.01, 5000))[-1])
        assert end == pytest.approx(level, rel=1e-6, abs=1e-14)
        assert finding.values["settings"][DOUBLE]["final_loss"] == pytest.approx(level, rel=1e-6, abs=1e-14)


@pytest.mark.slow
def test_the_thresholds_of_adam_on_the_sample() -> None:
    found = observation1.thresholds(True).values["adam_100_inputs"]
    value, width = found["value"], 2 * found["uncertainty"]
    line = settings.reference_losses(settings.SAMPLE)["best_line"]
    assert plain.loss(list(plain.adam(value - width, 0.01, 5000))[-1]) == pytest.approx(line, rel=1e-3)
    assert plain.loss(list(plain.adam(value + width, 0.01, 5000))[-1]) < 1e-3 * line


@pytest.mark.slow
def test_a_dead_start_stays_where_it_is() -> None:
    values = observation0.dead_start(True).values
    assert values["largest_move_of_w1_b1_w2"] == 0.0
    assert values["final_loss_population"] == pytest.approx([5 / 48, 5 / 48], rel=1e-6)


def test_the_b2_that_one_step_kills() -> None:
    values = large_bias.large_bias(True).values
    for rate, entry in values["gd_first_step"].items():
        # E over [-1, 1] of x and of 1 where x > 0; z at 1 after the step is 1 − 2 η b2 (1/4 + 1/2).
        exact = 1 / (2 * Fraction(rate) * (Fraction(1, 4) + Fraction(1, 2)))
        assert entry["predicted"] == pytest.approx(float(exact), rel=1e-14)
        assert entry["bisected"] == pytest.approx(float(exact), abs=2 * entry["uncertainty"])
        for factor, dies in ((1 - 1e-5, False), (1 + 1e-5, True)):
            *_, end = plain.gd(factor * float(exact), float(rate), 1, MIDPOINTS)
            assert plain.dead(end) is dies


def test_the_b2_that_some_steps_kill() -> None:
    values = large_bias.large_bias(True).values
    for train, name in ((plain.gd, "gd_rate_0.01"), (plain.adam, "adam_rate_0.01")):
        at = values[f"{name}_first_kills_at"]
        for factor, dies in ((0.995, False), (1.005, True)):
            *_, end = train(factor * at, 0.01, values["steps"], MIDPOINTS)
            assert plain.dead(end) is dies


def test_the_rate_that_kills_the_posts_start() -> None:
    found = large_rate.along_runs(161)
    deaths = {}
    for rate in np.linspace(0.2, 1.0, 161)[::4]:
        dead = [plain.dead(theta) for theta in plain.gd(-1.0, rate, found["steps"], MIDPOINTS)]
        deaths[rate] = dead.index(True) if True in dead else None
    assert {step for step in deaths.values() if step is not None} == set(found["steps_of_death"])
    assert min(rate for rate, step in deaths.items() if step) == pytest.approx(found["least_that_kills"])
    assert found["disagree"] == 0


def test_the_largest_stable_rate_is_a_root() -> None:
    # 2/λ at a root λ of the polynomial that derivation 16 states.
    coefficients = (7488, -44352, 82676, -36328, -48308, 51872, -12376, -848, 208, 4, -1)
    roots = np.roots(coefficients)
    (sharpness,) = (root.real for root in roots if abs(root.imag) < 1e-9 and 2 < root.real < 4)
    found = large_rate.large_rate(True).values
    assert found["largest_stable_rate"] == pytest.approx(2 / sharpness, rel=1e-9)
    assert found["ends_of_random_starts"]["at_teacher"][-3:] == [0, 0, 0]
    assert min(found["ends_of_random_starts"]["at_teacher"][:3]) > 0


def test_decay_of_the_bias_brings_back_whom_it_should() -> None:
    start = irreversibility.dead_starts(2000)
    found = irreversibility.with_decay(start, 0.0, 0.02)
    b1, returned = start[1].copy(), np.zeros(2000, bool)
    for _ in range(irreversibility.LONGEST):
        b1 *= 1 - irreversibility.RATE * 0.02
        returned |= np.abs(start[0]) + b1 > 0
    assert found.returned == found.predicted == np.sum(returned)
    assert 0 < found.returned < found.dead == 2000


def test_neurons_that_die_and_return_under_adam() -> None:
    n, lr, last = 400, 0.2, irreversibility.TRANSIENT + irreversibility.LONGEST
    found = irreversibility.after_death(Adam(lr), n)
    died = returned = 0
    for theta in np.random.default_rng(2).normal(size=(4, n)).T:
        m, v, death = np.zeros(4), np.zeros(4), None
        if plain.dead(theta):
            continue
        for k in range(1, last + 1):
            g = plain.gradient(theta, MIDPOINTS)
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            theta = theta - lr * (m / (1 - 0.9**k)) / (np.sqrt(v / (1 - 0.999**k)) + 1e-8)
            if death is None and plain.dead(theta):
                died, death = died + 1, k
            elif death is not None and not plain.dead(theta):
                returned += k - death <= irreversibility.LONGEST
                break
            if death is None and k == irreversibility.TRANSIENT:
                break
    assert (found.dead, found.returned, found.wrong) == (died, returned, 0)
    assert died > 50
    assert returned > 2
