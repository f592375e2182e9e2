"""A loose tolerance kills no neuron of any kind that a tight one leaves alive; only rounding does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.field.kinds import GATED, KINDS, PLAIN, SHIFTED, SOLVED_BIAS
from gradflow.field.kinds.kind import Kind
from gradflow.flow.of_kind import Flows, flow
from gradflow.flow.status import CONVERGED, REACHED
from gradflow.neuron.activity import BALANCED, DEAD, activity, end_preactivations
from gradflow.neuron.problem import Neuron, Problem
from tests.flow.test_no_flow_dies_away_from_the_origin import DOOMED, WIDE

ROUNDING = 1e-12
TIMES = (0.5, 1.0, 2.0, 4.0, 7.0, 10.0)


def starts(n: int, seed: int = 1) -> np.ndarray:
    """Return random neurons of sizes that differ."""
    rng = np.random.default_rng(seed)
    return np.asarray(rng.standard_normal((4, n)) * np.exp(rng.normal(0.0, 0.7, (1, n))))


def is_dead(kind: Kind, psi: Any) -> np.ndarray:
    w1, b1 = kind.line(psi, Problem())
    return np.asarray(activity(Neuron(w1, b1), Problem()) == DEAD)


def active_end(kind: Kind, psi: Any) -> np.ndarray:
    w1, b1 = kind.line(psi, Problem())
    size = np.hypot(np.asarray(w1), np.asarray(b1))
    ends = np.array(end_preactivations(Neuron(w1, b1), Problem()))
    return np.asarray(np.max(ends, axis=0) / np.where(size > 0.0, size, 1.0))


def compare(kind: Kind, n: int) -> None:
    theta = starts(n)
    loose, tight = (flow(kind, theta, Problem(), 10.0, rtol=rtol, max_steps=2000) for rtol in (1e-3, 1e-10))
    ended = np.all([np.isin(run.status, (REACHED, CONVERGED)) for run in (loose, tight)], axis=0)
    assert np.mean(ended) > 0.9
    alive = ~is_dead(kind, kind.start(theta, Problem()))
    assert np.sum(alive) > n / 2
    dead = [is_dead(kind, run.final) for run in (loose, tight)]
    differ = ended & alive & (dead[0] != dead[1])
    # Where rounding may kill, whether it does is chance.
    assert np.all(thinnest(kind, theta[:, differ]) < ROUNDING), theta[:, differ]


def thinnest(kind: Kind, theta: np.ndarray) -> np.ndarray:
    """Return the smallest that the active ends are seen to be in accurate flows from these neurons."""
    ends = [active_end(kind, flow(kind, theta, Problem(), t, rtol=1e-10).final) for t in TIMES]
    return np.asarray(np.min(ends, axis=0))


@pytest.mark.parametrize("kind", [PLAIN, SOLVED_BIAS], ids=["plain", "solved-bias"])
def test_the_same_neurons_of_a_hundred_die(kind: Kind) -> None:
    compare(kind, 100)


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_the_same_neurons_of_three_hundred_die(name: str) -> None:
    compare(KINDS[name], 300)


def short(kind: Kind, rtol: float) -> Flows:
    return flow(kind, starts(100), Problem(), 2.0, rtol=rtol)


@pytest.mark.parametrize("kind", [PLAIN, SOLVED_BIAS, GATED], ids=["plain", "solved-bias", "gated"])
def test_none_dies_before_its_active_part_is_as_small_as_rounding(kind: Kind) -> None:
    alive = ~is_dead(kind, kind.start(starts(100), Problem()))
    assert not np.any(alive & is_dead(kind, short(kind, 1e-3).final))


def test_a_shifted_one_keeps_its_breakpoint_inside() -> None:
    # It nears the end of the input; a step at this tolerance went past it.
    theta = starts(300)
    w1, b1 = SHIFTED.line(SHIFTED.start(theta, Problem()), Problem())
    balanced = np.asarray(activity(Neuron(w1, b1), Problem())) == BALANCED
    run = flow(SHIFTED, theta[:, balanced][:, :60], Problem(), 1.0, rtol=1e-3)
    assert not np.any(is_dead(SHIFTED, run.final) & (np.abs(run.final[0]) > 1e-6))


def test_what_runs_into_the_origin_dies_there() -> None:
    run = flow(PLAIN, DOOMED, WIDE, 10.0, rtol=1e-10)
    assert int(activity(run.final, WIDE)) == DEAD
    assert np.max(np.abs(run.final[:2])) < 1e-8
    assert int(run.status) in (REACHED, CONVERGED)
