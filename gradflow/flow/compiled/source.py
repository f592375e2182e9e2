"""The flow as a module for Numba: what was recorded as loops over lanes, and the scalar functions around."""

from __future__ import annotations

import ast
import copy
import inspect
import math
from functools import cache
from typing import Any

from gradflow.compiled.integral_source import IMPORTS, Pair, for_numba
from gradflow.compiled.program import Program
from gradflow.compiled.python_source import TEMPLATES
from gradflow.compiled.to_c import plain
from gradflow.flow.compiled import crossing as flow_crossing
from gradflow.flow.compiled import driver as flow_driver
from gradflow.flow.compiled import exit as flow_exit
from gradflow.flow.compiled import layout as flow_layout
from gradflow.flow.compiled import record as flow_record
from gradflow.flow.compiled import summed as flow_summed
from gradflow.flow.compiled.record import SHARED

HEADER = '''"""Printed by gradflow.compiled; not meant to be edited."""

from math import exp, expm1, inf, log, nan, sqrt

from numba import njit

'''
OPTIONS = 'nogil=True, error_model="numpy", boundscheck=False, _nrt=False'
JIT = f"@njit({OPTIONS}, no_cpython_wrapper=True, no_cfunc_wrapper=True)\n"
CACHED = f"@njit(cache=True, {OPTIONS})\n"


SCALAR = (
    "keep_own", "face", "attempt", "event", "floors", "value_at", "slope_at", "dense_value", "turn", "root",
    "first_exit", "size_at", "growth", "is_stale", "dies", "fade", "polynomial", "wait", "behind", "is_wrong",
    "redo",
    "restart", "cross", "is_spent",
    "settle", "judge", "show", "load", "store",
)  # fmt: skip
"""The functions of `gradflow.flow.compiled.crossing` and `flow_driver`, callees first."""

ONCE = ("attempt", "settle")
"""Functions whose text Numba gets where they are called: every level of calls is compiled once more."""

Functions = list[tuple[str, str]]
Loops = list[tuple[Program, str]]


def constants(width: int) -> dict[str, int | float]:
    """Return the numbers that the functions call by name."""
    modules = (flow_layout, flow_summed, flow_exit, flow_crossing, flow_driver)
    found = {name: value for module in modules for name, value in vars(module).items()}
    numbers = {k: v for k, v in found.items() if k.isupper() and isinstance(v, (int, float))}
    return {**numbers, "W": width}


def text_of(name: str) -> str:
    """Return the text of a function of `gradflow.flow.compiled.exit`, `flow_crossing` or `flow_driver`."""
    module = next(m for m in (flow_exit, flow_crossing, flow_driver) if hasattr(m, name))
    return inspect.getsource(getattr(module, name))


def _summed(slopes: tuple[float, float], width: int) -> Functions:
    """Return the functions that the field of a sum has in place of closed forms."""
    texts = [
        (name, inspect.getsource(getattr(flow_summed, name))) for name in ("summed", "gradients", "losses")
    ]
    lines = ["def velocity(w, fixed, cell, n):", "    gradients(w, fixed, n)"]
    lines += [
        f"    {line}" for line in _loops([(flow_record.summed_velocity(slopes), "n")], width, "_velocity")
    ]
    return [*texts, ("velocity", "\n".join(lines) + "\n")]


def literal(slopes: tuple[float, float]) -> tuple[float, float]:
    """Return the slopes that the text depends on: other numbers than 0 and 1 share one text."""
    s_minus, s_plus = (s if s in (0.0, 1.0) else 0.5 for s in slopes)
    return s_minus, s_plus


@cache
def functions(slopes: tuple[float, float], width: int, *, is_summed: bool = False) -> Functions:
    """Return names and texts of all functions that one trajectory needs, callees first.

    Parameters
    ----------
    slopes : (float, float)
        The activation's; 0 and 1 become part of the text, others are given when it runs.
    is_summed : bool
        Whether the field is a sum over nodes: ``integrate`` must be there then.
    """
    # Over lanes; over all lanes of four or five rows in one go; over one lane's entries in such rows.
    one, four, five = "n", str(4 * width), str(5 * width)
    its_four, its_five = f"0, {four}, {width}", f"0, {five}, {width}"
    cells = {cell: number for cell, number in flow_layout.BITS.items() if number or slopes[0] != 0.0}
    velocities = {number: [(flow_record.velocity(slopes, cell), one)] for cell, number in cells.items()}
    stages = {
        k: [(flow_record.stage(k + 1), four), *([(flow_record.path(k), one)] if k else [])]
        for k in range(flow_layout.STAGE_COUNT - 1)
    }
    field = [
        *_chosen("velocity", "cell", velocities, width),
        ("losses", _function("losses", [(flow_record.loss(slopes), one)], width)),
    ]
    printed = [
        *(_summed(slopes, width) if is_summed else field),
        *_chosen("stage", "k", stages, width),
        *_chosen("extra", "k", {k: [(flow_record.extra(k), its_four)] for k in range(3)}, width),
        *_chosen("dense", "k", {k: [(flow_record.dense(k), its_five)] for k in range(4)}, width),
        ("step", _function("step", [(flow_record.step(), five)], width)),
        ("error", _function("error", [(flow_record.error(), five)], width)),
        ("begin", _function("begin", [(flow_record.begin(slopes), one)], width)),
        ("finish", _function("finish", [(flow_record.finish(slopes), one)], width)),
        ("commit", _function("commit", [(flow_record.kept(), one)], width)),
    ]
    return printed + [(name, text_of(name)) for name in SCALAR]


@cache
def numba_source(slopes: tuple[float, float], pair: Pair | None = None) -> str:
    """Return a module whose ``advance`` follows trajectories, a block at a time.

    Parameters
    ----------
    slopes : (float, float)
    pair : Pair, optional
        What bends student and teacher, where the field is a sum over nodes.
    """
    parts = [f"{name} = {value!r}\n" for name, value in constants(flow_layout.BLOCK).items()]
    texts = dict(functions(slopes, flow_layout.BLOCK, is_summed=pair is not None))
    if pair is not None:
        parts += [IMPORTS, for_numba(pair, flow_summed.SUM_COUNT)]
    inlined = [ast.parse(texts.pop(name)) for name in ONCE]
    texts.update((name, text_of(name)) for name in ("put_aside", "bring"))
    parts += ["\n\n" + JIT + plain(ast.parse(text)) for text in texts.values()]
    advance = ast.parse(text_of("advance"))
    for function in inlined:
        advance = _Inlined(function).visit(advance)
    parts.append("\n\n" + CACHED + plain(advance))
    return HEADER + "".join(parts)


class _Renamed(ast.NodeTransformer):
    """Puts what is given in the place of a function's parameters."""

    def __init__(self, given: dict[str, ast.expr]) -> None:
        self.given = given

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Replace a parameter."""
        return copy.deepcopy(self.given.get(node.id, node))


class _Inlined(ast.NodeTransformer):
    """Puts a function's body where it is called by a statement: every level of calls is compiled again."""

    def __init__(self, module: ast.Module) -> None:
        function = module.body[0]
        assert isinstance(function, ast.FunctionDef)
        self.function = function

    def visit_Expr(self, node: ast.Expr) -> Any:
        """Replace a call that is a statement."""
        call, f = node.value, self.function
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == f.name):
            return node
        given: dict[str, ast.expr] = {}
        lines: list[ast.stmt] = []
        for parameter, value in zip(f.args.args, call.args, strict=True):
            if isinstance(value, (ast.Name, ast.Constant)):
                given[parameter.arg] = value
            else:
                lines.append(ast.Assign([ast.Name(parameter.arg, ast.Store())], value))
        body = f.body[1:] if ast.get_docstring(f) is not None else f.body
        return [*lines, *(_Renamed(given).visit(copy.deepcopy(line)) for line in body)]


def _chosen(name: str, by: str, loops: dict[int, Loops], width: int) -> Functions:
    """Return a function that chooses among programs by a number."""
    lines = [f"def {name}(w, fixed, {by}, n):"]
    for i, (k, some) in enumerate(loops.items()):
        lines.append(f"    {'elif' if i else 'if'} {by} == {k}:")
        lines += [f"        {line}" for line in _loops(some, width, f"_{name}{k}")]
    return [(name, "\n".join(lines) + "\n")]


def _function(name: str, loops: Loops, width: int) -> str:
    """Return programs as a function, each in a loop of its own."""
    return (
        "\n".join(
            [f"def {name}(w, fixed, n):", *(f"    {line}" for line in _loops(loops, width, f"_{name}"))]
        )
        + "\n"
    )


def _loops(loops: Loops, width: int, suffix: str) -> list[str]:
    """Return the lines of programs, each in a loop of its own."""
    lines = []

    def operand(value: str | float) -> str:
        if isinstance(value, str):
            return value + suffix
        return repr(value) if math.isfinite(value) else "inf"

    for program, count in loops:
        shared = [(k - SHARED, name) for k, name in program.loads if k >= SHARED]
        lines += [f"{operand(name)} = fixed[{k}]" for k, name in shared]
        lines.append(f"for lane in range({count}):")
        lines += [f"    {operand(name)} = w[{k * width} + lane]" for k, name in program.loads if k < SHARED]
        for s in program.statements:
            right = TEMPLATES[s.op].format(*(operand(a) for a in s.args))
            lines.append(f"    {operand(s.name)} = {right}")
        lines += [f"    w[{k * width} + lane] = {operand(value)}" for k, value in program.stores]
    return lines
