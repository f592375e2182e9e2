"""One trial of a step of the compiled flow: what it takes, and how often a core can make it.

A trial is straight-line code on a block of lanes. In a block of one vector every loop of it is a single
round, so that the assembly shows how many instructions so many lanes take. Blocks as they are used are
timed, the same trial again and again: nothing in it depends on what the numbers are.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable

import numpy as np

import gradflow as gf
from benchmarks.assembly import instructions
from benchmarks.limits import Program, vector_bits
from gradflow.compiled import jit
from gradflow.flow.compiled import driver, field, step
from gradflow.flow.compiled import layout as at
from gradflow.flow.compiled.driver import attempt
from gradflow.flow.compiled.numba import choice, lined_up
from gradflow.flow.compiled.run import problem_rows, shared_numbers, to_records
from gradflow.flow.ensemble import flattened, setting_of, starts

Numbers = at.Numbers
CELL = 6
"""The neuron is active at the teacher's breakpoint and beyond: the field has a term for each piece."""
START = (1.0, 0.3, 0.8, -0.2)
TYPES = ("float64[::1]", "float64[::1]", "int64", "int64", "int64")
VELOCITY = "velocity_q_hi"
TIMES = dict.fromkeys(("begin", "start", "stage", "step", "error", "norm", "decide", "go", "look"), 1)
TIMES |= {VELOCITY: 12}
"""The functions of a trial, and how often it calls each; stages are functions of their own."""


def attempts(w: Numbers, fixed: Numbers, cell: int, n: int, rounds: int) -> None:
    """Try the same step so many times, as `gradflow.flow.compiled.driver.advance` does between its looks."""
    for _ in range(rounds):
        attempt(w, fixed, cell, n)


def block(width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of a block full of one trajectory, and the numbers that all share."""
    same = gf.Neuron(*np.repeat(np.array(START)[:, None], width, axis=1))
    theta, problem, _ = flattened(same, gf.Problem())
    setting = setting_of(theta, problem, 50.0, 1e-8, 200_000, 0.0, width)
    lanes = starts(setting, theta, problem)(0, width)
    rows, records = np.zeros((at.ROWS + 1, width)), to_records(lanes)
    rows[: at.KEPT] = records[:, : at.KEPT].T
    rows[at.TERMS : at.TERMS + at.TERM_COUNT] = problem_rows(lanes.terms)[: at.TERM_COUNT, None]
    rows[at.SIDES : at.SIDES + 3] = np.where(lanes.cell, 1.0, -1.0)
    if set(records[:, at.CELL]) != {CELL}:
        raise AssertionError(f"expected cell {CELL}, got {records[0, at.CELL]}")
    return rows.ravel(), shared_numbers(setting, None)


def trials(rounds: int) -> Callable[[], np.ndarray]:
    """Return a function that tries a step so many times; the answer is the state behind it."""
    rows, fixed = block(at.W)
    # Begins with a line of the cache, as the blocks of a flow do.
    w = lined_up(rows.size)
    w[:] = rows
    run = jit.compiled(attempts, TYPES, "float64", choice((0.0, 1.0)))

    def go() -> np.ndarray:
        run(w, fixed, CELL, at.W, rounds)
        ends: np.ndarray = w[(at.NEW + at.Y) * at.W : (at.NEW + at.Y + 4) * at.W]
        return ends.reshape(4, at.W).copy()

    return go


def counted() -> Program:
    """Return the instructions of a trial, and the numbers that it moves; of scalar ones a vector's worth."""
    lanes = vector_bits() // 64
    narrow = {f"{module.__name__}.W": lanes for module in (driver, step, field)}
    text = jit.assembly(attempts, TYPES, "float64", choice((0.0, 1.0)) | narrow)
    found: dict[str, float] = defaultdict(float)
    for body in re.split(r"^(?=_ZN\S+:$)", text, flags=re.MULTILINE):
        name = re.match(r"_ZN\S*?compiled\d+[a-z]+\d+([a-z_]+)_[0-9a-f]{32}", body)
        if name is None or name[1] not in TIMES:
            continue
        times = TIMES[name[1]]
        for operation, numbers in instructions(body):
            # A velocity's scalar branch is that of one trajectory alone.
            if numbers == lanes or name[1] != VELOCITY:
                found[operation] += times * numbers / lanes
    loads, stores = found.pop("load"), found.pop("store")
    return Program(found, loads, stores)
