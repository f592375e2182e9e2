"""Thresholds: where along a line of starts the outcome changes.

A rule that decides outcomes is any function from an array of values to outcome codes; `flow_outcomes`
and `descent_outcomes` (`gradflow.ends.follow`) make one for the flow and for an optimiser. To decide by
other means (a theorem, an ensemble), pass another.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from gradflow.base.checks import function, integer, number, numbers, shown
from gradflow.ends.outcome import OUTCOMES, UNDECIDED

Decide = Callable[[np.ndarray], np.ndarray]

MOST = 10_000_000
"""Values that are decided at once, at most."""

SCAN = 65
"""Values of an interval that are looked at first, its ends among them."""

_WIDE = 2.0**64
"""Cells wider than this times the tolerance are cut by orders of magnitude: there are no more floats."""


class Threshold(NamedTuple):
    """An outcome changes within `uncertainty` of `value`, from `below` to `above`.

    `changes` is how many changes of outcome the scan of the whole interval saw; this is one of them.
    """

    value: float
    uncertainty: float
    below: str
    above: str
    changes: int


class _Cells(NamedTuple):
    """Values and their codes, between two decided outcomes that differ; all between are undecided."""

    values: np.ndarray
    codes: np.ndarray


def bracket(
    decide: Decide,
    between: tuple[float, float],
    *,
    tol: float = 1e-10,
    sections: int | Callable[[], int] = 1,
    scan: int = SCAN,
    change: int = 1,
) -> Threshold:
    """Locate a change of outcome between two values.

    The interval is scanned first, so that several changes are seen as such. "Undecided" is no outcome: of a
    change with undecided values in between, the bracket holds all of them, and `uncertainty` says so.

    Parameters
    ----------
    decide : callable
        Outcome codes for an array of values, shape (n,).
    between : (float, float)
        The interval, in either order.
    tol : float
        Largest uncertainty (half the width of the final bracket); limited by the spacing of floats, and by
        the values that stay undecided.
    sections : int or callable
        How many values to decide at once after the scan: 1 bisects, more suit a rule that is fast on batches.
        A function without arguments is asked before each round.
    scan : int
        How many equally spaced values to scan, the ends among them; at least `sections` + 2 are.
    change : int
        Which of the changes that the scan sees is located: 1 is nearest the lower end, −1 the upper.

    Returns
    -------
    Threshold
        Where the scan's step holds several changes, the one nearest that end which the search comes upon.

    Raises
    ------
    ValueError
        If an argument is not as described, the scan sees no change of outcome, or not so many; or if
        `decide` does not return a code for every value.
    """
    function("decide", decide, "an array of values")
    ends = numbers("between", between)
    if ends.shape != (2,) or not (np.all(np.isfinite(ends)) and ends[0] != ends[1]):
        raise ValueError(f"between: expected two different finite numbers, got {shown(between)}")
    lo, hi = sorted(float(v) for v in ends)
    if not number("tol", tol) > 0:
        raise ValueError(f"tol: must be positive, got {tol}")
    scan = integer("scan", scan, 2, MOST)

    def parts() -> int:
        try:
            found = sections() if callable(sections) else sections
        except TypeError as error:
            raise TypeError(f"sections: expected a number or a function of nothing: {error}") from error
        return integer("sections", found, 1, MOST)

    change = integer("change", change, -MOST, MOST)
    if change == 0:
        raise ValueError("change: expected 1, 2, … from the lower end or -1, -2, … from the upper, got 0")
    seen = _spread(lo, hi, max(scan, parts() + 2))
    scanned = values_told(seen.size, scan)
    changes = _changes(seen, _decided(decide, seen), scanned)
    if not -len(changes) <= change <= len(changes):
        raise ValueError(f"change: the scan of {scanned} sees {len(changes)} of them, got {change}")
    last = change < 0
    cells = changes[change if last else change - 1]
    while (inner := _inner(cells.values, tol, parts())).size:
        values = np.concatenate((cells.values, inner))
        codes = np.concatenate((cells.codes, _decided(decide, inner)))
        order = np.argsort(values)
        cells = _changes(values[order], codes[order])[-1 if last else 0]
    lo, hi = cells.values[[0, -1]]
    below, above = (OUTCOMES[code] for code in cells.codes[[0, -1]])
    value = float(0.5 * lo + 0.5 * hi)
    # Where no number lies between the ends the middle is one of them.
    return Threshold(value, max(float(hi) - value, value - float(lo)), below, above, len(changes))


def _spread(lo: float, hi: float, n: int) -> np.ndarray:
    """Return n equally spaced values, also where their range is too large for a float."""
    halved = not np.isfinite(hi - lo)
    return 2.0 * np.linspace(0.5 * lo, 0.5 * hi, n) if halved else np.linspace(lo, hi, n)


def _decided(decide: Decide, values: np.ndarray) -> np.ndarray:
    """Return the codes of values, checked."""
    codes = np.asarray(decide(values))
    if codes.shape != values.shape:
        raise ValueError(
            f"decide: expected an outcome code for each of {values.size} values, got shape {codes.shape}"
        )
    if codes.dtype.kind not in "iu" or np.any((codes < 0) | (codes >= len(OUTCOMES))):
        raise ValueError(
            f"decide: expected outcome codes, integers from 0 to {len(OUTCOMES) - 1}, got {codes.dtype} "
            f"from {codes.min()} to {codes.max()}"
        )
    return codes


def values_told(n: int, asked: int) -> str:
    """Return how many values a scan has, and how many were asked for, if those are fewer."""
    return f"{n} values" + (f" (asked for {asked}; so many cost no more)" if asked < n else "")


TOO_SHORT = "the runs are too short, or rest where the loss has no critical point, as under weight decay"
"""Why an outcome may stay unknown."""


def _changes(values: np.ndarray, codes: np.ndarray, scanned: str = "") -> list[_Cells]:
    """Return all changes between decided outcomes.

    Raises
    ------
    ValueError
        If there is none.
    """
    known = np.flatnonzero(codes != UNDECIDED)
    found = [_Cells(values[i : j + 1], codes[i : j + 1]) for i, j in pairwise(known) if codes[i] != codes[j]]
    if found:
        return found
    where = f"of {scanned} from {values[0]:g} to {values[-1]:g}"
    if known.size == 0:
        raise ValueError(f"between: all {where} are undecided: {TOO_SHORT}")
    same = OUTCOMES[codes[known[0]]]
    if known.size == codes.size:
        raise ValueError(f"between: the outcome is {same} at all {where}; choose ends that differ")
    raise ValueError(
        f"between: the outcome is {same} at {known.size} {where} and undecided at the others: {TOO_SHORT}"
    )


def _inner(values: np.ndarray, tol: float, sections: int) -> np.ndarray:
    """Return what is to be decided next: values in the cells beside a decided outcome, where too wide."""
    found = []
    for lo, hi in {(values[0], values[1]), (values[-2], values[-1])}:
        inner = _cut(lo, hi, sections, tol)
        inner = inner[(inner > lo) & (inner < hi)]
        if 0.5 * hi - 0.5 * lo > tol:
            found.append(np.unique(inner))
    return np.concatenate(found) if found else np.array([])


def _cut(lo: float, hi: float, sections: int, tol: float) -> np.ndarray:
    """Return values that cut a cell: equally spaced ones, but for a cell of many orders of magnitude.

    Those are equally spaced in sign(x) log(1 + |x|/tol), while the ends differ by more than a factor of 2.
    """
    least = 0.0 if lo <= 0.0 <= hi else min(abs(lo), abs(hi))
    if 0.5 * hi - 0.5 * lo <= _WIDE * tol or max(abs(lo), abs(hi)) <= 2.0 * least:
        return _spread(lo, hi, sections + 2)[1:-1]
    ends = np.array([lo, hi])
    unit = math.log(tol)
    places = np.copysign(np.log(np.abs(ends) + tol) - unit, ends)
    inner = np.linspace(places[0], places[1], sections + 2)[1:-1]
    with np.errstate(over="ignore"):
        sizes = np.exp(np.abs(inner) + unit) - tol
    return np.asarray(np.copysign(np.minimum(sizes, np.max(np.abs(ends))), inner))
