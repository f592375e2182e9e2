"""Moments of the inputs and of a teacher, from their defining integrals, and the best line through it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from gradflow.proofs import integrals
from gradflow.proofs.cells import LENGTH, Cell, Expr, Kind, Piece, hi, lo, q
from gradflow.proofs.proof import Proof

MIDDLE, VARIANCE = (lo + hi) / 2, LENGTH**2 / 12
"""E x and Var x."""


class Moments(NamedTuple):
    """Moments of a teacher, and its best line: E f*, Var f*, slope and intercept."""

    mean: Expr
    variance: Expr
    slope: Expr
    intercept: Expr

    @property
    def line_loss(self) -> Expr:
        """The loss of the best line."""
        return self.variance - self.slope**2 * VARIANCE


def moments(proof: Proof, cell: Cell, given: Mapping[Expr, Expr] | None = None) -> Moments:
    """Return the moments of a cell's teacher, with what is `given` of the slopes of φ."""
    output = _output(given)
    square = proof.mean(cell, lambda piece, at: output(piece, at) ** 2)
    mean, slope = best_line(proof, cell, given)
    return Moments(mean, square - mean**2, slope, mean - slope * MIDDLE)


def best_line(proof: Proof, cell: Cell, given: Mapping[Expr, Expr] | None = None) -> tuple[Expr, Expr]:
    """Return the mean of a cell's teacher and the slope of its best line; `given` as of `moments`."""
    output = _output(given)
    mean = proof.mean(cell, output)
    return mean, proof.mean(cell, lambda piece, at: output(piece, at) * (at - MIDDLE)) / VARIANCE


def _output(given: Mapping[Expr, Expr] | None) -> Callable[[Piece, Expr], Expr]:
    """Return what the teacher returns at a point of a piece."""
    return lambda piece, at: integrals.teacher(piece, at).xreplace(dict(given or {}))


def straight(student: Kind, teacher: Kind) -> Cell:
    """Return the cell of a student without a breakpoint on the input, dead or hyperactive."""
    return Cell(student, teacher, (lo, q, hi) if teacher.sign else (lo, hi))
