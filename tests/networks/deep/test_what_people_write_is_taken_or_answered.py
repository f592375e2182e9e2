"""Starts, widths and names as people write them: taken, or answered in a line before training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from gradflow.base.tables import read, write
from gradflow.descent import GD, Adam
from gradflow.networks.deep import Network, Start, initial, teacher_task, train
from gradflow.networks.deep.born_dead import born_dead_frequency

TASK, SMALL = teacher_task(8), Network(1, (4,))
Shape = tuple[int, ...]
# As people call them who do not check types.
NETWORK: Any = Network
INITIAL: Any = initial


def sparse(rng: np.random.Generator, shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """Return mostly zeros."""
    return rng.normal(size=shape) * (rng.random(shape) < 0.5), np.zeros(shape[:-1])


class Scaled:
    """An initialisation that is an object."""

    def __call__(self, rng: np.random.Generator, shape: Shape) -> tuple[np.ndarray, np.ndarray]:
        return rng.normal(size=shape), np.zeros(shape[:-1])

    def __repr__(self) -> str:
        return "Scaled()"


@pytest.mark.parametrize(("scheme", "name"), [(sparse, "sparse"), (Scaled(), "Scaled()"), ("he", "he")])
def test_a_scheme_of_ones_own_trains_and_is_written_down(scheme: Any, name: str, tmp_path: Path) -> None:
    run = train(SMALL, TASK, GD(0.01), 3, start=Start(2, scheme))
    assert json.loads(run.attrs["configuration"])["start"]["scheme"] == name
    np.testing.assert_array_equal(
        run["final"].values, train(SMALL, TASK, GD(0.01), 3, start=initial(SMALL, 2, scheme=scheme))["final"]
    )
    write(run, tmp_path / "run.nc")
    xr.testing.assert_identical(read(tmp_path / "run.nc"), run)


@pytest.mark.parametrize(
    "networks", [np.int64(3), np.arange(3), range(3), iter([0, 1, 2]), [0, np.int8(1), 2]]
)
def test_networks_are_counted_by_any_integer(networks: Any) -> None:
    run = train(SMALL, TASK, GD(0.01), 2, start=Start(networks))
    assert run["drawn"].values.tolist() == [0, 1, 2]
    assert run.identical(train(SMALL, TASK, GD(0.01), 2, start=Start([0, 1, 2])))


def test_widths_are_any_integers_and_one_is_a_layer() -> None:
    plain = Network(1, (3, 8))
    assert NETWORK(np.int64(1), (np.int64(3), np.uint8(8))) == plain
    assert NETWORK(1, np.array([3, 8])) == plain
    assert NETWORK(1, 8) == NETWORK(1, np.int32(8)) == Network(1, (8,))
    assert {type(width) for width in NETWORK(1, np.array([3, 8])).widths} == {int}


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("kaiming", "he"),
        ("Kaiming_Normal", "he"),
        ("HE", "he"),
        ("Xavier", "glorot"),
        ("glorot-normal", "glorot"),
    ],
)
def test_names_people_type_are_names(typed: str, name: str) -> None:
    np.testing.assert_array_equal(initial(SMALL, 2, scheme=typed), initial(SMALL, 2, scheme=name))
    found, expected = (born_dead_frequency((2, 3), trials=50, scheme=s) for s in (typed, name))
    assert found == expected


def test_glorot_has_its_variance() -> None:
    theta = initial(Network(50, (200,)), 3, scheme="glorot")
    assert np.var(theta[: 200 * 50]) == pytest.approx(2.0 / 250.0, rel=0.03)
    assert np.all(theta[200 * 50 : 200 * 51] == 0.0)


def test_rates_are_coordinates() -> None:
    rates = np.array([0.01, 0.03])
    run = train(SMALL, TASK, Adam(pd.Series(rates)), 2, start=Start([5, 7]))
    assert run["lr"].dims == run["drawn"].dims == ("network",)
    assert run["lr"].values.tolist() == rates.tolist()
    assert run["drawn"].values.tolist() == [5, 7]
    assert run.identical(train(SMALL, TASK, Adam(rates), 2, start=Start([5, 7])))
    assert "lr" not in train(SMALL, TASK, Adam(0.01), 1).coords


def wrong_shape(rng: np.random.Generator, shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(shape), np.zeros(shape)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: NETWORK(1, "8"), "widths: expected an integer >= 1, got '8'"),
        (lambda: NETWORK(1, 8.0), "widths: expected an integer >= 1, got 8.0"),
        (lambda: NETWORK(1, ()), "widths: expected at least one"),
        (lambda: NETWORK(True, (8,)), "inputs: expected an integer >= 1, got True"),
        (lambda: INITIAL(SMALL, 2, scheme="orthogonal"), "scheme: expected one of he, lecun"),
        (lambda: INITIAL(SMALL, 2, scheme=3), "scheme: expected a name or a function"),
        (
            lambda: INITIAL(SMALL, 2, scheme=wrong_shape),
            r"scheme: expected a weight of shape \(4, 1\) and a bias",
        ),
        (
            lambda: INITIAL(SMALL, 2, scheme=lambda rng, shape: rng.normal(size=shape)),
            "scheme: expected a weight",
        ),
        (lambda: INITIAL(SMALL, 2.5), "networks: expected an integer >= 0, got 2.5"),
        (lambda: INITIAL(SMALL, [-1]), "networks: expected an integer >= 0, got -1"),
        (lambda: INITIAL(SMALL, []), "networks: expected at least one"),
        (lambda: INITIAL(SMALL, 1, seed=-1), "seed: expected an integer >= 0, got -1"),
    ],
)
def test_the_rest_is_answered_in_a_line(make: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{words}") as caught:
        make()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            {"start": 20},
            r"start: expected Start\(…\), such as Start\(20\) for 20 networks, or an array .* got 20$",
        ),
        ({"start": "he"}, r"start: expected Start\(…\).* got 'he'"),
        (
            {"start": np.ones(4)},
            r"start: expected .* array of shape \(13, networks\), got an array of shape \(4,\)",
        ),
        ({"start": np.ones((13, 2), dtype=int)}, "start: expected floating-point numbers, got int64"),
        ({"start": Start(2, "zero")}, "scheme: expected one of"),
        ({"network": 8}, "network: expected a Network"),
        ({"task": (TASK.x, TASK.y)}, "task: expected a Task"),
        ({"schedule": 0.5}, "schedule: expected a function"),
    ],
)
def test_nothing_is_trained_before_all_is_checked(arguments: dict[str, Any], words: str) -> None:
    steps: list[int] = []
    given: dict[str, Any] = {"network": SMALL, "task": TASK, "optimizer": GD(0.1), "steps": 200} | arguments
    with pytest.raises((TypeError, ValueError), match=f"^{words}") as caught:
        train(**given, progress=steps.append)
    assert "\n" not in str(caught.value)
    assert steps == []
