"""The comparison with what was frozen sees a bit, an event and what is missing, and says where."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from tests.frozen.compare import CLOSELY, MOST_TOLD, ROUGHLY, ROUNDING, differences, told
from tests.frozen.plain import plain, printed

FROZEN = {
    "final": {"w1": 0.1, "b1": -3e5},
    "events": [[247, "balanced -> dead"]],
    "summary": "within 2e-15",
    "steps": 60,
}


def changed(**parts: Any) -> dict[str, Any]:
    return {**FROZEN, **parts}


@pytest.mark.parametrize("value", [0.1, -0.1, 1e300, 5e-324, 0.0])
@pytest.mark.parametrize("side", [-math.inf, math.inf])
def test_the_next_float_is_a_difference(value: float, side: float) -> None:
    found = differences([value], [math.nextafter(value, side)], None)
    assert len(found) == 1
    assert "[0]: frozen" in found[0]
    assert not differences([value], [value], None)


def test_the_sign_of_zero_is_a_bit() -> None:
    assert differences(0.0, -0.0, None)
    assert not differences(0.0, -0.0, CLOSELY)


def test_elsewhere_floats_may_differ_by_the_tolerance() -> None:
    for ratio, expected in ((1 + 0.5 * CLOSELY, 0), (1 + 2 * CLOSELY, 1)):
        found = changed(final={"w1": 0.1, "b1": -3e5 * ratio})
        assert len(differences(FROZEN, found, CLOSELY)) == expected
    assert not differences(1e-17, -1e-16, CLOSELY)
    assert differences(0.0, 2 * ROUNDING * CLOSELY, CLOSELY)


@pytest.mark.parametrize("tolerance", [None, CLOSELY, ROUGHLY])
@pytest.mark.parametrize(
    ("found", "where"),
    [
        (changed(events=[[248, "balanced -> dead"]]), "events[0][0]: frozen 247, now 248"),
        (changed(events=[[247, "balanced -> hyperactive"]]), "events[0][1]"),
        (changed(events=[]), "events: 1 entries were frozen, now there are 0"),
        (changed(final={"w1": 0.1}), "final.b1: it is not there any more"),
        (changed(final={"w1": "nan", "b1": -3e5}), "final.w1: frozen 0.1, now 'nan'"),
        (changed(final={"w1": 0.1, "b1": -300000}), "final.b1"),
        (changed(events=None), "events"),
    ],
)
def test_what_is_discrete_may_never_differ(found: Any, where: str, tolerance: float | None) -> None:
    (line,) = differences(FROZEN, found, tolerance)
    assert line.startswith(where)


def test_sentences_and_steps_are_compared_only_to_the_bit() -> None:
    found = changed(summary="within 3e-15", steps=59)
    assert len(differences(FROZEN, found, None)) == 2
    assert not differences(FROZEN, found, CLOSELY)


def test_what_is_added_is_no_difference() -> None:
    assert not differences(FROZEN, changed(settled=True), None)


def test_a_message_is_of_readable_length() -> None:
    lines = differences([0.0] * 100, [1.0] * 100, None)
    assert told(lines).splitlines()[-1] == f"and {100 - MOST_TOLD} more"


def test_results_are_kept_to_the_bit() -> None:
    values = np.array([0.1, 1 / 3, -0.0, 5e-324, 1e308, math.pi])
    kept = json.loads(json.dumps(plain(values)))
    assert [v.hex() for v in kept] == [float(v).hex() for v in values]
    assert plain(np.float32(0.1)) == float(np.float32(0.1))
    assert plain([math.nan, -math.inf, np.bool_(True), np.int8(3)]) == ["nan", "-inf", True, 3]
    with pytest.raises(TypeError, match="value"):
        plain(object())


def test_a_changed_letter_changes_its_paragraph() -> None:
    text = "one\n\nlonger than is kept of it,\nx = 1\n\n\n"
    before, after = printed(text), printed(text.replace("1", "2"))
    assert (len(before), before[0]) == (2, after[0])
    assert before[1] != after[1]
    assert before[1].split(" ", 1)[1] == after[1].split(" ", 1)[1] == "longer than is k"
