"""The integral of a pair of activations as text for Numba or in C, and the numbers that it is given."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from gradflow.base.arrays import Array
from gradflow.compiled import integral, smooth
from gradflow.compiled.to_c import Translator, plain
from gradflow.compiled.traced import UnsupportedError
from gradflow.field import quadrature
from gradflow.field import sample as direct
from gradflow.field.panels import TIERS, gauss_legendre
from gradflow.neuron.activations import SMOOTH_FORMULAS, Activation, PiecewiseLinear, SmoothFormula
from gradflow.neuron.problem import Problem

LINEAR = "linear"

LEAF = 128
"""So many numbers NumPy adds up without halving."""

INTRINSIC = """
@intrinsic
def scaled(context, x, rounded):
    def generate(context, builder, signature, given):
        whole = builder.bitcast(given[1], ir.IntType(64))
        exponent = builder.shl(whole, ir.Constant(ir.IntType(64), 52))
        power = builder.add(exponent, ir.Constant(ir.IntType(64), 1023 << 52))
        return builder.fmul(given[0], builder.bitcast(power, ir.DoubleType()))

    return types.float64(types.float64, types.float64), generate

"""
"""`smooth.scaled` for Numba: the low bits of the rounded number are the exponent."""

IN_C = """\
PREFIX double scaled(double x, double rounded)
{
    union { double number; unsigned long long bits; } power;
    power.number = rounded;
    power.bits = (power.bits << 52) + (1023ULL << 52);
    return x * power.number;
}
"""

SIGNATURE = "z: float, low: float, high: float) -> float:\n    return "
LINEAR_TEXTS = {
    "phi": "z * (high if z > 0.0 else low)",
    "slope": "high if z > 0.0 else low",
}


class Pair(NamedTuple):
    """The bends of student and teacher: names of smooth activations, or `LINEAR`; a sample has no teacher."""

    student: str
    teacher: str
    is_sample: bool = False

    @property
    def lanes(self) -> int:
        """How many sums lie side by side: in a sample as NumPy has them."""
        return 8 if self.is_sample else 4

    @property
    def room(self) -> int:
        """How many nodes there may be at once."""
        return LEAF if self.is_sample else integral.ROOM


def name_of(activation: Activation) -> str:
    """Return the name of a smooth activation; all piecewise linear ones are one.

    Raises
    ------
    UnsupportedError
        If `gradflow.compiled.smooth` has no code for it.
    """
    if isinstance(activation, PiecewiseLinear):
        return LINEAR
    if not hasattr(smooth, f"{activation.name}_value"):
        raise UnsupportedError(f"activation: there is no compiled code for {activation.name}")
    return activation.name


def pair_of(student: Activation, teacher: Activation | None = None) -> Pair:
    """Return the pair of activations of a problem; without a teacher's, that of a sample."""
    return Pair(name_of(student), LINEAR if teacher is None else name_of(teacher), teacher is None)


def constants(pair: Pair, sums: int) -> dict[str, int | float]:
    """Return the numbers that the functions call by name."""
    found = {**vars(integral), **vars(smooth)}
    numbers = {k: v for k, v in found.items() if k.isupper() and isinstance(v, (int, float))}
    chosen: dict[str, int | float] = {"LANES": pair.lanes, "ROOM": pair.room, "SUMS": sums}
    chosen["STACK"] = integral.TERMS + 5 * pair.room
    chosen["SCRATCH"] = int(chosen["STACK"]) + (integral.WAITING if pair.is_sample else 0)
    for who, name in (("STUDENT", pair.student), ("TEACHER", pair.teacher)):
        row: SmoothFormula | None = SMOOTH_FORMULAS.get(name)
        chosen[f"{who}_SMOOTH"] = int(row is not None)
        chosen[f"{who}_UNIT"] = 1.0 / row.scale if row else 0.0
        chosen[f"{who}_TAIL"] = row.narrowing if row else 0.0
    return {**numbers, **chosen}


@cache
def needed(name: str) -> tuple[str, ...]:
    """Return the functions of `smooth` that an activation needs, callees first, but `scaled`."""
    if name == LINEAR:
        return ()
    wanted: list[str] = []

    def visit(function: str) -> None:
        for node in ast.walk(ast.parse(inspect.getsource(getattr(smooth, function)))):
            called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
            if inspect.isfunction(getattr(smooth, called, None)) and called not in (function, "scaled"):
                visit(called)
        wanted.append(function)

    for part in ("value", "slope"):
        visit(f"{name}_{part}")
    return tuple(dict.fromkeys(wanted))


@cache
def functions(pair: Pair) -> tuple[tuple[str, str], ...]:
    """Return names and texts of all functions that an integral needs but `scaled`, callees first."""
    own = dict.fromkeys((*needed(pair.student), *needed(pair.teacher)))
    texts = {name: inspect.getsource(getattr(smooth, name)) for name in own}
    for role, name, formula in (
        ("phi", pair.student, "phi"),
        ("slope", pair.student, "slope"),
        ("taught", pair.teacher, "phi"),
    ):
        called = f"{name}_{'slope' if role == 'slope' else 'value'}(z)"
        texts[role] = f"def {role}({SIGNATURE}{LINEAR_TEXTS[formula] if name == LINEAR else called}\n"
    wanted: tuple[str, ...]
    if pair.is_sample:
        wanted = ("clear", "add", "few", "total", "sample")
    else:
        wanted = (
            "clear",
            "add",
            "few",
            "some",
            "total",
            "insert",
            "grade",
            "cut",
            "side",
            "affine",
            "integrate",
            "population",
        )
    texts.update((name, inspect.getsource(getattr(integral, name))) for name in wanted)
    return tuple(texts.items())


ROLES = ("phi", "slope", "taught")
"""Functions that must become part of the loops over nodes, as those of `smooth`, or no loop is packed."""

IMPORTS = """\
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
"""
OPTIONS = 'nogil=True, error_model="numpy", boundscheck=False, _nrt=False, no_cpython_wrapper=True, '
OPTIONS += "no_cfunc_wrapper=True"


def for_numba(pair: Pair, sums: int) -> str:
    """Return the functions of an integral for a module that has `IMPORTS`."""
    parts, numbers = [INTRINSIC], _Numbers(constants(pair, sums))
    for name, text in functions(pair):
        options = f"forceinline=True, {OPTIONS}" if name in ROLES or hasattr(smooth, name) else OPTIONS
        parts.append(f"\n@njit({options})\n{plain(numbers.visit(ast.parse(text)))}\n")
    return "".join(parts)


class _Numbers(ast.NodeTransformer):
    """Puts numbers in the place of their names, which other parts of a module may use for others."""

    def __init__(self, constants: dict[str, int | float]) -> None:
        self.constants = constants

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Replace a constant."""
        return ast.Constant(self.constants[node.id]) if node.id in self.constants else node


def in_c(pair: Pair, sums: int, prefix: str, number: str = "double") -> str:
    """Return the functions of an integral in C, to stand behind `Translator.helpers`.

    With "float" as `number` they are computed in single precision, where nothing is smooth.
    """
    translator = Translator(constants(pair, sums), prefix, number)
    translator.returns["scaled"] = "double"
    texts = [translator.function(text) for _, text in functions(pair)]
    return "\n".join([IN_C.replace("PREFIX", prefix), *texts])


def bound_numbers(bound: quadrature.Bound) -> tuple[Array, Array]:
    """Return the numbers and nodes of a problem that NumPy's quadrature is bound to.

    Returns
    -------
    numbers : array, shape (PROBLEM,)
        Of arrays of teachers, what they share; their own numbers go in front.
    nodes : array
        The rules, and behind them the nodes that gentle students of one teacher share.
    """
    nodes, numbers = np.zeros(integral.NODES), np.zeros(integral.PROBLEM)
    numbers[: integral.TAUGHT] = [value if np.ndim(value) == 0 else 0.0 for value in bound.taught]
    for first, activation in ((integral.LOW, bound.student), (integral.LOW_T, bound.teacher)):
        if isinstance(activation, PiecewiseLinear):
            numbers[first : first + 2] = activation.low, activation.high
    for first, tier in zip((integral.RULE_0, integral.RULE_1, integral.RULE_2), TIERS, strict=True):
        _put(nodes[first:], gauss_legendre(tier.nodes), integral.ROOM)
    for i, (at, inputs) in bound.shared.items():
        count = at.shape[0] // TIERS[i].nodes
        numbers[integral.COUNT_0 + i] = count
        columns = [v.reshape(count, -1) for v in (at, inputs.x, inputs.weights, inputs.target)]
        for panel in range(count):
            first = (integral.SHARED_0, integral.SHARED_1)[i] + 4 * integral.ROOM * panel
            _put(nodes[first:], [column[panel] for column in columns], integral.ROOM)
    return numbers, nodes


def bind(problem: Problem) -> tuple[quadrature.Taught, Array, Array]:
    """Return a problem's terms (arrays where teachers or intervals are) and `bound_numbers`, in float64."""
    bound = quadrature.bind(problem, np.empty(0))
    return bound.taught, *bound_numbers(bound)


def bind_sample(problem: Problem, like: Array) -> tuple[Array, Array]:
    """Return a sample's numbers and nodes in the dtype of `like`, for `integral.sample`."""
    inputs = direct.bind(problem, like).inputs
    n, is_smooth = inputs.x.shape[0], not isinstance(problem.activation, PiecewiseLinear)
    # Nodes without weight make a smooth student's numbers eights; its sums need not be in NumPy's order.
    padded = n + (-n % 8 if is_smooth else 0)
    leaves = _leaves(padded)
    nodes = np.zeros(4 * LEAF * len(leaves), dtype=like.dtype)
    first = 0
    for k, (_, size, _) in enumerate(leaves):
        own = (inputs.x, inputs.x, np.broadcast_to(inputs.weights, (n,)), inputs.target)
        _put(nodes[4 * LEAF * k :], [column[first : first + size] for column in own], LEAF)
        first += size
    low, high = (0.0, 0.0) if is_smooth else problem.slopes
    numbers = np.asarray([low, high, len(leaves), *(v for leaf in leaves for v in leaf)])
    return numbers.astype(like.dtype), nodes


def _put(place: Array, columns: Sequence[Array], room: int) -> None:
    for k, column in enumerate(columns):
        place[k * room : k * room + len(column)] = column


def _leaves(n: int) -> list[tuple[int, int, int]]:
    """Return the leaves of NumPy's sum of n numbers (`integral.sample`)."""
    if n <= LEAF:
        return [(n // 8 * 8, n, 0)]
    half = n // 2
    half -= half % 8
    *first, (eights, size, joins) = _leaves(n - half)
    return [*_leaves(half), *first, (eights, size, joins + 1)]
