"""Every script in derivations/ proves what it states, part by part, and prints it as text and as LaTeX.

Each is carried out once: whatever takes its result is looked at in the same test.
"""

from __future__ import annotations

import runpy
import subprocess
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import pytest

from gradflow.base.scripts import Script
from gradflow.proofs.catalogue import catalogue, stated_parts, stated_status
from gradflow.proofs.latex import document
from gradflow.proofs.parts import unsupported
from gradflow.proofs.proof import Check
from gradflow.proofs.render import main, show
from gradflow.proofs.result import PARTS, Result, derive
from gradflow.proofs.stated import WIDTH
from tests.frozen.same import assert_as_frozen
from tests.frozen.studies import derivations

SCRIPTS = catalogue()
NOT_PROVED: dict[str, str] = {}
"""The names of those that are not, with their status."""

LONG = {
    "gradient",
    "balancedness",
    "other_parametrisations",
    "hessian",
    "continuity",
    "numeric_field",
    "critical_points",
    "the_door",
    "steps_against_flow",
    "waiting_and_spikes",
    "networks_on_the_line",
    "cubic_decay",
}
"""The names of those that take seconds."""

SECTIONS = ("Statement", "Hypotheses", "Formulas", "Proof", "Checked by machine", "Not claimed")


def test_the_derivations_are_numbered_without_a_gap() -> None:
    assert [script.number for script in SCRIPTS] == list(range(1, len(SCRIPTS) + 1))
    assert {"population_loss", "gradient", "hessian", "continuity", "balancedness"} <= {
        s.slug for s in SCRIPTS
    }


@pytest.mark.parametrize(
    "script",
    [pytest.param(s, marks=pytest.mark.slow if s.slug in LONG else (), id=s.slug) for s in SCRIPTS],
)
def test_a_derivation_proves_and_prints_its_result(
    script: Script,
    load: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    module = load(script.slug)
    result = derive(vars(module))
    assert (result.number, result.slug, result.title) == script[:3]
    assert result.holds
    assert result.status == stated_status(script.path) == NOT_PROVED.get(script.slug, "proved")
    assert all((result.statement, result.hypotheses, result.proof, result.not_claimed, result.formulas))
    assert show(result) == 0
    printed = capsys.readouterr()
    text, _, latex = printed.out.partition("\nLaTeX\n")
    assert not printed.err
    assert all(f"{section}\n{'-' * len(section)}" in text for section in SECTIONS)
    assert max(map(len, text.splitlines())) <= max(WIDTH, len(script.title) + 4)
    assert latex.isascii()
    assert latex.count(r"\begin{align*}") == latex.count(r"\end{align*}") == len(result.formulas)
    assert latex.count("{") - latex.count(r"\{") == latex.count("}") - latex.count(r"\}")
    assert result.parts == stated_parts(script.path)
    assert unsupported(result.parts, result.checks) == []
    monkeypatch.setattr("gradflow.proofs.catalogue.load", {str(script.number): result}.__getitem__)
    for run in derivations():
        if run.name == f"derive {script.number}":
            assert_as_frozen(run)


def test_latex_alone_on_request(
    load: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = vars(load("reference_losses"))
    result = derive(script)
    monkeypatch.setattr("gradflow.proofs.render.derive", lambda given: {id(script): result}[id(given)])
    assert main(script, ["--latex"]) == 0
    assert capsys.readouterr().out == document(result) + "\n"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.slug)
def test_a_script_prints_its_own_derivation_and_exits_with_what_that_returns(
    script: Script, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given: list[tuple[str, str]] = []

    def printing(names: Mapping[str, Any]) -> int:
        assert set(PARTS) <= set(names)
        given.extend((names["__file__"], names[name].__code__.co_filename) for name in ("prove", "formulas"))
        return 7

    monkeypatch.setattr("gradflow.proofs.render.main", printing)
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(script.path), run_name="__main__")
    assert ended.value.code == 7
    assert given == [(str(script.path), str(script.path))] * 2
    assert capsys.readouterr() == ("", "")


def test_a_script_runs_in_a_process_of_its_own() -> None:
    script = SCRIPTS[0]
    run = subprocess.run([sys.executable, str(script.path)], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert f"Status: {stated_status(script.path)}" in run.stdout
    assert r"\begin{theorem}" in run.stdout


def example(*checks: Check) -> Result:
    return Result(9, "example", "An example", "proved", "Stated.", (), "Proved.", (), (), checks)


@pytest.mark.parametrize(
    ("checks", "verdict"),
    [
        ((), "NOT PROVED: nothing was checked"),
        ((Check("a", "", True), Check("a", "here", False)), "NOT PROVED: 1 of 2 checks fail"),
    ],
)
def test_a_proof_without_checks_or_with_a_failing_one_fails(
    checks: tuple[Check, ...], verdict: str, capsys: pytest.CaptureFixture[str]
) -> None:
    result = example(*checks)
    assert not result.holds
    assert show(result) == 1
    printed = capsys.readouterr()
    assert printed.err == f"example: {verdict}\n"
    assert f"Status: {verdict}" in printed.out
    assert ("a: FAILS (here)" in printed.out) == bool(checks)


@pytest.mark.parametrize("part", PARTS)
def test_a_script_without_one_of_its_parts_is_one_line_that_names_it(part: str) -> None:
    names: dict[str, Any] = {name: "" for name in PARTS if name != part}
    with pytest.raises(
        ValueError, match=rf"01_population_loss\.py: expected STATUS, .*; there is no {part}$"
    ):
        derive({**names, "__file__": str(SCRIPTS[0].path)})


def test_a_result_has_one_of_three_statuses() -> None:
    with pytest.raises(ValueError, match=r"^status: expected proved, .* or .*, got 'obvious'$"):
        Result(1, "a", "A", "obvious", "", (), "", (), (), ())
