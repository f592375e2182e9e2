"""The cells of parameter space, their walls, and the symbols in which everything is proved.

Student and teacher are neurons of the same form, so each is dead, hyperactive or balanced on the input
[lo, hi]; a balanced one has w1 > 0 (active to the right of its breakpoint) or w1 < 0 (active to the left).
With the order of the two breakpoints, where both lie inside, that makes 20 cells. On each, the input is
cut into at most three pieces on which both neurons are linear.

Every cell is described twice. `Place.compact` puts a breakpoint in place of a bias (b1 = −w1 p), so that
the formulas become polynomials over few symbols. `Place.signs` then writes the symbols through positive
ones (gaps between points, moduli, end pre-activations), so that SymPy's assumptions decide every sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import sympy

# SymPy is untyped; the name says what is meant.
Expr: TypeAlias = Any

w1, b1, w2, b2 = sympy.symbols("w1 b1 w2 b2", real=True)
wt1, bt1, wt2, bt2 = sympy.symbols("w1T b1T w2T b2T", real=True)
lo, hi, x, p, q = sympy.symbols("lo hi x p q", real=True)
s_minus, s_plus = sympy.symbols("s_- s_+", real=True)

PARAMETERS = (w1, b1, w2, b2)
TEACHER = (wt1, bt1, wt2, bt2)
LENGTH = hi - lo

# The default problem: ReLU, teacher (1, 0, 1, 0), input [-1, 1].
DEFAULT = dict(
    zip((lo, hi, s_minus, s_plus, *TEACHER), map(sympy.Integer, (-1, 1, 0, 1, 1, 0, 1, 0)), strict=True)
)


class Kind(NamedTuple):
    """Where a neuron is active: its activity, and for a balanced one the sign of its w1 (otherwise 0)."""

    activity: str
    sign: int = 0

    @property
    def slopes(self) -> tuple[Expr, Expr]:
        """The activation's slope at the left and at the right end of the input."""
        if self.sign:
            return (s_minus, s_plus) if self.sign > 0 else (s_plus, s_minus)
        return (s_minus, s_minus) if self.side < 0 else (s_plus, s_plus)

    @property
    def side(self) -> int:
        """The sign of the pre-activation on the whole input: −1 dead, 1 hyperactive, 0 for neither."""
        return 0 if self.sign else -1 if self == DEAD else 1

    def name(self, weight: str) -> str:
        """Return the activity, with the sign of `weight` where it matters."""
        return f"{self.activity}, {weight} {'>' if self.sign > 0 else '<'} 0" if self.sign else self.activity


DEAD, HYPERACTIVE = Kind("dead"), Kind("hyperactive")
RISING, FALLING = Kind("balanced", 1), Kind("balanced", -1)
KINDS = (DEAD, HYPERACTIVE, RISING, FALLING)


class Piece(NamedTuple):
    """A part of the input on which both neurons are linear: its ends, and the slope of φ for each."""

    left: Expr
    right: Expr
    student: Expr
    teacher: Expr


class Place(NamedTuple):
    """A set of parameters: two substitutions that describe it, applied one after the other."""

    name: str
    compact: dict[Expr, Expr]
    signs: dict[Expr, Expr]


@dataclass(frozen=True)
class Cell:
    """A cell: the student's and the teacher's kind, and the points lo, p, q, hi in the order they lie in.

    p = −b1/w1 and q = −b1ᵀ/w1ᵀ are the breakpoints; each is among the points where its neuron is balanced.
    """

    student: Kind
    teacher: Kind
    points: tuple[Expr, ...]

    @property
    def order(self) -> str:
        """The order of the breakpoints, empty unless both neurons are balanced."""
        return next((f"{a} < {b}" for a, b in ((p, q), (q, p)) if self.points == (lo, a, b, hi)), "")

    @property
    def name(self) -> str:
        """The cell in words."""
        neurons = f"student {self.student.name('w1')}; teacher {self.teacher.name('w1ᵀ')}"
        return f"{neurons}; {self.order}" if self.order else neurons

    @property
    def default_name(self) -> str:
        """The cell of the default problem, whose teacher goes without saying and has q = 0."""
        order = f"; {self.order.replace('q', '0')}" if self.order else ""
        return f"default problem, {self.student.name('w1')}{order}"

    @property
    def place(self) -> Place:
        """The open cell."""
        compact = breakpoints(self.student, self.teacher)
        return Place(self.name, compact, positive_symbols(self.student, self.teacher, self.points))

    @property
    def pieces(self) -> list[Piece]:
        """The pieces from left to right, their ends written through the parameters."""
        where = {p: -b1 / w1, q: -bt1 / wt1}
        result = []
        for i, (left, right) in enumerate(zip(self.points, self.points[1:], strict=False)):
            passed = self.points[1 : i + 1]
            result.append(
                Piece(
                    where.get(left, left),
                    where.get(right, right),
                    self.student.slopes[p in passed],
                    self.teacher.slopes[q in passed],
                )
            )
        return result


@dataclass(frozen=True)
class Wall:
    """Where two cells meet: the student's breakpoint at an end of the input, or at the teacher's.

    `inner` is the cell of the balanced student and `outer` that of the dead or hyperactive one; where both
    are balanced (`at` is q), `inner` has p < q and `outer` q < p.
    """

    inner: Cell
    outer: Cell
    at: Expr

    @property
    def name(self) -> str:
        """The wall in words."""
        if self.at == q:
            return f"p = q; {self.inner.name.removesuffix('; p < q')}"
        students = f"{self.outer.student.activity} | {self.inner.student.name('w1')}"
        return f"p = {self.at}; {students}; teacher {self.inner.teacher.name('w1ᵀ')}"

    @property
    def place(self) -> Place:
        """The points of the wall other than those with w1 = 0."""
        points = tuple(point for point in self.inner.points if point != p)
        compact = breakpoints(self.inner.student, self.inner.teacher) | {b1: -w1 * self.at}
        return Place(self.name, compact, positive_symbols(self.inner.student, self.inner.teacher, points))


def breakpoints(student: Kind, teacher: Kind) -> dict[Expr, Expr]:
    """Return the substitution of a balanced neuron's bias by its breakpoint."""
    return ({b1: -w1 * p} if student.sign else {}) | ({bt1: -wt1 * q} if teacher.sign else {})


def positive_symbols(student: Kind, teacher: Kind, points: tuple[Expr, ...]) -> dict[Expr, Expr]:
    """Return the substitution by positive symbols of points in a given order and of neurons of given kinds.

    A balanced neuron gives its |w1|; a dead or hyperactive one the moduli of its pre-activations at both
    ends, which may be in any ratio: w1 may have either sign or be 0.
    """
    signs = {}
    position = lo
    for i, point in enumerate(points[1:], start=1):
        position = position + sympy.Symbol(f"gap_{i}", positive=True)
        signs[point] = position
    length = signs[hi] - lo
    for kind, weight, bias, label in ((student, w1, b1, ""), (teacher, wt1, bt1, "T")):
        if kind.sign:
            signs[weight] = kind.sign * sympy.Symbol(f"modulus{label}", positive=True)
            continue
        at_lo, at_hi = (kind.side * sympy.Symbol(f"{end}{label}", positive=True) for end in ("A", "B"))
        signs[weight] = (at_hi - at_lo) / length
        signs[bias] = at_lo - signs[weight] * lo
    return signs


def cells() -> list[Cell]:
    """Return the 20 cells."""
    result = []
    for student in KINDS:
        for teacher in KINDS:
            inside = ((p,) if student.sign else ()) + ((q,) if teacher.sign else ())
            orders = dict.fromkeys((inside, inside[::-1]))
            result += [Cell(student, teacher, (lo, *order, hi)) for order in orders]
    return result


def default_cells() -> list[Cell]:
    """Return the 6 cells of the default problem."""
    return [cell for cell in cells() if cell.teacher == RISING]


def end_walls() -> list[Wall]:
    """Return the 16 walls at which the student's breakpoint enters or leaves the input."""
    result = []
    for inner in (cell for cell in cells() if cell.student.sign):
        for at, neighbour, behind in ((lo, 1, 1), (hi, -2, 0)):
            if inner.points[neighbour] == p:
                # Once p has left at lo, only the part of φ right of the breakpoint is in use.
                slope = inner.student.slopes[behind]
                outer = Cell(
                    HYPERACTIVE if slope == s_plus else DEAD,
                    inner.teacher,
                    tuple(point for point in inner.points if point != p),
                )
                result.append(Wall(inner, outer, at))
    return result


def crossing_walls() -> list[Wall]:
    """Return the 4 walls at which the student's breakpoint meets the teacher's."""
    return [
        Wall(Cell(student, teacher, (lo, p, q, hi)), Cell(student, teacher, (lo, q, p, hi)), q)
        for student in (RISING, FALLING)
        for teacher in (RISING, FALLING)
    ]


def edge_teachers() -> list[tuple[Cell, Place]]:
    """Return the teachers of no open cell: breakpoint exactly at an end of the input, or w1ᵀ = b1ᵀ = 0.

    With each comes the cell whose formulas continue to it, that of a dead or hyperactive teacher.
    """
    result = []
    for student in KINDS:
        points = (lo, p, hi) if student.sign else (lo, hi)
        for kind in (RISING, FALLING):
            for end, used in ((lo, kind.slopes[1]), (hi, kind.slopes[0])):
                cell = Cell(student, HYPERACTIVE if used == s_plus else DEAD, points)
                compact = breakpoints(student, kind) | {bt1: -wt1 * end}
                name = f"student {student.name('w1')}; q = {end}, {kind.name('w1ᵀ').partition(', ')[2]}"
                result.append((cell, Place(name, compact, positive_symbols(student, kind, points))))
        cell = Cell(student, DEAD, points)
        compact = cell.place.compact | {wt1: sympy.Integer(0), bt1: sympy.Integer(0)}
        name = f"student {student.name('w1')}; w1ᵀ = b1ᵀ = 0"
        result.append((cell, Place(name, compact, cell.place.signs)))
    return result


def origins() -> list[tuple[Cell, Place]]:
    """Return the parameters with w1 = b1 = 0, one place for each kind of teacher, each with the dead cell."""
    result = []
    for cell in (cell for cell in cells() if cell.student == DEAD):
        place = cell.place
        compact = place.compact | {w1: sympy.Integer(0), b1: sympy.Integer(0)}
        result.append((cell, Place(f"w1 = b1 = 0; {cell.name.partition('; ')[2]}", compact, place.signs)))
    return result
