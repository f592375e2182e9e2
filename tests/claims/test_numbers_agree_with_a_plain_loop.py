"""The claims' numbers are those of an optimiser written out in the test, and of exact fractions."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from gradflow.claims.single_neuron import observation0, observation1, observation2, settings
from tests.claims import plain

DOUBLE = "100 inputs, float64"


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
    values = observation1.kink_moves_left(True).values["settings"][DOUBLE]
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
