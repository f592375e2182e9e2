"""Schedules: their values, their agreement with torch's, and that nothing but the step enters."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradflow.descent import Chain, Constant, Cosine, StepDecay, Warmup, constant

MISTYPED: Any = {"text": "1", "float": 2.5, "factor": 0.1}

EVERY: list[Any] = [
    Constant(0.5),
    Warmup(7),
    Warmup(7, start=0.1),
    StepDecay(10),
    StepDecay(3, factor=0.5),
    Cosine(20),
    Cosine(20, final=0.1),
    Chain(Warmup(5), 5, Cosine(20, 0.2)),
    Chain(Warmup(5, 0.5), 5, Chain(constant, 10, StepDecay(4))),
]


@pytest.mark.parametrize("schedule", EVERY, ids=repr)
def test_the_repr_makes_the_same_schedule(schedule: Any) -> None:
    again = eval(repr(schedule))
    assert again == schedule
    assert hash(again) == hash(schedule)
    assert [again(k) for k in range(40)] == [schedule(k) for k in reversed(range(40))][::-1]


@pytest.mark.parametrize("schedule", EVERY, ids=repr)
@given(step=st.integers(0, 10**9))
def test_every_factor_is_a_float_between_0_and_1(schedule: Any, step: int) -> None:
    assert isinstance(schedule(step), float)
    assert 0.0 <= schedule(step) <= 1.0


def test_the_values_at_the_corners() -> None:
    assert [constant(k) for k in (0, 10**6)] == [1.0, 1.0]
    assert [Warmup(4)(k) for k in range(6)] == [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    assert [StepDecay(2, 0.5)(k) for k in range(6)] == [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    assert (Cosine(10)(0), Cosine(10)(5), Cosine(10)(10), Cosine(10)(11)) == pytest.approx((1, 0.5, 0, 0))
    assert Cosine(10)(10) == 0.0
    assert Cosine(10, final=0.3)(10) == 0.3
    chain = Chain(Warmup(4), 4, Cosine(6))
    assert [chain(3), chain(4), chain(10)] == [0.75, 1.0, 0.0]


@pytest.mark.parametrize(
    ("schedule", "name", "arguments"),
    [
        (Warmup(7, start=0.1), "LinearLR", {"start_factor": 0.1, "total_iters": 7}),
        (StepDecay(10), "StepLR", {"step_size": 10, "gamma": 0.1}),
        (Cosine(40, final=0.1), "CosineAnnealingLR", {"T_max": 40, "eta_min": 0.1}),
    ],
    ids=str,
)
def test_torch_has_the_same_values(schedule: Any, name: str, arguments: dict[str, float]) -> None:
    torch = pytest.importorskip("torch")
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = getattr(torch.optim.lr_scheduler, name)(optimiser, **arguments)
    for step in range(40):
        assert schedule(step) == pytest.approx(theirs.get_last_lr()[0], rel=1e-12)
        optimiser.step()
        theirs.step()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(-1.0), "factor: expected a finite number >= 0, got -1.0"),
        (lambda: Constant(math.nan), "factor: expected a finite number >= 0, got nan"),
        (lambda: Warmup(0), "steps: expected an integer >= 1, got 0"),
        (lambda: Warmup(5, start=math.inf), "start: expected a finite number >= 0, got inf"),
        (lambda: StepDecay(-1), "every: expected an integer >= 1, got -1"),
        (lambda: StepDecay(5, factor=2.0), r"factor: expected a number in \[0, 1\], got 2.0"),
        (lambda: Cosine(0), "steps: expected an integer >= 1, got 0"),
        (lambda: Chain(constant, 0, constant), "at: expected an integer >= 1, got 0"),
    ],
)
def test_a_wrong_value_is_named(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(True), "factor: expected a finite number >= 0, got True"),
        (lambda: Constant(MISTYPED["text"]), "factor: expected a finite number >= 0, got '1'"),
        (lambda: Warmup(MISTYPED["float"]), "steps: expected an integer >= 1, got 2.5"),
        (lambda: Chain(constant, 5, MISTYPED["factor"]), "then: expected a function of the step, got 0.1"),
        (lambda: Chain(MISTYPED["factor"], 5, constant), "first: expected a function of the step, got 0.1"),
    ],
)
def test_a_wrong_type_is_named(make: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        make()
