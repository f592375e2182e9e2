"""Whatever a function of figures is given in the place of its arguments, one line names the argument."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from gradflow.study import figures

ODD: tuple[Any, ...] = ({}, None, "x", [], 1.5, [None], float("nan"), (1, 2, 3), {"a": 1}, object())
FUNCTIONS = [
    name for name in figures.__all__ if inspect.isfunction(getattr(figures, name)) and name != "style"
]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("value", ODD, ids=lambda value: type(value).__name__)
def test_odd_arguments_are_named(name: str, value: Any) -> None:
    function = getattr(figures, name)
    parameters = inspect.signature(function).parameters.values()
    needed = [p.name for p in parameters if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    try:
        function(**dict.fromkeys(needed, value))
    except (TypeError, ValueError) as error:
        line = str(error)
        assert "\n" not in line
        assert line.startswith(tuple(f"{p.name}: " for p in parameters)), line
