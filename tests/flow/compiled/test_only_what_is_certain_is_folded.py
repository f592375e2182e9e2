"""Constant folding keeps every value, and what C cannot say is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.compiled.to_c import Translator
from gradflow.compiled.traced import Traced, record, slot
from gradflow.flow.compiled.record import folded, velocity

X, Y = slot(0, np.float64), slot(1, np.float64)
TRUE, FALSE = True, False


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (X * 0.0, 0.0),
        (0.0 * X + Y, Y),
        (X * 1.0, X),
        (X / 1.0, X),
        (0.0 / X, 0.0),
        (X - 0.0, X),
        (record("neg", record("neg", X)), X),
        (record("select", record("lt", 1.0, 2.0), X, Y), X),
        (record("and", X < Y, FALSE), False),
        (record("or", X < Y, TRUE), True),
        (record("select", X < Y, X, X), X),
        (record("sqrt", record("mul", 2.0, 2.0)), 2.0),
    ],
)
def test_constants_disappear(value: Any, expected: Any) -> None:
    (result,) = folded([value])
    assert result is expected or (not isinstance(expected, Traced) and result == expected)


@pytest.mark.parametrize(
    ("value", "op", "args"),
    [
        (X * -1.0, "neg", (X,)),
        (0.0 - X, "neg", (X,)),
        (X + -Y, "sub", (X, Y)),
        (X - -Y, "add", (X, Y)),
        (X / 4.0, "mul", (X, 0.25)),
    ],
)
def test_what_is_rewritten_has_the_same_bits(value: Any, op: str, args: tuple[Any, ...]) -> None:
    (result,) = folded([value])
    assert (result.op, result.args) == (op, args)


@pytest.mark.parametrize("value", [X / 3.0, X + 1.0, X * 2.0, X - Y, X < 0.0])
def test_what_would_round_otherwise_stays(value: Any) -> None:
    (result,) = folded([value])
    assert (result.op, result.args) == (value.op, value.args)


def test_a_cell_without_kinks_needs_no_division_but_by_three() -> None:
    divisors = [s.args[1] for s in velocity((0.0, 1.0), (True, True, True)).statements if s.op == "div"]
    assert set(divisors) <= {3.0}


@pytest.mark.parametrize(
    "text",
    [
        "def f(n):\n    return n % 2\n",
        "def f(n):\n    return [n]\n",
        "def f(n):\n    return 1 < n < 3\n",
        "def f(n):\n    return unknown(n)\n",
        "def f(n):\n    with n:\n        pass\n",
        "def f(n):\n    n, k = 1, 2\n",
    ],
)
def test_what_has_no_c_is_refused(text: str) -> None:
    with pytest.raises(TypeError, match=r"^no C for: "):
        Translator({}, "static").function(text)
