"""A progress bar is silent in a pipe, and a bar in the output of the cell in a notebook."""

from __future__ import annotations

import re
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import gradflow as gf


def test_nothing_is_printed_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    with gf.progress_bar("training", 10) as done:
        done(5)
    assert capsys.readouterr() == ("", "")


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Pretend to be a kernel; return what its cell shows, one after the other."""
    cell: list[str] = []

    def display(html: str, display_id: bool) -> Any:
        assert display_id
        cell.append(html)
        return SimpleNamespace(update=cell.append)

    modules: dict[str, Any] = {
        "IPython": ModuleType("IPython"),
        "IPython.display": ModuleType("IPython.display"),
    }
    modules["IPython"].get_ipython = lambda: SimpleNamespace(kernel=object())
    modules["IPython.display"].HTML = str
    modules["IPython.display"].display = display
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    return cell


def test_a_bar_moves_in_a_notebook_and_goes(shown: list[str]) -> None:
    with gf.progress_bar("a < b", 200) as done:
        run = gf.train(steps=200, progress=done)
    assert run.sizes["step"] == 201
    assert all("a &lt; b" in html for html in shown[:-1])
    shares = [float(found[1]) for html in shown[:-1] if (found := re.search(r"value='([\d.]+)'", html))]
    assert shares[0] == 0.0
    assert shares[-1] == 1.0
    assert shares == sorted(shares)
    assert len(shares) > 10
    assert shown[-1] == ""


@pytest.mark.parametrize(
    ("label", "total", "words"),
    [
        ("x", -1, "total: expected a finite number >= 0, got -1.0"),
        ("x", float("nan"), "total: expected a finite number >= 0, got nan"),
        ("x", "many", "total: expected a finite number >= 0, got 'many'"),
        (3, 1, "label: expected text, got 3"),
    ],
)
def test_what_is_no_amount_of_work_is_refused_where_it_is_asked_for(
    label: Any, total: Any, words: str
) -> None:
    with pytest.raises((ValueError, TypeError), match=f"^{words}$"):
        gf.progress_bar(label, total)


def test_a_bar_goes_when_the_run_fails(shown: list[str]) -> None:
    with pytest.raises(ZeroDivisionError), gf.progress_bar("training", 0.0):
        raise ZeroDivisionError
    assert shown[-1] == ""
