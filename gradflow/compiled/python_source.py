"""A program as Python source for Numba: blocks of lanes, so that the compiler vectorises across them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gradflow.compiled.integral import OWN, PROBLEM, TAUGHT
from gradflow.compiled.integral_source import IMPORTS, constants, for_numba
from gradflow.compiled.program import Program, Statement, Summed

# Lanes of a block lie side by side, and the slots of a block BLOCK numbers apart: 15 slots of 128
# doubles stay in the first-level cache. A constant, so that the compiler sees that slots do not overlap.
BLOCK = 128

TEMPLATES = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "neg": "-{0}",
    "abs": "abs({0})",
    "sqrt": "sqrt({0})",
    "lt": "{0} < {1}",
    "le": "{0} <= {1}",
    "gt": "{0} > {1}",
    "ge": "{0} >= {1}",
    "eq": "{0} == {1}",
    "ne": "{0} != {1}",
    "and": "{0} & {1}",
    "or": "{0} | {1}",
    "not": "not {0}",
    "select": "{1} if {0} else {2}",
}

SOURCE = '''"""Printed by gradflow.compiled; not meant to be edited."""

from math import sqrt

from numba import njit
from numpy import {dtype} as number
{search}
@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def advance(blocks, first, last, width, fixed, table, inputs, sums):
{constants}
{fixed}
{scratch}
    for block in range(first, last):
        slots = blocks[block]
        for step in range(table.shape[0]):
{columns}
{searches}
            for lane in range(width):
{body}
'''

# Whether input i is on the right of the breakpoint is decided by the rounded pre-activation, as in a direct
# sum. Rounding preserves order, so the answer changes once; the last step's is right or nearly so.
SEARCH = """
@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def search(inputs, w1, b1, row):
    rising = w1 >= 0.0
    low, high = 0, inputs.shape[0]
    guess = int(row)
    if guess < high and (w1 * inputs[guess] + b1 > 0.0) == rising:
        high = guess
        if guess > 0 and (w1 * inputs[guess - 1] + b1 > 0.0) != rising:
            return row
    elif guess < high:
        low = guess + 1
    while low < high:
        middle = (low + high) // 2
        if (w1 * inputs[middle] + b1 > 0.0) == rising:
            high = middle
        else:
            low = middle + 1
    return number(low)

"""


def python_source(program: Program) -> str:
    """Return a module whose ``advance`` takes blocks of trajectories through the rows of a table."""
    constants: dict[str, str] = {}

    def operand(value: str | float) -> str:
        if isinstance(value, str):
            return value
        return constants.setdefault(repr(value), f"k{len(constants)}")

    searches: list[str] = []
    scratch: list[str] = []
    before = ""
    if program.summed is not None:
        before = summed_source(program.summed)
        scratch, searches = _summed(program.summed)
    if (slot := program.search) is not None:
        searches = [
            "for lane in range(width):",
            f"    slots[{BLOCK * slot} + lane] = search("
            f"inputs, slots[lane], slots[{BLOCK} + lane], slots[{BLOCK * slot} + lane])",
        ]
        before = SEARCH
    body = [f"{name} = slots[{BLOCK * slot} + lane]" for slot, name in program.loads]
    body += [f"{s.name} = {_right_side(s, operand)}" for s in program.statements]
    body += [f"slots[{BLOCK * slot} + lane] = {operand(name)}" for slot, name in program.stores]
    return SOURCE.format(
        dtype=program.dtype,
        search=before,
        scratch=_lines(4, scratch),
        searches=_lines(12, searches),
        constants=_lines(4, (f"{name} = number({value})" for value, name in constants.items())),
        fixed=_lines(4, (f"f{i} = fixed[{i}]" for i in range(program.fixed))),
        columns=_lines(12, (f"c{i} = table[step, {i}]" for i in range(program.columns))),
        body=_lines(16, body),
    )


def summed_source(summed: Summed) -> str:
    """Return the functions that add up a gradient."""
    return f"\nfrom numpy import empty, {summed.dtype}\n{IMPORTS}{for_numba(summed.pair, 4)}\n"


def _summed(summed: Summed) -> tuple[list[str], list[str]]:
    """Return what comes before all steps, and what comes before every step's statements."""
    numbers = constants(summed.pair, 4)
    scratch = [f"q = empty({numbers['SCRATCH']}, {summed.dtype})", "problem, nodes = inputs, sums[0]"]
    own = []
    if summed.own >= 0:
        scratch += [f"problem = q[{OWN}:]", f"problem[:{PROBLEM}] = inputs"]
        own = [f"problem[{k}] = slots[{BLOCK * (summed.own + k)} + lane]" for k in range(TAUGHT)]
    theta = ", ".join(f"slots[{BLOCK * i} + lane]" for i in range(4))
    call = "sample" if summed.pair.is_sample else "population"
    results = [f"slots[{BLOCK * (summed.slot + i)} + lane] = q[{i}]" for i in range(4)]
    lines = [*own, f"{call}(q, problem, nodes, {theta})", *results]
    alive = f"    if slots[{BLOCK * summed.alive} + lane] != 0.0:"
    return scratch, ["for lane in range(width):", alive, *(f"        {line}" for line in lines)]


def _right_side(statement: Statement, operand: Callable[[str | float], str]) -> str:
    if statement.op == "gather":
        row, column = statement.args
        return f"sums[int({row}), {column:.0f}]"
    return TEMPLATES[statement.op].format(*(operand(a) for a in statement.args))


def _lines(indent: int, lines: Iterable[str]) -> str:
    return "\n".join(" " * indent + line for line in lines)
