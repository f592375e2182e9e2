"""A thousand hostile calls: each gives a result, or one line that names the argument; no warning, no hang."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from itertools import combinations
from typing import Any

import numpy as np
import pytest

import gradflow as gf
from tests.hostile import Call, calls, fault, good_arguments

NAMES: dict[str, Callable[..., Any]] = {name: getattr(gf, name) for name in gf.__all__}


def basins(
    problem: Any, neuron: Any, steps: Any, dtype: Any, theory: Any, backend: Any, progress: Any, b1: Any
) -> object:
    """Compute basins by an optimiser, along two rates."""
    return gf.basins(
        problem, neuron, method="adam", steps=steps, dtype=dtype, theory=theory, backend=backend,
        progress=progress, b1=b1, lr=(0.01, 0.1, 2),
    )  # fmt: skip


def network(w1: Any, b1: Any, w2: Any, b2: Any) -> object:
    """Make a network of one neuron, of which numbers are the parameters."""
    w1, b1, w2 = ([value] if type(value) is float else value for value in (w1, b1, w2))
    return gf.Network(w1, b1, w2, b2)


NAMES["basins"] = basins
NAMES["Network"] = network

MODULES = {
    "neuron.activity": "activity breakpoint_position end_preactivations wall_distances",
    "ends.decision": "decide",
    "descent": "Chain Constant Cosine StepDecay check optimizer",
    "ends": "descent_run flow_decisions",
    "field": "loss_and_gradient",
    "field.baselines": "best_constant best_line moments",
    "flow.of_kind": "flow",
    "flow.ensemble": "integrate_ensemble",
    "ends.outcome": "outcome references",
    "ends.rest": "at_rest",
    "theory.critical_points": "family gradient_floor",
    "theory.energy": "barriers limit never_constant reaches_teacher",
    "theory.hyperactive": "trapped",
    "theory.limits": "line_limit",
    "theory.signs": "path_by_signs rises_by_signs trapped_by_signs",
    "theory.origin": "dies dies_by",
    "theory.fading": "fades fading_rate rate_at_the_end",
    "theory.rates": "minimum_of_balance rate_on_line rate_to_teacher",
    "theory.stability": "adam_limit flattest_minimum global_minimum largest_stable_rate "
    "preconditioned_sharpness sharpness stable_minima",
    "theory.steps": "killing_rates largest_safe_rate straightening_rates",
    "theory.survival": "survives_until",
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    f"{module}.{name}": getattr(import_module(f"gradflow.{module}"), name)
    for module, names in MODULES.items()
    for name in names.split()
}


def faults(targets: dict[str, Callable[..., Any]], count: int, seed: int) -> list[str]:
    found = ((call, fault(call)) for call in calls(targets, count, seed))
    return [f"{call}: {wrong}" for call, wrong in found if wrong]


@pytest.mark.parametrize("name", [*NAMES, *FUNCTIONS])
def test_the_good_arguments_are_good(name: str) -> None:
    function = {**NAMES, **FUNCTIONS}[name]
    function(**good_arguments(function))


def array_of(value: Any, n: int) -> Any:
    """Return n neurons, teachers or numbers in the place of one; None in that of anything else."""
    if isinstance(value, gf.Problem):
        return replace(value, teacher=array_of(value.teacher, n))
    if isinstance(value, gf.Neuron):
        return value._replace(b1=np.full(n, value.b1))
    return np.full(n, float(value)) if type(value) in (int, float) else None


@pytest.mark.parametrize("name", [*NAMES, *FUNCTIONS])
def test_arguments_of_two_shapes_are_named(name: str) -> None:
    function = {**NAMES, **FUNCTIONS}[name]
    good = good_arguments(function)
    for a, b in combinations([key for key, value in good.items() if array_of(value, 3) is not None], 2):
        given = {**good, a: array_of(good[a], 3), b: array_of(good[b], 4)}
        assert fault(Call(name, function, given, (a, b))) == ""


@pytest.mark.parametrize("targets", [NAMES, FUNCTIONS], ids=["names", "functions"])
def test_of_a_hundred_calls(targets: dict[str, Callable[..., Any]]) -> None:
    assert faults(targets, 100, 1) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("targets", [NAMES, FUNCTIONS], ids=["names", "functions"])
def test_of_a_thousand_calls(targets: dict[str, Callable[..., Any]], seed: int) -> None:
    assert faults(targets, 1000, seed) == []
