from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from gradflow.base.scripts import load_script
from gradflow.proofs import catalogue, cells

KEPT = {"cells": (2, 10, 15), "default_cells": (0,), "end_walls": (4,), "crossing_walls": (0,)}

Loader = Callable[[str], ModuleType]


@pytest.fixture
def load() -> Loader:
    return lambda name: load_script(catalogue.find(name).path)


@pytest.fixture
def few_cells(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModuleType], ModuleType]:
    """Restrict a derivation to some cells and walls, so that a wrong formula is found out quickly."""

    def restrict(module: ModuleType) -> ModuleType:
        for name, kept in KEPT.items():
            every: list[Any] = getattr(cells, name)()
            if hasattr(module, name):
                monkeypatch.setattr(module, name, lambda every=every, kept=kept: [every[i] for i in kept])
        if hasattr(module, "KINDS"):
            monkeypatch.setattr(module, "KINDS", (cells.RISING,))
        for name in ("origins", "edge_teachers"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, lambda: [])
        return module

    return restrict
