"""A covering array holds every pair of choices that may meet, none that may not, and is short."""

from __future__ import annotations

from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.covering import covering, named


def pairs(row: dict[str, str]) -> set[tuple[tuple[str, str], ...]]:
    return set(combinations(row.items(), 2))


@settings(max_examples=25)
@given(sizes=st.lists(st.integers(1, 5), min_size=2, max_size=6))
def test_all_pairs_meet_in_few_rows(sizes: list[int]) -> None:
    features = {f"f{i}": [f"c{k}" for k in range(size)] for i, size in enumerate(sizes)}
    rows = covering(features)
    met = set().union(*map(pairs, rows))
    for a, b in combinations(features, 2):
        assert met >= set(product([(a, x) for x in features[a]], [(b, y) for y in features[b]]))
    first, second = sorted(sizes)[-2:]
    assert first * second <= len(rows) <= 2 * first * second + 3
    assert all(list(row) == list(features) for row in rows)


def test_what_may_not_meet_does_not_and_all_else_does() -> None:
    features = {"a": ["0", "1", "2"], "b": ["0", "1", "2"], "c": ["0", "1"]}

    def together(a: str, x: str, b: str, y: str) -> bool:
        assert (a, b) in (("a", "b"), ("a", "c"), ("b", "c"))
        return not (x == "2" and y == "1")

    met = set().union(*map(pairs, covering(features, together)))
    for a, b in combinations(features, 2):
        for x, y in product(features[a], features[b]):
            assert (((a, x), (b, y)) in met) == together(a, x, b, y)


def test_a_choice_that_fits_no_other_is_an_error() -> None:
    with pytest.raises(ValueError, match="empty"):
        covering({"a": ["0"], "b": ["0"], "c": ["0"]}, lambda a, x, b, y: (a, b) != ("a", "c"))


def test_rows_have_names() -> None:
    assert named({"a": "one choice", "b": "another"}) == "one_choice-another"
