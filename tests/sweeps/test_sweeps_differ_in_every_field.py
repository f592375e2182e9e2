"""Every field of a sweep is in its configuration, in a store's key, and in what is computed.

Fields are enumerated: one that is added needs a case here.
"""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from gradflow.neuron.problem import Source, Uniform
from gradflow.sweeps import sweep as module
from gradflow.sweeps.axes import Axis, Points
from gradflow.sweeps.store import open_store
from gradflow.sweeps.sweep import Sweep, compute

SAMPLE = Sweep((Axis("b1", -1.0, 1.0, 3),), "adam", inputs=(-1.0, 0.0, 0.5), backend="numpy")
TRAINING = Sweep((Axis("b1", -1.0, 1.0, 3), Axis("lr", 0.1, 1.0, 2)), "adam", hyper={"beta2": 0.9}, steps=3)
FLOW = Sweep((Axis("b1", -1.0, 1.0, 3),), backend="numpy")

CASES: dict[str, tuple[Sweep, Any]] = {
    "axes": (TRAINING, (Axis("b1", -1.0, 1.0, 3),)),
    "method": (TRAINING, "adamw"),
    "neuron": (TRAINING, (1.0, 0.0, 1.0, 0.5)),
    "teacher": (TRAINING, (1.0, 0.0, 2.0, 0.0)),
    "interval": (TRAINING, (-1.0, 2.0)),
    "activation": (TRAINING, "silu"),
    "teacher_activation": (TRAINING, "leaky-relu=0.5"),
    "samples": (TRAINING, 9),
    "inputs": (SAMPLE, (-1.0, 0.0, 0.75)),
    "weights": (SAMPLE, (1.0, 1.0, 2.0)),
    "targets": (SAMPLE, (0.0, 0.0, 2.0)),
    "source": (replace(SAMPLE, source=Source("a.csv", "0")), Source("a.csv", "1")),
    "hyper": (TRAINING, {"beta2": 0.99}),
    "steps": (TRAINING, 4),
    "dtype": (TRAINING, "float32"),
    "theory": (FLOW, False),
    "backend": (FLOW, "numba"),
}
AXIS: dict[str, Any] = {"name": "w2", "lo": 0.5, "hi": 2.0, "n": 4, "spacing": "log"}
POINTS: dict[str, Any] = {"name": "w2", "given": (0.5, 0.25, 0.75)}

NO_RESULT = {"block"}
"""How the work is cut; the results do not depend on it, and a store keeps its own."""


def test_every_field_has_a_case() -> None:
    assert {field.name for field in fields(Sweep)} - NO_RESULT == set(CASES)
    assert {field.name for field in fields(Axis)} == set(AXIS)
    assert {field.name for field in fields(Points)} == set(POINTS)


def both(name: str) -> tuple[Sweep, Sweep]:
    sweep, value = CASES[name]
    if name == "backend":
        pytest.importorskip("numba")
    return sweep, replace(sweep, **{name: value})


@pytest.mark.parametrize("name", CASES)
def test_the_configuration_has_it(name: str) -> None:
    one, other = both(name)
    assert one.configuration() != other.configuration()
    assert name in json.loads(one.configuration())


def test_the_configuration_does_not_have_how_work_is_cut() -> None:
    assert replace(FLOW, block=7).configuration() == FLOW.configuration()


@pytest.mark.parametrize("name", CASES)
def test_a_store_that_differs_in_it_is_refused(name: str, tmp_path: Path) -> None:
    pytest.importorskip("zarr")
    one, other = both(name)
    path = tmp_path / "sweep.zarr"
    open_store(path, one)
    with pytest.raises(ValueError, match=rf"holds another sweep: its {name}\b"):
        open_store(path, other)
    assert open_store(path, replace(one, block=1)).sweep.configuration() == one.configuration()


@pytest.mark.parametrize("name", AXIS)
def test_axes_differ_in_every_field(name: str) -> None:
    axis = Axis("b2", 0.25, 1.0, 3)
    one, other = (replace(FLOW, axes=(a,)) for a in (axis, replace(axis, **{name: AXIS[name]})))
    assert one.configuration() != other.configuration()


@pytest.mark.parametrize("name", POINTS)
def test_points_differ_in_every_field(name: str) -> None:
    points = Points("b2", (0.25, 0.5, 1.0))
    one, other = (replace(FLOW, axes=(p,)) for p in (points, replace(points, **{name: POINTS[name]})))
    assert one.configuration() != other.configuration()


class _CalledError(Exception):
    """What computes was called."""


@pytest.mark.parametrize("name", CASES)
def test_it_reaches_what_computes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def record(*given: Any, **named: Any) -> NoReturn:
        with np.printoptions(threshold=100_000):
            calls.append(repr((given, sorted(named.items()))))
            if not isinstance(given[1].inputs, Uniform):
                calls[-1] += repr([given[1].inputs.x, given[1].inputs.weights, given[1].inputs.targets])
        raise _CalledError

    for computing in ("flow_run", "descent_run"):
        monkeypatch.setattr(module, computing, record)
    for sweep in both(name):
        with pytest.raises(_CalledError):
            compute(sweep, 0)
    assert calls[0] != calls[1]


def test_what_is_varied_is_not_fixed_as_well() -> None:
    rates = (Axis("lr", 0.1, 1.0, 2),)
    assert Sweep(rates, "adam", hyper={"lr": 0.5}) == Sweep(rates, "adam")
    assert Sweep((Axis("b1", 0.0, 1.0, 2),), "adam", hyper={"lr": 0.5}).hyper == {"lr": 0.5}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"axes": (Axis("lr", -1.0, 1.0, 2),)}, "grid: lr: expected a finite number >= 0, got -1.0"),
        (
            {"axes": (Points("beta2", (0.5, 1.5, 0.5)),)},
            r"grid: beta2: expected a number in \[0, 1\), got 1.5",
        ),
        ({"inputs": (0.0, 1.0), "samples": 3}, "samples: cannot be combined with inputs, got 3"),
        ({"targets": (0.0, 1.0)}, "inputs: weights and targets need inputs"),
        ({"inputs": (0.0, 1.0), "targets": (0.0,)}, "targets: expected the inputs' shape"),
        ({"method": "flow", "inputs": (0.0, 1.0)}, "samples: the flow is the population's"),
    ],
    ids=str,
)
def test_what_does_not_belong_together_is_refused(change: dict[str, Any], line: str) -> None:
    with pytest.raises(ValueError, match=f"^{line}"):
        replace(Sweep((Axis("b1", -1.0, 1.0, 3),), "adam"), **change)


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: Axis("lr", 0.0, 1.0, 3, "log"), "grid: lr must run between numbers > 0 with log, got 0.0"),
        (lambda: Axis("lr", 0.1, 1.0, 3, "square"), "grid: expected a spacing linear or log, got 'square'"),
        (lambda: Points("lr", ()), "grid: expected 1 to 1e.08 values of lr, got 0"),
        (lambda: Points("lr", (float("nan"),)), "grid: lr must be finite"),
    ],
)
def test_bad_axes_are_refused(make: Any, line: str) -> None:
    with pytest.raises(ValueError, match=f"^{line}"):
        make()


def test_axes_have_the_values_that_they_say() -> None:
    np.testing.assert_allclose(
        Axis("lr", 1e-4, 1.0, 5, "log").values, [1e-4, 1e-3, 1e-2, 0.1, 1.0], rtol=1e-15
    )
    assert Axis("lr", 1e-4, 0.7, 50, "log").values[[0, -1]].tolist() == [1e-4, 0.7]
    assert Points("b1", (3.0, 1.0, 2.0)).values.tolist() == [3.0, 1.0, 2.0]


def test_a_configuration_holds_what_is_used() -> None:
    """No theorem about the flow decides what an optimiser does, and the flow takes no steps."""
    training, flow = (json.loads(sweep.configuration()) for sweep in (TRAINING, FLOW))
    assert "theory" not in training
    assert flow["theory"] is True
    assert {"steps", "dtype", "hyper"} <= set(training)
    assert {"steps", "dtype", "hyper"}.isdisjoint(flow)
    assert replace(FLOW, steps=7).configuration() == FLOW.configuration()
