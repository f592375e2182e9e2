"""Compiling takes the passes that scalar code needs, optimises once, and does not look for garbage."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llvmlite.binding import ValueRef
from numba.core import event
from numba.core.codegen import CPUCodegen

from gradflow.compiled import compilers, jit, on_numba

TYPES = ("float64[::1]", "float64")


def twice(x: float) -> float:
    """Return twice a number."""
    return x + x


def add_twice(out: Any, x: float) -> None:
    """Add twice a number to each of an array."""
    for i in range(out.shape[0]):
        out[i] = out[i] + twice(x)


def add_four_times(out: Any, x: float) -> None:
    """Add four times a number to each of an array."""
    for i in range(out.shape[0]):
        out[i] = out[i] + twice(twice(x))


def add_by_functions(out: Any, x: float) -> None:
    """Add a number to each of an array and halve it, by functions within the function."""

    def added(y: float) -> float:
        return y + x

    halved: Callable[[float], float] = lambda y: 0.5 * y  # noqa: E731
    for i in range(out.shape[0]):
        out[i] = halved(added(out[i]))


def add_to_all_twice(out: Any, x: float) -> None:
    """Add eight times a number to each of an array, by a function that has a loop."""
    add_four_times(out, x)
    add_four_times(out, x)


def wrong(out: Any, x: float) -> None:
    """Do what Numba cannot compile."""
    out[0] = x + None  # type: ignore[operator]


class Noted(event.Listener):  # type: ignore[misc]
    """Counts the passes, and sees whether Python collects garbage meanwhile."""

    def __init__(self) -> None:
        self.passes: Counter[str] = Counter()
        self.collects = False

    def on_start(self, event: Any) -> None:
        """Note a pass."""
        self.passes[event.data["name"].split(" [")[0]] += 1
        self.collects |= gc.isenabled()

    def on_end(self, event: Any) -> None:
        """Do nothing."""


def compiled(function: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Noted:
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    noted = Noted()
    with event.install_listener("numba:run_pass", noted):
        jit.compiled(function, TYPES)
    return noted


def test_only_these_passes_run_once_for_each_function(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = compiled(add_twice, tmp_path, monkeypatch)
    assert noted.passes == Counter({each.name(): 2 for each in compilers.PASSES})
    assert not noted.collects
    assert gc.isenabled()


def test_functions_within_functions_are_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noted = compiled(add_by_functions, tmp_path, monkeypatch)
    assert noted.passes == Counter(each.name() for each in (*compilers.PASSES, compilers.CLOSURES))
    out = np.array([1.0, 2.0])
    jit.compiled(add_by_functions, TYPES)(out, 0.5)
    assert out.tolist() == [0.75, 1.25]


def test_the_whole_is_optimised_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    managers = []
    right = CPUCodegen._module_pass_manager

    def counting(codegen: Any, **settings: Any) -> Any:
        managers.append(settings)
        return right(codegen, **settings)

    monkeypatch.setattr(CPUCodegen, "_module_pass_manager", counting)
    compiled(add_four_times, tmp_path, monkeypatch)
    assert managers == [{}]


def test_what_stays_apart_is_so_in_the_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The binding of llvmlite 0.43 gives the attribute to the value returned, and LLVM aborts."""
    monkeypatch.setattr(ValueRef, "add_function_attribute", None)
    compiled(add_to_all_twice, tmp_path, monkeypatch)
    assert "add_four_times" in jit.assembly(add_to_all_twice, TYPES)


@pytest.mark.parametrize("collects", [True, False])
def test_after_an_error_garbage_is_collected_as_before(
    collects: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = gc.isenabled()
    try:
        (gc.enable if collects else gc.disable)()
        with pytest.raises(on_numba.NumbaError):
            compiled(wrong, tmp_path, monkeypatch)
        assert gc.isenabled() == collects
    finally:
        (gc.enable if before else gc.disable)()
