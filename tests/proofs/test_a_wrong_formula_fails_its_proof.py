"""A derivation whose formula is changed exits with 1 and says which check fails."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import sympy

from gradflow.field import formulas
from gradflow.proofs import exact, integrals
from gradflow.proofs.catalogue import find
from gradflow.proofs.cells import LENGTH, Cell, Expr, Kind, b1, b2, cells, w1, w2
from gradflow.proofs.render import main

Load = Callable[[str], ModuleType]
Restrict = Callable[[ModuleType], ModuleType]

LOSS, GRADIENT, MEAN = integrals.loss, integrals.gradient, integrals.mean_product
POINT_MASS, CURVATURE, RESIDUAL = integrals.point_mass, integrals.curvature, integrals.residual


def trapezoid(cell: Cell, f: Any, g: Any) -> Expr:
    total = sympy.Integer(0)
    for piece in cell.pieces:
        ends = sum((f(piece, end) * g(piece, end) for end in (piece.left, piece.right)), sympy.Integer(0))
        total += (piece.right - piece.left) * ends / 2
    return total / LENGTH


def without_balanced_curvature(cell: Cell) -> Expr:
    return sympy.zeros(4, 4) if cell.student.sign else CURVATURE(cell)


def gradient_with(i: int, change: Callable[[Cell, Expr], Expr]) -> Callable[[Cell], list[Expr]]:
    def wrong(cell: Cell) -> list[Expr]:
        gradient = GRADIENT(cell)
        gradient[i] = change(cell, gradient[i])
        return gradient

    return wrong


WRONG_FORMULAS: list[Any] = [
    ("population_loss", "loss", lambda cell: LOSS(cell) / 2, "the closed form equals"),
    ("population_loss", "mean_product", trapezoid, "the closed form equals"),
    ("population_loss", "loss", lambda cell: LOSS(cell) + b1**9 / 10**9, "the closed form equals"),
    ("gradient", "gradient", gradient_with(3, lambda _, g: g / 2), "∂L/∂b2 in closed form is"),
    ("gradient", "gradient", gradient_with(0, lambda _, g: -g), "∂L/∂w1 in closed form equals"),
    ("gradient", "output_gradient", lambda piece, at: (w2 * at, w2, w1 * at + b1, 1), "∂f is as stated"),
    ("hessian", "point_mass", lambda cell: -POINT_MASS(cell), "G + C + M is"),
    ("hessian", "point_mass", lambda cell: sympy.zeros(4, 4), "G + C + M is"),
    ("hessian", "curvature", without_balanced_curvature, "C in closed form"),
    ("hessian", "gram", lambda cell: sympy.zeros(4, 4), "G in closed form"),
    ("continuity", "point_mass", lambda cell: sympy.zeros(4, 4), "the Hessian's jump at an end"),
    ("continuity", "loss", lambda cell: LOSS(cell) + cell.student.side, "L is continuous"),
    ("continuity", "gradient", gradient_with(1, lambda cell, g: g + cell.student.side), "the gradient is"),
    ("balancedness", "gradient", gradient_with(2, lambda _, g: 2 * g), "dQ/dt = 0"),
    ("balancedness", "loss", lambda cell: 2 * LOSS(cell), "dL/dt"),
    ("numeric_field", "loss", lambda cell: LOSS(cell) + b2, "the computed loss"),
    ("reference_losses", "loss", lambda cell: LOSS(cell) + b2, "L = L_line"),
    ("hyperactive_trap", "loss", lambda cell: LOSS(cell) + b2, "population: L = L_line"),
    ("hyperactive_trap", "gradient", gradient_with(0, lambda _, g: g / 2), "population: ∇L = ∇e"),
]


@pytest.mark.some(10)
@pytest.mark.parametrize(("name", "function", "wrong", "claim"), WRONG_FORMULAS)
def test_a_wrong_closed_form_is_found_out(
    name: str,
    function: str,
    wrong: Any,
    claim: str,
    load: Load,
    few_cells: Restrict,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    module = few_cells(load(name))
    monkeypatch.setattr(integrals, function, wrong)
    assert main(vars(module), []) == 1
    printed = capsys.readouterr()
    assert "NOT PROVED" in printed.err
    lines = " ".join(printed.out.partition("\nLaTeX\n")[0].split()).split("* ")
    assert any(claim in line and "FAILS" in line for line in lines)


def test_wrong_signs_are_found_out(
    load: Load, few_cells: Restrict, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = few_cells(load("population_loss"))
    right = Kind.slopes.fget  # type: ignore[attr-defined]
    monkeypatch.setattr(Kind, "slopes", property(lambda kind: right(kind)[::-1]))
    assert main(vars(module), []) == 1
    assert "each pre-activation has one sign on each piece: FAILS" in " ".join(
        capsys.readouterr().out.split()
    )


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("continuity", "third_jump"),
        ("reference_losses", "line_loss"),
        ("hyperactive_trap", "excess"),
        ("hyperactive_trap", "smaller_eigenvalue"),
        ("hyperactive_trap", "longest_path"),
    ],
)
def test_a_wrong_statement_is_found_out(
    name: str, function: str, load: Load, few_cells: Restrict, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = few_cells(load(name))
    right = getattr(module, function)
    monkeypatch.setattr(module, function, lambda *arguments: right(*arguments) / 2)
    assert main(vars(module), ["--latex"]) == 1


WRONG_LINES = [
    ("0.75 * (r1 * r1)", "0.5 * (r1 * r1)"),
    ("middle = r0 + 0.5 * r1", "middle = r0 + r1"),
    ("return twice * by_x", "return 2.0 * by_x"),
    ("twice * area", "2.0 * area"),
    ("by_one, 2.0 * by_z", "by_one, by_z"),
    ("(f[0] * g[0] + f[1] * g[1])", "(f[0] * g[0] - f[1] * g[1])"),
    ("p.m * half_m * (3.0 * rest.r0", "p.m * half_m * (rest.r0"),
    ("(3.0 * rest.rq - 4.0 * fall_k)", "(3.0 * rest.rq - 2.0 * fall_k)"),
    ("p.k * (rest.rq - fall_k)", "p.k * (rest.rq + fall_k)"),
    ("p.end * near + aim.x[1] * far +", "p.end * (near + far) +"),
    ("p.z * near + p.z_q * far -", "p.z * (near + far) -"),
    ("p.k * (p.z_q - p.a * half_k)", "p.k * (p.z - p.a * half_k)"),
    ("weight * p.z + (offset - p.y)", "weight * p.z + (offset + p.y)"),
    ("on_hi, -aim.length, aim.length)", "on_hi, aim.length, -aim.length)"),
    ("z_end - z_other,", "z_end + z_other,"),
    ("ops.where(whole | beyond, room,", "ops.where(whole, room,"),
    ("rest * share, 0.0", "room * share, 0.0"),
    ("k = ops.where(whole, rest,", "k = ops.where(whole, room,"),
    ("slopes[1], slopes[0])", "slopes[0], slopes[1])"),
    ("determinant(b1, wt, w1, bt", "determinant(b1, wt, w1, -bt"),
    ("(slopes[1] - slopes[0]) * w2", "slopes[1] * w2"),
    ("2.0 * (mass * at)", "mass * at"),
    ("span = ops.where(up[0], z[2] - z[0], z[0] - z[2])", "span = z[2] - z[0]"),
    ("near * to_near + far * to_far", "near * to_near - far * to_far"),
    ("ops.where(beyond, active.k, active.m)", "active.m"),
    (
        "y_hi / ops.where(has_breakpoint, y_hi - y_lo, 1.0)",
        "y_lo / ops.where(has_breakpoint, y_hi - y_lo, 1.0)",
    ),
    ("w2 * slopes[1], w2 * slopes[0])", "w2 * slopes[0], w2 * slopes[1])"),
    ("right * (out_q + out_hi)", "right * (out_q - out_hi)"),
]


@pytest.mark.some(10)
@pytest.mark.parametrize(("line", "wrong"), WRONG_LINES)
def test_a_wrong_line_of_the_formulas_is_found_out(
    line: str, wrong: str, load: Load, few_cells: Restrict, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = inspect.getsource(formulas)
    assert line in source
    mutant = ModuleType("mutant")
    monkeypatch.setitem(sys.modules, "mutant", mutant)
    exec(compile(source.replace(line, wrong), "mutant", "exec"), mutant.__dict__)
    monkeypatch.setattr(exact, "formulas", mutant)
    module = few_cells(load("numeric_field"))
    monkeypatch.setattr(module, "end_walls", lambda: [])
    monkeypatch.setattr(module, "crossing_walls", lambda: [])
    assert main(vars(module), ["--latex"]) == 1


@pytest.mark.slow
def test_the_script_of_a_wrong_formula_exits_with_1() -> None:
    script = str(find("population_loss").path)
    code = (
        "import runpy, sys; from gradflow.proofs import integrals; right = integrals.loss; "
        "integrals.loss = lambda cell: right(cell) / 2; sys.argv[1:] = ['--latex']; "
        f"runpy.run_path({script!r}, run_name='__main__')"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert re.fullmatch(r"population_loss: NOT PROVED: \d+ of \d+ checks fail\n", run.stderr)


def test_a_comparison_left_open_fails_the_proof(
    load: Load, few_cells: Restrict, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = lambda ops, z: (ops.positive(z[0]), ops.positive(z[0] + z[2]), ops.positive(z[2]))  # noqa: E731
    monkeypatch.setattr(formulas, "signs", wrong)
    assert main(vars(few_cells(load("numeric_field"))), []) == 1
    assert "every comparison is decided: FAILS" in " ".join(capsys.readouterr().out.split())


def test_unchanged_formulas_pass_on_the_same_few_cells(load: Load, few_cells: Restrict) -> None:
    assert len(cells()) == 20
    for name in ("continuity", "numeric_field", "reference_losses", "hyperactive_trap"):
        assert main(vars(few_cells(load(name))), ["--latex"]) == 0
