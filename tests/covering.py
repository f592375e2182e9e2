"""Rows of choices in which every choice of one feature meets every choice of another: a covering array.

The array is found greedily [1]_: each row begins with a pair that has not met yet, and every other feature
takes the choice that meets the most choices of the row for the first time.

References
----------
.. [1] D. M. Cohen, S. R. Dalal, M. L. Fredman, G. C. Patton, "The AETG system: an approach to testing based
   on combinatorial design", IEEE Transactions on Software Engineering 23 (1997) 437-444.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from itertools import combinations

Row = dict[str, str]
Pair = tuple[str, str, str, str]
"""A feature and its choice, and another feature and its own."""


def covering(
    features: Mapping[str, Collection[str]], together: Callable[[str, str, str, str], bool] | None = None
) -> list[Row]:
    """Return rows in which all pairs of choices meet.

    Parameters
    ----------
    features : mapping of str to names of choices
    together : callable, optional
        ``together(feature, choice, other, its)``: whether two choices may meet, the features in their order.
        Beside any choices that may, each feature needs one that may meet them all.
    """
    order = list(features)
    allowed = together or (lambda *pair: True)

    def pair(one: tuple[str, str], two: tuple[str, str]) -> Pair:
        first, second = sorted((one, two), key=lambda choice: order.index(choice[0]))
        return (*first, *second)

    left = {
        (a, x, b, y): None
        for a, b in combinations(order, 2)
        for x in features[a]
        for y in features[b]
        if allowed(a, x, b, y)
    }
    rows: list[Row] = []
    while left:
        a, x, b, y = next(iter(left))
        row = {a: x, b: y}
        for feature in order:
            if feature not in row:
                fitting = [
                    choice
                    for choice in features[feature]
                    if all(allowed(*pair((feature, choice), other)) for other in row.items())
                ]
                row[feature] = max(
                    fitting, key=lambda c: _met(left, [pair((feature, c), o) for o in row.items()])
                )
        for met in combinations(row.items(), 2):
            left.pop(pair(*met), None)
        rows.append({feature: row[feature] for feature in order})
    return rows


def _met(left: Mapping[Pair, None], pairs: Collection[Pair]) -> int:
    return sum(pair in left for pair in pairs)


def named(row: Row) -> str:
    """Return what a test of this row is called."""
    return "-".join(row.values()).replace(" ", "_")
