"""The closed forms: loss, gradient and Hessian of the population loss on a cell.

Written as functions of (w1, b1, w2, b2), the teacher, the interval and the slopes (s₋, s₊), in the
well-conditioned form: on each piece of the input the integrand is a product of two linear functions, and
its integral follows from their values at the ends of the piece. `derivations/01_…` to `03_…` prove them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sympy

from gradflow.proofs.cells import (
    LENGTH,
    PARAMETERS,
    Cell,
    Expr,
    Piece,
    b1,
    b2,
    bt1,
    bt2,
    s_minus,
    s_plus,
    w1,
    w2,
    wt1,
    wt2,
)

OnPiece = Callable[[Piece, Expr], Expr]


def preactivation(at: Expr) -> Expr:
    """Return the student's pre-activation w1 x + b1."""
    return w1 * at + b1


def teacher_preactivation(at: Expr) -> Expr:
    """Return the teacher's pre-activation."""
    return wt1 * at + bt1


def student(piece: Piece, at: Expr) -> Expr:
    """Return f on a piece, where φ(z) = s z with the piece's slope s."""
    return w2 * piece.student * preactivation(at) + b2


def teacher(piece: Piece, at: Expr) -> Expr:
    """Return f* on a piece."""
    return wt2 * piece.teacher * teacher_preactivation(at) + bt2


def residual(piece: Piece, at: Expr) -> Expr:
    """Return f − f* on a piece."""
    return student(piece, at) - teacher(piece, at)


def output_gradient(piece: Piece, at: Expr) -> tuple[Expr, Expr, Expr, Expr]:
    """Return ∂f/∂(w1, b1, w2, b2) on a piece."""
    slope = piece.student
    return w2 * slope * at, w2 * slope, slope * preactivation(at), sympy.Integer(1)


def mean_product(cell: Cell, f: OnPiece, g: OnPiece) -> Expr:
    """Return E[f g] for functions that are linear on every piece of the cell (Simpson's rule)."""
    total = sympy.Integer(0)
    for piece in cell.pieces:
        f0, f1, g0, g1 = (h(piece, end) for h in (f, g) for end in (piece.left, piece.right))
        width = piece.right - piece.left
        total += width * (2 * (f0 * g0 + f1 * g1) + f0 * g1 + f1 * g0) / 6
    return total / LENGTH


def loss(cell: Cell) -> Expr:
    """Return L = E[r²]; on a piece of width h with end residuals r₀, r₁ it is h (r₀² + r₀ r₁ + r₁²)/3."""
    return mean_product(cell, residual, residual)


def gradient(cell: Cell) -> list[Expr]:
    """Return ∂L/∂(w1, b1, w2, b2) = 2 E[r ∂f]."""
    return [2 * mean_product(cell, residual, component(i)) for i in range(4)]


def hessian(cell: Cell) -> Expr:
    """Return the 4 × 4 Hessian: Gram term, curvature term and point mass."""
    return gram(cell) + curvature(cell) + point_mass(cell)


def gram(cell: Cell) -> Expr:
    """Return 2 E[∂f ∂fᵀ]."""
    return _symmetric(lambda i, j: 2 * mean_product(cell, component(i), component(j)))


def curvature(cell: Cell) -> Expr:
    """Return 2 E[r ∂²f] without the breakpoint: ∂²f/∂w1∂w2 = s x and ∂²f/∂b1∂w2 = s on a piece of slope s."""
    entries = {(i, 2): 2 * mean_product(cell, residual, bent(i)) for i in (0, 1)}
    return _symmetric(lambda i, j: entries.get((i, j), sympy.Integer(0)))


def point_mass(cell: Cell) -> Expr:
    """Return what the breakpoint adds, 2 E[r w2 φ″(z) (x, 1)ᵀ(x, 1)]; 0 unless the student is balanced."""
    if not cell.student.sign:
        return sympy.zeros(4, 4)
    at = -b1 / w1
    piece = next(piece for piece in cell.pieces if piece.right == at)
    return point_mass_matrix(at, residual(piece, at), cell.student.sign)


def point_mass_matrix(at: Expr, residual_there: Expr, sign: int) -> Expr:
    """Return 2 (s₊ − s₋) w2 r(e) / (|w1| (hi − lo)) · (e², e; e, 1) on the (w1, b1) block, e the point `at`.

    `sign` is that of w1.
    """
    scale = 2 * (s_plus - s_minus) * w2 * residual_there / (sign * w1 * LENGTH)
    return _symmetric(lambda i, j: scale * at ** (2 - i - j) if j < 2 else sympy.Integer(0))


def component(i: int) -> OnPiece:
    """Return the function ∂f/∂θᵢ of a piece and a point of it."""
    return lambda piece, at: output_gradient(piece, at)[i]


def bent(i: int) -> OnPiece:
    """Return ∂²f/∂θᵢ∂w2 for i = 0 (w1) or 1 (b1), the second derivatives of f on a piece that are not 0."""
    return lambda piece, at: piece.student * (at if i == 0 else 1)


def times(f: OnPiece, g: OnPiece) -> OnPiece:
    """Return the product of two functions of a piece and a point of it."""
    return lambda piece, at: f(piece, at) * g(piece, at)


def derivative(expression: Expr) -> list[Expr]:
    """Return the derivative with respect to (w1, b1, w2, b2)."""
    return [sympy.diff(expression, parameter) for parameter in PARAMETERS]


def jacobian(vector: Sequence[Expr]) -> Expr:
    """Return the matrix of the derivatives of a vector's components, one row each."""
    return sympy.Matrix([derivative(entry) for entry in vector])


def _symmetric(entry: Callable[[int, int], Expr]) -> Expr:
    return sympy.Matrix(4, 4, lambda i, j: entry(min(i, j), max(i, j)))
