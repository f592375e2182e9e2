"""The step printed as NumPy calls returns the bits of the training loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.compiled.numpy_source import numpy_source
from gradflow.compiled.program import Program, Statement
from gradflow.descent import GD, OPTIMIZERS, Adam, Cosine, HeavyBall, RMSProp, optimizer, train_arrays
from gradflow.descent import compiled as fused
from gradflow.descent.compiled.step import record_step
from gradflow.descent.loop import OVERHEAD, WORTH
from gradflow.descent.prepared import prepare
from gradflow.neuron.problem import Neuron, Problem
from tests.compiled.batches import PROBLEMS, N, assert_same_bits, starts


def compare(*case: Any, chunk: int | None = None, **options: Any) -> None:
    assert case[3] * (N + OVERHEAD) < WORTH, "the loop itself must be what it is compared with"
    run = fused.train(*case, backend="numpy", chunk=chunk, **options)
    assert_same_bits(run, train_arrays(*case, events=False, backend="numpy", **options))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_for_every_optimiser(name: str, dtype: str) -> None:
    compare(starts(dtype), Problem(), optimizer(name, lr=0.02), 300, schedule=Cosine(300))


@pytest.mark.parametrize("problem", list(PROBLEMS))
@pytest.mark.parametrize("config", [GD(0.05), HeavyBall(0.02), Adam(0.02)])
def test_for_every_problem(config: Any, problem: str) -> None:
    compare(starts(), PROBLEMS[problem], config, 100)


@pytest.mark.parametrize("chunk", [1, 7, 64, 1000])
def test_for_any_chunk(chunk: int) -> None:
    compare(starts(), PROBLEMS["arrays"], Adam(np.linspace(0.0, 0.1, N)), 30, chunk=chunk, record_every=9)


def test_for_one_neuron_and_for_none() -> None:
    for start in (Neuron(b2=-1.2), Neuron(b2=np.zeros(0)), starts()[:, :60].reshape(4, 3, 4, 5)):
        compare(start, Problem(), RMSProp(0.02, momentum=0.5, centered=True), 50, first_change=False)


def test_scratch_is_reused() -> None:
    theta, problem, config = prepare(starts(), Problem(), Adam())
    program = record_step(theta, problem, config, True).program
    _, numbers, truths = numpy_source(program)
    assert len(program.statements) > 150
    assert numbers + truths < 40


def run(program: Program, slots: np.ndarray) -> np.ndarray:
    source, numbers, truths = numpy_source(program)
    module: dict[str, Any] = {}
    exec(source, module)
    width = slots.shape[1]
    module["advance"](slots, (), [()], np.empty((numbers, width)), np.empty((truths, width), dtype=bool))
    return slots


def test_slots_are_stored_as_if_at_once() -> None:
    # Slot 0 takes 2·s0, slot 1 the old slot 0, slot 2 the old sum of both, slot 3 a constant.
    statements = (
        Statement("v0", "mul", ("s0", 2.0), False),
        Statement("v1", "add", ("s0", "s1"), False),
    )
    stores = ((0, "v0"), (1, "s0"), (2, "v1"), (3, 7.0))
    loads = ((0, "s0"), (1, "s1"), (2, "s2"))
    slots = run(
        Program("float64", 4, loads, stores, 0, 0, statements), np.asarray([[3.0], [4.0], [5.0], [6.0]])
    )
    assert slots[:, 0].tolist() == [6.0, 3.0, 7.0, 7.0]
    swapped = Program("float64", 2, ((0, "s0"), (1, "s1")), ((0, "s1"), (1, "s0")), 0, 0, ())
    assert run(swapped, np.asarray([[1.0], [2.0]]))[:, 0].tolist() == [2.0, 1.0]


def test_a_choice_of_two_numbers_keeps_the_dtype() -> None:
    statements = (
        Statement("v0", "gt", ("s0", 0.0), True),
        Statement("v1", "select", ("v0", 0.1, -0.1), False),
        Statement("v2", "add", ("v1", "s0"), False),
    )
    program = Program("float32", 1, ((0, "s0"),), ((0, "v2"),), 0, 0, statements)
    source, numbers, truths = numpy_source(program)
    module: dict[str, Any] = {}
    exec(source, module)
    slots = np.asarray([[1.0, -1.0]], dtype="float32")
    module["advance"](slots, (), [()], np.empty((numbers, 2), "float32"), np.empty((truths, 2), dtype=bool))
    assert slots.tolist() == [[np.float32(1.0) + np.float32(0.1), np.float32(-1.0) - np.float32(0.1)]]
