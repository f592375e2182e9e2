"""Arguments of alignment are what they are to be, of any library's kind, or named in one line."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradflow.descent import GD, Adam, HeavyBall
from gradflow.networks.two_layer import (
    Dataset,
    Objective,
    balanced,
    cone,
    equiangular,
    flow_by_steps,
    gaussian,
    gradient_flow,
    limit_flow,
    toy_plane,
    train,
    two_points,
)

OBJECTIVE = Objective(toy_plane(4))
START = balanced(3, 2, -3.0)
NONE: Any = None
TEXT: Any = "a"
HALF: Any = 2.5
YES: Any = True


def zero_in_one_dimension() -> Dataset:
    return Dataset(np.array([[0.0], [1.0]]), np.array([1.0, -1.0]))


WRONG: list[tuple[Callable[[], object], str]] = [
    (lambda: balanced(2, 0, -1.0), "dimension: expected an integer >= 1, got 0"),
    (lambda: gaussian(2, 0, -1.0), "dimension: expected an integer >= 1, got 0"),
    (lambda: balanced(0, 2, -1.0), "h: expected an integer >= 1, got 0"),
    (lambda: balanced(HALF, 2, -1.0), "h: expected an integer >= 1, got 2.5"),
    (lambda: balanced(YES, 2, -1.0), "h: expected an integer >= 1, got True"),
    (lambda: balanced(2, 2, math.nan), "log_scale: expected a finite number, got nan"),
    (lambda: balanced(2, 2, -1.0, seed=-1), "seed: expected an integer >= 0, got -1"),
    (lambda: balanced(2, 2, -1.0, networks=HALF), "networks: expected a tuple of integers >= 0, got 2.5"),
    (lambda: balanced(2, 2, -1.0, networks=(HALF,)), "networks: expected an integer >= 0, got 2.5"),
    (lambda: toy_plane(4, seed=-1), "seed: expected an integer >= 0, got -1"),
    (lambda: toy_plane(4, positives=5), "positives: expected an integer from 0 to 4, got 5"),
    (lambda: equiangular(3, 0.2, HALF), "positives: expected an integer from 0 to 3, got 2.5"),
    (lambda: equiangular(3, math.nan), "mu: expected a finite number, got nan"),
    (lambda: cone(4, TEXT, 3), "mu: expected a finite number, got 'a'"),
    (lambda: two_points(TEXT), "delta: expected a finite number, got 'a'"),
    (
        zero_in_one_dimension,
        "inputs: expected no zero vector, got one in row 0; there are no biases: append a bias column",
    ),
    (lambda: gradient_flow(NONE, OBJECTIVE, 1.0), "network: expected a TwoLayer"),
    (lambda: gradient_flow(START, NONE, 1.0), "objective: expected an Objective, got None"),
    (lambda: gradient_flow(START, OBJECTIVE, NONE), "t_end: expected a finite number >= 0, got None"),
    (lambda: gradient_flow(START, OBJECTIVE, 1.0, rtol=NONE), "rtol: expected a number from 1e-12 to 0.001"),
    (lambda: gradient_flow(START, OBJECTIVE, 1.0, below=NONE), "below: expected a finite number, got None"),
    (lambda: gradient_flow(START, OBJECTIVE, 1.0, times=[]), "times: expected one or more sorted numbers"),
    (lambda: gradient_flow(START, OBJECTIVE, 1.0, max_steps=HALF), "max_steps: expected an integer >= 1"),
    (lambda: train(NONE, OBJECTIVE, GD(), 1), "network: expected a TwoLayer"),
    (lambda: train(START, NONE, GD(), 1), "objective: expected an Objective, got None"),
    (lambda: train(START, OBJECTIVE, GD(), 1, seed=-1, batch_size=2), "seed: expected an integer >= 0"),
    (lambda: limit_flow(NONE, OBJECTIVE), "network: expected a TwoLayer"),
    (lambda: limit_flow(START, OBJECTIVE, NONE), "t_end: expected a finite number, got None"),
    (lambda: limit_flow(START, OBJECTIVE, math.nan), "t_end: expected a finite number, got nan"),
    (lambda: limit_flow(START, OBJECTIVE, max_events=NONE), "max_events: expected an integer >= 1, got None"),
    (lambda: flow_by_steps(START, NONE, 1.0), "objective: expected an Objective, got None"),
]


@pytest.mark.parametrize(("call", "line"), WRONG, ids=[line.partition(",")[0] for _, line in WRONG])
def test_what_is_wrong_is_named(call: Callable[[], object], line: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8])
def test_integers_are_of_any_kind(kind: Any) -> None:
    many = balanced(kind(3), kind(2), -1.0, seed=kind(1), networks=(kind(2),))
    for mine, plain in (
        (many, balanced(3, 2, -1.0, seed=1, networks=(2,))),
        (gaussian(kind(3), kind(2), -1.0, seed=kind(1)), gaussian(3, 2, -1.0, seed=1)),
    ):
        assert all(np.array_equal(a, b) for a, b in zip(mine, plain, strict=True))
    for found, same in (
        (toy_plane(kind(5), kind(1), kind(2)), toy_plane(5, 1, 2)),
        (equiangular(kind(3), 0.2, kind(1)), equiangular(3, 0.2, 1)),
        (cone(kind(4), 0.3, kind(3), kind(1)), cone(4, 0.3, 3, 1)),
    ):
        assert np.array_equal(found.inputs, same.inputs)
        assert np.array_equal(found.labels, same.labels)
    given = {"batch_size": 2, "seed": 3, "record_every": 2}
    typed: dict[str, Any] = {name: kind(value) for name, value in given.items()}
    plainly: dict[str, Any] = dict(given)
    run = train(START, OBJECTIVE, GD(0.1), kind(4), record_at=[kind(1)], **typed)
    assert run.history.equals(train(START, OBJECTIVE, GD(0.1), 4, record_at=[1], **plainly).history)
    assert gradient_flow(START, OBJECTIVE, 0.1, max_steps=kind(2), max_records=kind(3)).t.size <= 3


@pytest.mark.parametrize("rate", [1e308, 1e200])
@pytest.mark.parametrize(
    ("optimizer", "grouped"), [(GD, None), (GD, True), (GD, False), (HeavyBall, None), (Adam, None)]
)
def test_a_step_that_overflows_is_not_taken(optimizer: Any, grouped: bool | None, rate: float) -> None:
    run = train(START, OBJECTIVE, optimizer(lr=rate), 3, record_every=1, grouped=grouped)
    assert int(run.history.diverged_step) in (1, 2)
    assert all(np.all(np.isfinite(part)) for part in run.final)
    assert np.all(np.isfinite(run.history.stable_rank))


def test_a_network_that_overflows_leaves_its_neighbour_alone() -> None:
    pair = balanced(3, 2, -3.0, networks=(2,))
    both = train(pair, OBJECTIVE, GD(np.array([1e308, 0.1])), 30)
    assert both.history.diverged_step.values.tolist() == [1, -1]
    alone = train(type(pair)(*(part[1] for part in pair)), OBJECTIVE, GD(0.1), 30, grouped=False)
    for part, same in zip(both.final, alone.final, strict=True):
        np.testing.assert_allclose(part[1], same, rtol=1e-13)
