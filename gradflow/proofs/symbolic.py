"""Loss, gradient and Hessian of a problem as SymPy expressions over all of parameter space, by named cells.

The student's parameters are symbols, teacher, interval and slopes numbers (exact ones: 0.1 is 1/10). Each
entry is one `sympy.Piecewise`, which substitution, `sympy.lambdify` and `sympy.latex` take as they take any
expression. `derivations/01_population_loss.py` to `03_hessian.py` prove what stands on each cell.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import sympy

from gradflow.base.checks import one_of
from gradflow.neuron.problem import PARAMETERS as NAMES
from gradflow.neuron.problem import Problem, Uniform, as_problem, require_one
from gradflow.proofs import integrals
from gradflow.proofs.cells import (
    DEAD,
    FALLING,
    HYPERACTIVE,
    KINDS,
    PARAMETERS,
    RISING,
    TEACHER,
    Cell,
    Expr,
    Kind,
    b1,
    hi,
    lo,
    p,
    q,
    s_minus,
    s_plus,
    w1,
)

symbols: dict[str, Expr] = {name: sympy.Symbol(name) for name in NAMES}
"""The student's parameters, w1, b1, w2 and b2, as they stand in the expressions: plain symbols, so that
`sympy.symbols("w1")` and the text "w1" are the same."""

_PLAIN = dict(zip(PARAMETERS, symbols.values(), strict=True))


def cells(problem: Problem = Problem()) -> dict[str, Expr]:
    """Return the student's cells by name, each with its condition on w1 and b1, in the order of decision.

    A condition is meant where none before it holds: a neuron on a wall belongs to the first cell it touches.

    Raises
    ------
    ValueError, TypeError
        Unless the problem is one teacher on one interval, uniform, with one piecewise linear activation.

    Examples
    --------
    >>> list(gf.symbolic.cells())[:2]
    ['dead', 'hyperactive']
    """
    return {name: condition.xreplace(_PLAIN) for name, (condition, _) in _cells(problem).items()}


def loss(problem: Problem = Problem(), cell: str | None = None) -> Expr:
    """Return the population loss, on all of parameter space or on one of `cells`.

    Parameters
    ----------
    problem : Problem
        One teacher on one interval.
    cell : str, optional
        The name of the only cell on which the expression is to hold; without it, it holds everywhere.

    Raises
    ------
    ValueError, TypeError
        As `cells`, or if there is no such cell.

    Examples
    --------
    >>> gf.symbolic.loss().subs({"w1": 1, "b1": 0, "w2": 1, "b2": 1})
    1
    """
    return _everywhere(problem, integrals.loss, cell)


def gradient(problem: Problem = Problem(), cell: str | None = None) -> Expr:
    """Return ∂L/∂(w1, b1, w2, b2) as a column of four expressions.

    See Also
    --------
    loss : parameters and errors.

    Examples
    --------
    >>> leaky = gf.Problem(inputs=gf.Uniform(0, 2), activation=(0.1, 1))
    >>> gf.symbolic.gradient(leaky, "hyperactive")[3]
    2*b1*w2 + 2*b2 + 2*w1*w2 - 2
    """
    return sympy.Matrix([_everywhere(problem, _entry(integrals.gradient, i), cell) for i in range(4)])


def hessian(problem: Problem = Problem(), cell: str | None = None) -> Expr:
    """Return ∂²L/∂θ² as a 4 × 4 matrix; between the cells it jumps.

    See Also
    --------
    loss : parameters and errors.
    """
    return sympy.Matrix(
        4, 4, lambda i, j: _everywhere(problem, _entry(integrals.hessian, (int(i), int(j))), cell)
    )


def _entry(function: Callable[[Cell], Any], place: Any) -> Callable[[Cell], Expr]:
    return lambda cell: function(cell)[place]


def _everywhere(problem: Problem, formula: Callable[[Cell], Expr], only: str | None) -> Expr:
    """Return a formula with a problem's numbers, in one cell or in all."""
    found = _cells(problem)
    numbers = _numbers(problem)

    def on(cell: Cell) -> Expr:
        # The numbers first: they leave a rational function of few symbols.
        return sympy.factor_terms(sympy.expand(sympy.cancel(sympy.together(formula(cell).xreplace(numbers)))))

    if only is not None:
        one_of("cell", only, tuple(found))
        return on(found[only][1]).xreplace(_PLAIN)
    # What is left over is the last cell: every student is in one.
    pieces = [(on(cell), condition) for condition, cell in found.values()]
    return sympy.Piecewise(*pieces[:-1], (pieces[-1][0], True)).xreplace(_PLAIN)


def _cells(problem: Problem) -> dict[str, tuple[Expr, Cell]]:
    """Return the student's cells by name, with conditions and formulas."""
    numbers = _numbers(problem)
    left, right = numbers[lo], numbers[hi]
    z_left, z_right = w1 * left + b1, w1 * right + b1
    taught = _kind(numbers)
    at = -numbers[TEACHER[1]] / numbers[TEACHER[0]] if taught.sign else None
    found: dict[str, tuple[Expr, Cell]] = {}
    conditions = {
        DEAD: sympy.And(z_left <= 0, z_right <= 0),
        HYPERACTIVE: sympy.And(z_left >= 0, z_right >= 0),
        RISING: w1 > 0,
        FALLING: w1 < 0,
    }
    for kind in KINDS:
        inside = (p,) if kind.sign else ()
        if not kind.sign or at is None:
            points = (lo, *inside, *((q,) if at is not None else ()), hi)
            found[kind.name("w1")] = conditions[kind], Cell(kind, taught, points)
            continue
        # Left of the teacher's breakpoint lies that of a rising student that is active there.
        there = w1 * at + b1
        for points, before in (((lo, p, q, hi), kind.sign > 0), ((lo, q, p, hi), kind.sign < 0)):
            cell = Cell(kind, taught, points)
            order = there >= 0 if before else there <= 0
            name = f"{kind.name('w1')}; {cell.order.replace('p', '-b1/w1').replace('q', str(at))}"
            found[name] = sympy.And(conditions[kind], order), cell
    return found


def _kind(numbers: dict[Expr, Expr]) -> Kind:
    """Return the teacher's kind; one whose breakpoint is at an end of the input is dead or hyperactive."""
    weight, bias = numbers[TEACHER[0]], numbers[TEACHER[1]]
    z_left, z_right = weight * numbers[lo] + bias, weight * numbers[hi] + bias
    if z_left <= 0 and z_right <= 0:
        return DEAD
    if z_left >= 0 and z_right >= 0:
        return HYPERACTIVE
    return RISING if weight > 0 else FALLING


def _numbers(problem: Problem) -> dict[Expr, Expr]:
    """Return interval, slopes and teacher as exact numbers."""
    problem = as_problem(problem)
    require_one(problem, "an expression")
    if not isinstance(problem.inputs, Uniform):
        raise ValueError("inputs: an expression takes uniform inputs, got a sample")
    values = (problem.lo, problem.hi, *problem.shared_slopes, *problem.teacher)
    names = (lo, hi, s_minus, s_plus, *TEACHER)
    return {name: _exact(value) for name, value in zip(names, values, strict=True)}


def _exact(value: Any) -> Expr:
    """Return the number that a float is written as: 0.1 is 1/10."""
    number = Fraction(repr(float(value)))
    return sympy.Rational(number.numerator, number.denominator)
