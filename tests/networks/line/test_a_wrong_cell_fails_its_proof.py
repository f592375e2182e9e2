"""Derivation 27 fails where a formula of the cells is changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gradflow.base.scripts import load_script, script_paths
from gradflow.networks.line import cells

(PATH,) = (path for path in script_paths("derivations") if path.stem.startswith("27_"))


def one_more(result: Any, field: str) -> Any:
    """Return a record with one field 5/4 of what it was."""
    return result._replace(**{field: getattr(result, field) * 5 / 4})


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("integrals", "right_u"),
        ("integrals", "left_x"),
        ("integrals", "left"),
        ("bends", "left"),
        ("bends", "at_hi"),
        ("even_weights", "spread"),
        ("even_weights", "first2"),
        ("even_weights", "both"),
    ],
)
def test_of_a_changed_field(name: str, field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    script = load_script(PATH)
    some = script.line((script.Case(0, 1), script.Case(1, -1)), (0,))

    def agrees() -> bool:
        (loss, gradient), (whole, wanted) = script.computed(some), script.integrated(some)
        pairs = zip([loss, *gradient], [whole, *wanted], strict=True)
        return all((a - b).expand() == 0 for a, b in pairs)

    assert agrees()
    right: Callable[..., Any] = getattr(cells, name)
    monkeypatch.setattr(cells, name, lambda *arguments: one_more(right(*arguments), field))
    assert not agrees()
