"""Compiled code takes over by itself where it pays; what it cannot do is named in one line."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, NamedTuple, cast

import numpy as np
import pytest

from gradflow.compiled import cupy_runner, installed
from gradflow.descent import GD, Adam, RMSProp, loop, prepared, train_arrays
from gradflow.descent import compiled as fused
from gradflow.descent.compiled import run as fused_run
from gradflow.descent.optimisers import registry
from gradflow.descent.optimisers.hyper import NON_NEGATIVE
from gradflow.neuron.problem import Neuron, Problem, grid
from tests.compiled.batches import N, assert_same_bits, starts


class Odd(NamedTuple):
    """An optimiser whose update depends on `kind`."""

    lr: float = 1.0
    kind: str = "sum"


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
def taken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the printed code was asked to run on; it does nothing else."""
    calls: list[str] = []

    def run(runner: Any, *rest: Any) -> None:
        calls.append(runner.__name__)

    monkeypatch.setattr(fused_run, "run", run)
    return calls


def test_large_runs_are_compiled_and_small_ones_are_not(
    taken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numba")
    monkeypatch.setattr(loop, "WORTH", 100_000)
    monkeypatch.setattr(fused_run, "WORTH_COMPILING", 20_000)
    case = (starts(), Problem(), GD(0.01))
    train_arrays(*case, 200, events=False)
    train_arrays(*case, 200, events=False, backend="numpy")
    # Worth printing, but not a compiler's start.
    train_arrays(Neuron(), Problem(), GD(0.01), 2000, events=False)
    assert taken == ["NumbaRunner", "NumpyRunner", "NumpyRunner"]
    train_arrays(*case, 10, events=False)
    train_arrays(*case, 200)
    train_arrays(*case, 200, events=False, record_every=1)
    train_arrays(starts(), Problem(inputs=grid(300)), GD(0.01), 200, events=False, backend="numpy")
    assert len(taken) == 3
    monkeypatch.setattr(fused_run, "available", lambda: False)
    train_arrays(*case, 200, events=False)
    assert taken[3:] == ["NumpyRunner"]


def test_what_cannot_be_printed_is_left_to_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "WORTH", 0)
    monkeypatch.setattr(fused_run, "WORTH_COMPILING", 0)
    case = (starts(), Problem(), Adam(0.01, beta1=np.full(N, 0.9)), 20)
    assert_same_bits(
        train_arrays(*case, events=False), train_arrays(*case[:2], Adam(0.01, beta1=0.9), 20, events=False)
    )
    small = (starts(), Problem(inputs=grid(10)), GD(0.05), 20)
    assert not np.all(train_arrays(*small, events=False).diverged)


def test_the_choice_does_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    case = (starts(), Problem(), GD(0.05), 100)
    expected = train_arrays(*case, events=False)
    monkeypatch.setattr(loop, "WORTH", 0)
    assert_same_bits(train_arrays(*case, events=False), expected)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "available", lambda: False)
    assert refused() == "backend: numba is not installed; in a clone of gradflow: pip install '.[fast]'"
    assert message(lambda: fused.train(Neuron(), Problem(), GD(), 1)).startswith("backend: numba is not")
    monkeypatch.setattr(cupy_runner, "available", lambda: False)
    found = message(lambda: train_arrays(Neuron(), Problem(), GD(), 1, backend="cupy"))
    assert found == "backend: cupy is not installed or finds no GPU (docs.cupy.dev/en/stable/install.html)"
    found = message(lambda: train_arrays(Neuron(), Problem(), GD(), 1, backend="torch"))
    assert found == "backend: expected numpy, numba or cupy, got 'torch'"


def test_a_numba_that_cannot_be_imported_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused_run, "available", lambda: True)
    monkeypatch.setitem(sys.modules, "gradflow.compiled.numba_runner", None)
    monkeypatch.setattr(loop, "WORTH", 0)
    monkeypatch.setattr(fused_run, "WORTH_COMPILING", 0)
    assert not np.any(train_arrays(Neuron(b2=-1.0), Problem(), GD(), 20, events=False).diverged)
    assert refused().startswith("backend: numba cannot be imported: ")


def test_what_has_no_fused_version_is_named() -> None:
    pytest.importorskip("numba")
    assert refused(events=True).startswith("events: not listed by the compiled path")
    sample = Problem(inputs=grid(300))
    assert refused(problem=sample, start=starts("float32")).startswith(
        "inputs: the compiled path trains on lar"
    )
    for size in (10, 300):
        taught = Problem(inputs=grid(size), teacher=Neuron(b1=np.zeros(N)))
        assert refused(problem=taught).startswith("teacher: the compiled path trains on one sample")
    for problem in (Problem(activation="silu"), Problem(inputs=grid(10))):
        found = message(lambda p=problem: fused.train(Neuron(), p, GD(), 1, backend="numpy"))
        assert found == "inputs: printed for NumPy there is no sum over nodes"
    found = message(lambda: fused.train(Neuron(), sample, GD(), 1, backend="numpy"))
    assert found == "inputs: printed for NumPy there is no step on a sample"
    found = message(lambda: fused.train(Neuron(), Problem(), GD(), 1, backend="cupy"))
    assert found == "backend: expected numba or numpy, got 'cupy'"
    betas = np.full(150, 0.9)
    assert refused(optimizer=Adam(beta1=betas)).startswith(
        "optimizer: this Adam has no compiled version: log"
    )
    assert refused(optimizer=GD(betas), start=starts("float32")).startswith("lr: an array of float64 beside")
    assert refused(start=starts("float32"), steps=2**24 + 1).startswith("steps: 16777217 cannot be counted")
    for name, value in (("threads", 0), ("chunk", 0), ("chunk", True), ("threads", 1.5)):
        given: dict[str, Any] = {name: value}
        with pytest.raises(ValueError if value == 0 else TypeError) as caught:
            fused.train(Neuron(), Problem(), GD(), 1, **given)
        assert str(caught.value) == f"{name}: expected an integer >= 1, got {value!r}"


def test_an_optimiser_from_outside_is_recorded_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    monkeypatch.setattr(registry, "OPTIMIZERS", dict(registry.OPTIMIZERS))
    monkeypatch.setattr(registry, "_RULES", dict(registry._RULES))

    def update(config: Odd, g: Any, state: Any, theta: Any, lr: Any) -> Any:
        if config.kind == "sum":
            return theta - lr * np.sum(g, axis=0), state
        if config.kind == "branch":
            return (theta if lr > 0 and np.any(g > 0) else -theta), state
        return theta / 2, state

    registry.register(
        "odd", Odd, lambda config, theta: (), update, {"lr": NON_NEGATIVE, "kind": cast(Any, _Any())}
    )
    assert refused(optimizer=Odd()).startswith("optimizer: this Odd has no compiled version")
    assert refused(optimizer=Odd(kind="branch")).startswith("optimizer: this Odd has no compiled version")
    case = (starts(), Problem(), Odd(kind="half"), 3)
    assert_same_bits(fused.train(*case), train_arrays(*case, events=False, backend="numpy"))


class _Any:
    """A limit that allows everything."""

    def check(self, name: str, value: object) -> None:
        """Allow it."""


def test_the_state_of_every_optimiser_is_recorded() -> None:
    # Flags stay Python's: they choose what is recorded.
    theta, problem, config = prepared.prepare(starts(), Problem(), RMSProp(centered=True))
    plain = fused_run.record(theta, problem, RMSProp(), 1, False)
    centred = fused_run.record(theta, problem, config, 1, False)
    assert len(centred.program.statements) > len(plain.program.statements)


def test_training_imports_numba_only_when_it_compiles() -> None:
    code = (
        "import sys, gradflow, gradflow.descent, gradflow.compiled\n"
        "from gradflow.neuron.problem import Neuron, Problem\n"
        "gradflow.descent.train_arrays(Neuron(b2=-1.0), Problem(), gradflow.descent.GD(), 10)\n"
        "print([m for m in ('numba', 'llvmlite', 'cupy') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
