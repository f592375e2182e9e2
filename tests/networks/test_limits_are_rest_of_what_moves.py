"""A neuron's flow has a limit where what moves is at rest, whatever it learns and whatever is frozen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradflow as gf
from gradflow.ends.rest import at_rest, near, rests
from gradflow.networks.limits import landscape_of
from gradflow.networks.line.ends import references
from gradflow.networks.line.task import task_of
from gradflow.runs.records import limit

START = gf.Neuron(1.0, 0.2, 0.5, -0.3)
SAMPLE = np.linspace(-1.0, 1.0, 9)
RESTS: dict[str, tuple[gf.Neuron, gf.Problem, dict[str, Any]]] = {
    "one parameter": (
        gf.Neuron(1.0, 0.2, 1.0, 0.0),
        gf.Problem(),
        {"frozen": ("w1", "w2", "b2"), "t_end": 60},
    ),
    "two": (gf.Neuron(1.0, 0.2, 1.0, 0.0), gf.Problem(), {"frozen": ("w2", "b2"), "t_end": 300}),
    "the bias apart": (START, gf.Problem(), {"frozen": ("b2",)}),
    "hyperactive": (gf.Neuron(b2=-2.0), gf.Problem(target="hat"), {"frozen": ("w1",), "t_end": 100}),
    "another law": (START, gf.Problem(law=gf.Normal()), {}),
    "dead": (gf.Neuron(1.0, -2.0, 1.0, 0.3), gf.Problem(), {"frozen": ("w2",), "t_end": 3}),
    "dead on another target": (gf.Neuron(1.0, -2.0, 1.0, 0.3), gf.Problem(target="abs"), {"t_end": 3}),
    "dead with a frozen bias": (
        gf.Neuron(1.0, -2.0, 1.0, 0.3),
        gf.Problem(),
        {"frozen": ("b2",), "t_end": 3},
    ),
    "nothing moves": (START, gf.Problem(), {"frozen": ("w1", "b1", "w2", "b2"), "t_end": 3}),
    "a sample": (START, gf.Problem(inputs=gf.Sample(SAMPLE)), {}),
    "a target on a sample": (START, gf.Problem(target="hat", inputs=gf.Sample(SAMPLE)), {"t_end": 300}),
}


@pytest.mark.some(3)
@pytest.mark.parametrize("name", list(RESTS))
def test_what_rests_has_one(name: str) -> None:
    start, problem, given = RESTS[name]
    given = {"rtol": 1e-6, "t_end": 100, **given}
    run = gf.gradient_flow(start, problem, **given)
    found = limit(run)
    assert run["outcome_name"] != "undecided"
    moves = np.array([part not in given.get("frozen", ()) for part in ("w1", "b1", "w2", "b2")])
    assert np.all(np.isfinite(found))
    assert np.array_equal(found[~moves], np.array(start)[~moves])
    if name != "a target on a sample":
        # There it rests in a well, where the gradient jumps.
        assert np.max(np.abs(gf.gradient(found, problem)[moves]), initial=0.0) < 1e-6
    if not name.startswith("dead"):
        later = gf.gradient_flow(start, problem, **{**given, "t_end": 1.5 * given["t_end"]})
        last = [float(later[part][-1]) for part in ("w1", "b1", "w2", "b2")]
        assert np.allclose(last, found, rtol=0, atol=1e-5)


MOVES: dict[str, tuple[gf.Neuron, gf.Problem, dict[str, Any]]] = {
    "too short": (START, gf.Problem(), {"frozen": ("w2",), "t_end": 2.0}),
    "another target": (START, gf.Problem(target="hat"), {"t_end": 2.0}),
    "a sample": (START, gf.Problem(inputs=gf.Sample(SAMPLE)), {"t_end": 2.0}),
    "another loss": (START, gf.Problem(inputs=gf.Sample(SAMPLE), loss="huber=0.1"), {"t_end": 20.0}),
}


@pytest.mark.parametrize("name", list(MOVES))
def test_what_moves_has_none(name: str) -> None:
    start, problem, given = MOVES[name]
    assert np.all(np.isnan(limit(gf.gradient_flow(start, problem, **given))))


def test_the_last_state_counts_where_it_is_not_recorded() -> None:
    start, problem, given = RESTS["one parameter"]
    found = gf.gradient_flow(start, problem, times=[0.0, 1.0], **given)
    assert found.sizes["time"] == 2
    assert np.allclose(limit(found), [1.0, 0.0, 1.0, 0.0], rtol=0, atol=1e-9)


def test_without_anything_frozen_the_rule_is_the_neurons() -> None:
    """Beside the teacher, at a saddle and on the best line, where some states rest and some do not."""
    rng, problem, task = np.random.default_rng(0), gf.Problem(), task_of(gf.Problem())
    ends = np.array(
        [[1.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.25], [0.5, 1.0, 1.0, -0.75], [1.0, -2.0, 1.0, 0.25]]
    ).T
    away = 10.0 ** rng.uniform(-13.0, -5.0, (1, 4, 200)) * rng.standard_normal((4, 4, 200))
    states = (ends[..., None] + away).reshape(4, -1)
    known = references(task)
    own = rests(states, landscape_of(task, np.ones(4), known), 1e-9)
    usual = np.asarray(at_rest(states, problem, 1e-9))
    assert 0.2 < np.mean(usual) < 0.8
    assert np.mean(own != usual) < 0.01
    # The same rule with all parameters told to move one by one.
    assert np.array_equal(
        own, rests(states, landscape_of(task, np.ones(4), known)._replace(moves=np.ones(4)), 1e-9)
    )


def test_a_frozen_saddle_is_rest_only_across_what_moves() -> None:
    """At w1 = b1 = w2 = 0 the way down is along both weights: with w2 frozen there is none."""
    task = task_of(gf.Problem())
    saddle = np.array([1.0, 0.5, 0.0, 0.25])
    known = references(task)
    held = {
        name: np.array([name != part for part in ("w1", "b1", "w2", "b2")], float) for name in ("w2", "b2")
    }
    assert not rests(saddle, landscape_of(task, np.ones(4), known), 1e-10)
    assert rests(saddle, landscape_of(task, held["w2"], known), 1e-10)
    assert not rests(saddle, landscape_of(task, held["b2"], known), 1e-10)


def test_places_of_any_size_are_compared_without_a_warning() -> None:
    rng, n = np.random.default_rng(1), 2000
    first, second = rng.normal(size=(2, 4, n)) * 10.0 ** rng.uniform(-300.0, 300.0, (2, 4, n))
    task = task_of(gf.Problem(inputs=gf.Uniform(-1e20, 1e20)))
    with np.errstate(over="ignore", invalid="ignore"):
        scales = landscape_of(task, np.ones(4), references(task)).scales(first)
    # Where a size overflows nothing is known to be near.
    known = np.all(np.isfinite(scales.sizes), axis=0)
    assert np.mean(known) > 0.5
    assert np.all(near(scales, first, first, 1e-9)[known])
    apart = np.max(np.abs(first - second), axis=0) > np.max(np.abs(first), axis=0)
    assert np.sum(apart) > 100
    assert not np.any(near(scales, first, second, 1e-9)[apart])
