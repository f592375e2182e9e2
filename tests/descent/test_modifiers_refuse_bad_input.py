"""Modifiers and kinds that are not allowed give one line that names what is."""

from __future__ import annotations

from typing import Any

import pytest

from gradflow.descent import GD, train_arrays
from gradflow.descent.modifiers import Modifiers
from gradflow.field.kinds import GATED, SOLVED_OUTPUT
from gradflow.neuron.problem import Neuron, Problem

BAD = (
    ({"modifiers": {"clip": 1.0}}, TypeError, "modifiers: expected Modifiers"),
    ({"modifiers": None}, TypeError, "modifiers: expected Modifiers"),
    ({"modifiers": Modifiers(clip=-1.0)}, ValueError, "clip: expected a finite number >= 0, got -1.0"),
    ({"modifiers": Modifiers(clip=float("nan"))}, ValueError, "clip: expected a finite number >= 0"),
    ({"modifiers": Modifiers(clip=float("inf"))}, ValueError, "clip: expected a finite number >= 0"),
    ({"modifiers": Modifiers(clip="large")}, TypeError, "clip: expected a finite number >= 0"),  # type: ignore[arg-type]
    ({"modifiers": Modifiers(coupled=(0.1,))}, ValueError, "coupled: expected one number for each of 4"),
    ({"modifiers": Modifiers(coupled=0.1)}, ValueError, "coupled: expected one number for each of 4"),  # type: ignore[arg-type]
    ({"modifiers": Modifiers(decoupled=(0.1, 0.2, -0.3, 0.0))}, ValueError, "decoupled: expected a finite"),
    (
        {"modifiers": Modifiers(decoupled=(0.1,) * 4), "kind": GATED},
        ValueError,
        "decoupled: expected one number for each of 5",
    ),
    (
        {"modifiers": Modifiers(coupled=(0.1,) * 4), "kind": SOLVED_OUTPUT},
        ValueError,
        "coupled: expected one number for each of 2",
    ),
    ({"kind": GATED, "backend": "numba"}, ValueError, "backend: numba trains plain neurons"),
    ({"modifiers": Modifiers(clip=1.0), "backend": "numba"}, ValueError, "backend: numba trains plain"),
)


@pytest.mark.parametrize(("given", "kind", "message"), BAD)
def test_bad_input_gives_one_line(given: dict[str, Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as caught:
        train_arrays(Neuron(), Problem(), GD(), 3, **given)
    text = str(caught.value)
    assert text.startswith(message)
    assert "\n" not in text
