"""Compiled code takes over by itself where it pays; what it cannot do is named in one line."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, NamedTuple, cast

import numpy as np
import pytest

from gradflow.compiled import gpu
from gradflow.descent import GD, loop, train_arrays
from gradflow.descent import compiled as fused
from gradflow.descent.compiled import run as fused_run
from gradflow.descent.optimisers import registry
from gradflow.descent.optimisers.hyper import NON_NEGATIVE
from gradflow.neuron.problem import Neuron, Problem, grid
from tests.compiled.batches import N, assert_same_bits, starts


class Odd(NamedTuple):
    """An optimiser whose update depends on `kind`."""

    lr: float = 1.0
    kind: str = "half"


def message(call: Any) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        call()
    text = str(caught.value)
    assert "\n" not in text
    return text


def refused(**changes: Any) -> str:
    arguments = {"start": starts(), "problem": Problem(), "optimizer": GD(), "steps": 3, **changes}
    return message(lambda: train_arrays(backend="numba", **{"events": False, **arguments}))


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The steps that compiled code was asked to take; it does nothing else."""
    calls: list[int] = []

    def run(theta: Any, problem: Any, optimizer: Any, steps: int, *rest: Any, **more: Any) -> None:
        calls.append(steps)

    monkeypatch.setattr(fused_run, "run", run)
    return calls


def test_long_runs_are_compiled_and_short_ones_are_not(
    taken: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "WORTH", 100_000)
    case = (starts(), Problem(), GD(0.01))
    train_arrays(*case, 200, events=False)
    train_arrays(*case, 201, events=False, record_every=1)
    assert taken == [200, 201]
    train_arrays(*case, 200, events=False, backend="numpy")
    train_arrays(*case, 10, events=False)
    train_arrays(*case, 200)
    assert len(taken) == 2


def test_what_cannot_be_compiled_is_left_to_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "WORTH", 0)
    case = (starts("float32"), Problem(inputs=grid(300)), GD(0.01), 20)
    assert_same_bits(train_arrays(*case, events=False), train_arrays(*case, events=False, backend="numpy"))


def test_the_choice_does_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    case = (starts(), Problem(), GD(0.05), 100)
    expected = train_arrays(*case, events=False)
    monkeypatch.setattr(loop, "WORTH", 0)
    assert_same_bits(train_arrays(*case, events=False), expected)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "available", lambda: False)
    found = message(lambda: train_arrays(Neuron(), Problem(), GD(), 1, backend="cupy"))
    assert found == "backend: cupy is not installed or finds no GPU (docs.cupy.dev/en/stable/install.html)"
    found = message(lambda: train_arrays(Neuron(), Problem(), GD(), 1, backend="torch"))
    assert found == "backend: expected numpy, numba or cupy, got 'torch'"


def test_what_has_no_fused_version_is_named() -> None:
    assert refused(events=True).startswith("events: not listed by the compiled path")
    sample = Problem(inputs=grid(300))
    assert refused(problem=sample, start=starts("float32")).startswith(
        "inputs: the compiled path trains on lar"
    )
    for size in (10, 300):
        taught = Problem(inputs=grid(size), teacher=Neuron(b1=np.zeros(N)))
        assert refused(problem=taught).startswith("teacher: the compiled path trains on one sample")
    assert refused(start=starts("float32"), steps=2**24 + 1).startswith("steps: 16777217 cannot be counted")
    for name, value in (("threads", 0), ("chunk", 0), ("chunk", True), ("threads", 1.5)):
        given: dict[str, Any] = {name: value}
        with pytest.raises(ValueError if value == 0 else TypeError) as caught:
            fused.train(Neuron(), Problem(), GD(), 1, **given)
        assert str(caught.value) == f"{name}: expected an integer >= 1, got {value!r}"


def odd(config: Any) -> Any:
    """Return the rule of an optimiser from outside."""
    return by_branch if config.kind == "branch" else by_half


def by_branch(ops: Any, c: Any, gradient: Any, memory: Any, theta: Any) -> Any:
    return ("-" if gradient > 0 else theta), memory


def by_half(ops: Any, c: Any, gradient: Any, memory: Any, theta: Any) -> Any:
    return theta - 0.5 * c.rate * theta, memory


class Rate(NamedTuple):
    """The coefficients of `Odd`."""

    rate: float


def test_an_optimiser_from_outside_is_compiled_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "OPTIMIZERS", dict(registry.OPTIMIZERS))
    monkeypatch.setattr(registry, "_RULES", dict(registry._RULES))
    registry.register(
        "odd",
        Odd,
        lambda config, theta: (),
        lambda config, k: Rate(float(config.lr)),
        by_half,
        {"lr": NON_NEGATIVE, "kind": cast(Any, _Any())},
        rule_of=odd,
    )
    found = refused(optimizer=Odd(kind="branch"))
    assert found.startswith(f"optimizer: {__name__}.by_branch cannot be compiled: ")
    case = (starts(), Problem(), Odd(kind="half"), 3)
    assert_same_bits(fused.train(*case), train_arrays(*case, events=False, backend="numpy"))


class _Any:
    """A limit that allows everything."""

    def check(self, name: str, value: object) -> None:
        """Allow it."""


def test_training_imports_numba_only_when_it_compiles() -> None:
    code = (
        "import sys, gradflow, gradflow.descent, gradflow.compiled\n"
        "from gradflow.neuron.problem import Neuron, Problem\n"
        "gradflow.descent.train_arrays(Neuron(b2=-1.0), Problem(), gradflow.descent.GD(), 10)\n"
        "print([m for m in ('numba', 'llvmlite', 'cupy') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
