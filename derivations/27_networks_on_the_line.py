"""The field of networks on the line computes the integrals.

Runs the algebra of gradflow.networks.line.cells on symbols, for one and for two neurons in every order.
"""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any, NamedTuple

import numpy as np
import sympy

from gradflow.base.error_free import determinant
from gradflow.networks.line import cells
from gradflow.networks.line.cells import Bends, Integrals, Units
from gradflow.proofs.cells import Expr
from gradflow.proofs.proof import Proof
from gradflow.proofs.render import main

STATUS = "proved"
STATEMENT = """
Let r(x) = Σ_j w2_j φ(w1_j x + b1_j) + c be the residual of a network, the neurons of a teacher being among
the neurons with their output weights turned over, φ with any slopes s₋ and s₊, and let the inputs have a
density that is constant between some points.

(1) In exact arithmetic, once the points are in order, the
functions of gradflow.networks.line.cells (bends, values, integrals, mean_square, derivatives,
even_weights), which every loss and gradient of a network under such a law is computed with, return

    E r²   and   E r ∂f/∂w1_j, E r ∂f/∂b1_j, E r ∂f/∂w2_j, E r,

for one and for two neurons of either sign of w1, wherever their breakpoints are: inside the input in either
order or on one point, beyond or on an end (dead or hyperactive), or nowhere (w1 = 0).

(2) The width of a cell is the determinant of its two neighbours, whatever Veltkamp's constant.
"""

HYPOTHESES = (
    "The input is bounded, lo < hi, and its density is constant between neighbouring points.",
    "Exact arithmetic. The points are given in order, and every neuron is given the place of its own.",
)

PROOF = """
For each neuron there are seven cases: its breakpoint inside, beyond lo or beyond hi, with w1 > 0 or w1 < 0,
and w1 = 0. For two neurons that is 49 pairs, those with both inside in both orders and once on one point. In
each the script sets lo, the positive widths of the cells, the weights, the slopes and the densities as
symbols, runs the text as it stands on arrays of them, integrates the residual and its products with the
derivatives of f by antiderivatives on every cell, and expands the differences to 0. A neuron beyond an end
has the pre-activation z there as a symbol, of the sign that its case has, or 0, which z ≥ 0 includes. With
w1 = 0 it has the slope s₊ where b1 > 0 and s₋ elsewhere; the script takes s₊ for either, a symbol.

For more neurons: loss and gradient, computed or integrated, are sums over pairs of neurons (and the
constant), as the residual is a sum over neurons, and E r² and E r ∂f are bilinear. To a pair the points of
the others only cut cells in two, on either side of which what is computed is the integral over that part.
This step is an argument, not a check; the tests compare up to m = 100.
"""

PROVED_BY = (
    ("(1)", ("the computed loss of…", "the computed gradient of…", "∫ f g over a cell"), ""),
    (
        "(2)",
        (
            "the compensated determinant is the determinant",
            "over the weights it is the distance of the zeros",
        ),
        "",
    ),
)

NOT_CLAIMED = (
    "Nothing is said of rounding errors; the tests measure them against 60 digits.",
    "Sorting, the decision which case a neuron is in, and targets given by knots are tested, not proved; so "
    "is the quadrature of a normal law.",
)

ORIGIN, LOW, HIGH, C = sympy.symbols("lo s_- s_+ c", real=True)
X = sympy.Symbol("x", real=True)


class Case(NamedTuple):
    """Where a neuron's breakpoint is (−1: beyond lo, 0: inside, 1: beyond hi) and the sign of w1."""

    where: int
    sign: int


CASES = (*(Case(where, sign) for where in (-1, 0, 1) for sign in (1, -1)), Case(-1, 0))


class Line(NamedTuple):
    """Symbols of a configuration: points in order, widths, densities, and the neurons."""

    points: list[Expr]
    widths: list[Expr]
    densities: list[Expr]
    w1: list[Expr]
    b1: list[Expr]
    w2: list[Expr]
    own: Units
    place: list[int]


def line(cases: tuple[Case, ...], order: tuple[int, ...], together: bool = False) -> Line:
    """Return the symbols of neurons in these cases; `order` has those inside from left to right."""
    count = len(order) + 1
    widths = [sympy.Symbol(f"d_{i}", positive=True) for i in range(count)]
    if together:
        widths[1] = sympy.Integer(0)
    # lo, the neurons beyond it, the points inside, the neurons beyond hi, hi.
    before = [j for j, case in enumerate(cases) if case.where < 0]
    after = [j for j, case in enumerate(cases) if case.where > 0]
    spaces = [sympy.Integer(0)] * len(before) + widths + [sympy.Integer(0)] * len(after)
    points = [ORIGIN]
    for space in spaces:
        points.append(points[-1] + space)
    place = [0] * len(cases)
    for at, j in enumerate((*before, *order, *after)):
        place[j] = at + 1
    w1, b1, right, left, at_lo, at_hi = ([] for _ in range(6))
    for j, case in enumerate(cases):
        a, z = sympy.Symbol(f"a_{j}", positive=True), sympy.Symbol(f"z_{j}", nonnegative=True)
        slope = case.sign * a
        # Beyond lo a rising neuron has z ≥ 0 there and a falling one z ≤ 0; beyond hi it is the other way.
        end = z * -case.where * case.sign if case.sign else sympy.Symbol(f"z_{j}", real=True)
        anchor = points[place[j]]
        w1.append(slope)
        b1.append((end if case.where else 0) - slope * anchor)
        right.append(HIGH if case.sign >= 0 else LOW)
        left.append(LOW if case.sign >= 0 else HIGH)
        at_lo.append(end if case.where < 0 else sympy.Integer(0))
        at_hi.append(end if case.where > 0 else sympy.Integer(0))
    empty = _array([sympy.Integer(0)] * len(cases))
    sides = (_array(right), _array(left), _array(at_lo), _array(at_hi))
    own = Units(empty, empty, *sides, empty)
    densities = [sympy.Symbol(f"rho_{i}", positive=True) for i in range(len(spaces))]
    return Line(points, spaces, densities, w1, b1, list(sympy.symbols(f"v_:{len(cases)}")), own, place)


def _array(values: list[Any]) -> Any:
    return np.array(values, dtype=object)


def computed(some: Line) -> tuple[Expr, list[Expr]]:
    """Return the loss and half the gradient as the package computes them: by w1, b1, w2, and by b2."""
    n, m = len(some.points), len(some.w1)
    w1, w2 = _array(some.w1), _array(some.w2)
    gained = cells.bends(w1, w2, some.own, _array([sympy.Integer(0)] * (n - m)))
    # Ends stand after the neurons among the points given.
    order = [0] * n
    for j, at in enumerate(some.place):
        order[at] = j
    order[0], order[-1] = m, m + 1
    width = _array(some.widths)
    bends = Bends(gained.right[order], gained.left[order], _array(gained.at_lo), _array(gained.at_hi))
    value = cells.values(bends, width) + C
    weights = cells.even_weights(_array(some.densities) * width)
    # An empty cell's mass is 0, and nothing is divided by it.
    first, last = value[:-1], value[1:]
    found = cells.integrals(first, last, _array(some.points), width, weights)
    mine = Integrals(*(part[some.place] for part in found))
    parts = cells.derivatives(w1, w2, some.own, mine)
    return cells.mean_square(first, last, weights), [*np.concatenate(parts), found.right[0]]


def integrated(some: Line) -> tuple[Expr, list[Expr]]:
    """Return the same as integrals over the cells."""
    m = len(some.w1)
    loss, gradient = sympy.Integer(0), [sympy.Integer(0)] * (3 * m + 1)
    for i, (begin, end) in enumerate(pairwise(some.points)):
        if some.widths[i] == 0:
            continue
        # In a cell a neuron has the slope of the side of its place on which the cell lies.
        slopes = [some.own.right[j] if i >= some.place[j] else some.own.left[j] for j in range(m)]
        lines = [slopes[j] * (some.w1[j] * X + some.b1[j]) for j in range(m)]
        r = C + sum(some.w2[j] * lines[j] for j in range(m))
        features = [some.w2[j] * slopes[j] * X for j in range(m)]
        features += [some.w2[j] * slopes[j] for j in range(m)] + lines + [sympy.Integer(1)]

        def over(
            integrand: Expr, begin: Expr = begin, end: Expr = end, rho: Expr = some.densities[i]
        ) -> Expr:
            whole = sympy.Poly(integrand, X).integrate()
            return rho * (whole.eval(end) - whole.eval(begin))

        loss += over(r**2)
        gradient = [total + over(r * feature) for total, feature in zip(gradient, features, strict=True)]
    return loss, gradient


def prove(proof: Proof) -> None:
    prove_widths(proof)
    prove_products(proof)
    for case in CASES:
        compare(proof, "one neuron", line((case,), (0,) if case.where == 0 else ()))
    for pair in product(CASES, repeat=2):
        inside = tuple(j for j, case in enumerate(pair) if case.where == 0)
        orders = {inside, inside[::-1]}
        for order in sorted(orders):
            compare(proof, "two neurons", line(pair, order))
        if len(inside) == 2:
            compare(proof, "two neurons on one point", line(pair, inside, together=True))


def compare(proof: Proof, whose: str, some: Line) -> None:
    """Compare what is computed with the integrals."""
    (loss, gradient), (whole, wanted) = computed(some), integrated(some)
    # Pre-activations beyond an end are symbols of their own, so that nothing has to be solved for.
    proof.holds(f"the computed loss of {whose} is E r²", sympy.expand(loss - whole) == 0)
    same = all(sympy.expand(a - b) == 0 for a, b in zip(gradient, wanted, strict=True))
    proof.holds(f"the computed gradient of {whose} is that of the integral", same)


def prove_widths(proof: Proof) -> None:
    """Prove that a determinant of neighbours over their weights is the distance of their zeros."""
    w, u = sympy.symbols("w u", positive=True)
    b, e, split = sympy.symbols("b e splitter", real=True)
    found = sympy.expand(determinant(b, u, e, w, split))
    proof.equal("the compensated determinant is the determinant", found, b * u - e * w)
    proof.equal("over the weights it is the distance of the zeros", found, w * u * (-e / u + b / w))


def prove_products(proof: Proof) -> None:
    """Prove the weights' products: what the Gram matrix is made of."""
    mass, a, b, c, d, t = sympy.symbols("mass a b c d t", real=True)
    q = cells.even_weights(mass)
    found = a * c * q.first2 + (a * d + b * c) * q.both + b * d * q.last2
    integrand = mass * (a * (1 - t) + b * t) * (c * (1 - t) + d * t)
    proof.equal("∫ f g over a cell", found, sympy.integrate(sympy.expand(integrand), (t, 0, 1)))
    proof.equal(
        "∫ (τ − ½)², ½ the cell's mean",
        q.spread,
        mass * sympy.integrate((t - sympy.Rational(1, 2)) ** 2, (t, 0, 1)),
    )


def formulas() -> tuple[tuple[str, Expr], ...]:
    """Return what a cell adds."""
    mass, first, last, width, L = sympy.symbols("m r_a r_b d L")
    square = mass * sympy.Add(((first + last) / 2) ** 2, (last - first) ** 2 / 12, evaluate=False)
    return (
        ("A cell of mass m adds to the loss", sympy.Eq(L, square, evaluate=False)),
        ("its residual has the integral", sympy.Eq(sympy.Symbol("I_0"), mass * (first + last) / 2)),
        (
            "and against the distance from its beginning",
            sympy.Eq(sympy.Symbol("I_1"), mass * width * (first + 2 * last) / 6),
        ),
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
