"""A derivation's text is typed once: formulas are found in it, for a terminal, for LaTeX and for Markdown."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import unicodedata
from pathlib import Path

import pytest
from matplotlib.mathtext import MathTextParser

from gradflow.base.scripts import Script
from gradflow.proofs.catalogue import catalogue, stated
from gradflow.proofs.latex import alone
from gradflow.proofs.markup import APPLIED, FUNCTIONS, PRODUCTS, paragraphs, spans
from gradflow.proofs.stated import as_text, bibtex
from gradflow.proofs.tex import breakable, displayed, latex, markdown, plain, tex

SCRIPTS = catalogue()
TEXTS = {"STATEMENT", "HYPOTHESES", "PROOF", "NOT_CLAIMED", "RELATED", "PROVED_BY"}


def texts(script: Script) -> list[str]:
    """All paragraphs of a derivation, and its title."""
    found = [script.title]
    for node in ast.parse(script.path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in TEXTS:
            found += [
                paragraph for text in flat(ast.literal_eval(node.value)) for paragraph in paragraphs(text)
            ]
    return found


def flat(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    assert isinstance(value, tuple)
    return [text for entry in value for text in flat(entry)]


@pytest.mark.parametrize(
    ("formula", "code"),
    [
        ("w1ᵀ", "w_{1}^{T}"),
        ("u = √(w1² + b1²)", r"u = \sqrt{w_{1}^{2} + b_{1}^{2}}"),
        ("√e(0)/(c₀ √y)", r"\sqrt{e(0)}/(c_{0} \sqrt{y})"),
        ("λ_max ≥ 2 a M₁₁", r"\lambda_{\max} \geq 2 a M_{11}"),
        ("β2^(−j)", r"\beta_{2}^{-j}"),
        ("w2_j", "w_{2,j}"),
        ("f*²", "f^{*2}"),
        ("d|w2|/dτ", r"d|w_{2}|/d\tau"),
        ("e^(−at)", "e^{-at}"),
        ("B_(k+1)", "B_{k+1}"),
        ("x^{3/2}", "x^{3/2}"),
        ("H_jj", "H_{jj}"),
        ("q_in", r"q_{\mathrm{in}}"),
        ("lo hi ≥ −1", r"\mathrm{lo}\,\mathrm{hi} \geq -1"),
        ("v⊥", r"v^{\perp}"),
        ("u ⊥ v", r"u \perp v"),
        ("{c x : c ≥ 0}", r"\{c x : c \geq 0\}"),
        (r"$\frac{1}{2}$", r"\frac{1}{2}"),
    ],
)
def test_a_formula_is_tex(formula: str, code: str) -> None:
    assert tex(formula).strip() == code


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("A neuron with a weight w1 ≠ 0 is a line.", r"A neuron with a weight $w_{1} \ne 0$ is a line."),
        ("(1) If Q > 0, (2) and derivation 8 apply.", "(1) If $Q > 0$, (2) and derivation 8 apply."),
        ("the sign of v, sign(v)", r"the sign of $v$, $\operatorname{sign}(v)$"),
        ("GD's rate (the largest)", "GD's rate (the largest)"),
        ("take $a$ inside, and `a.b`", r"take $a$ inside, and \texttt{a.b}"),
        ("do dw² + db² fall?", "do $dw^{2} + db^{2}$ fall?"),
        ("∫ g dt, de Moivre and da Silva", r"$\int g dt$, de Moivre and da Silva"),
        ("g falls by η HHg, exp(Gt) and v · Hv", r"$g$ falls by $\eta HHg$, $\exp (Gt)$ and $v \cdot Hv$"),
        ("at most acosh(1/s)/min m_i", r"at most $\operatorname{acosh}(1/s)/\min m_{i}$"),
        ("h max|w_j|² and −min f, the max of all", r"$h \max |w_{j}|^{2}$ and $-\min f$, the max of all"),
        (
            "w = Cov/Var, li R = 1e-8",
            r"$w = \operatorname{Cov}/\operatorname{Var}$, $\operatorname{li} R = 10^{-8}$",
        ),
        ("at 2.5e-3 of L_ξξ", r"at $2.5 \cdot 10^{-3}$ of $L_{\xi \xi}$"),
        ("in (c) z_e moves", "in ($c$) $z_{e}$ moves"),
    ],
)
def test_formulas_are_found_in_prose(text: str, written: str) -> None:
    assert latex(text) == written


def test_a_terminal_shows_what_was_typed() -> None:
    assert plain(r"take $a$ with $\frac{1}{2} \le \alpha$") == "take a with 1/2≤α"
    assert plain("w1² + b1²") == "w1² + b1²"


def test_markdown_takes_nothing_for_a_mark() -> None:
    assert markdown("as [in] * is_ and x* < 1") == r"as \[in\] \* is\_ and $x^{*} < 1$"


def test_a_page_may_end_a_line_inside_a_long_formula() -> None:
    long = "ρ(τ) = (n d²/2) sinh 2τ + b2(0) + (τ − τ₀)/n − y"
    assert " ".join(breakable(long)) == long
    assert breakable(long)[:2] == ["ρ(τ)", "= (n d²/2) sinh 2τ + b2(0)"]
    assert breakable("a = b") == ["a = b"]
    assert breakable("|w2| ≥ −(x + y + z) > −1000000000")[1] == "≥ −(x + y + z)"


def test_a_paragraph_of_formulas_is_set_apart() -> None:
    assert displayed("a′ = b, b′ = a.") == r"a^{\prime} = b, \qquad b^{\prime} = a."
    assert displayed("a = b.   (c)") == r"a = b. \qquad (c)"
    assert displayed("where a = b") == ""


def test_a_character_without_a_counterpart_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"^prose: no LaTeX for a character of '☃'$"):
        latex("☃")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.slug)
def test_every_formula_of_a_derivation_is_found(script: Script) -> None:
    for text in texts(script):
        found = spans(text)
        assert "".join(span.text for span in found) == text
        for kind, part in found:
            if kind == "math":
                words = set(re.findall("[A-Za-z]{3,}", re.sub("_[A-Za-z]+", "", part)))
                words -= {word for word in words if PRODUCTS.fullmatch(word)}
                assert "$" in part or words <= FUNCTIONS | APPLIED, part
            elif kind == "prose":
                # Nothing that only mathematics has is left, nor a letter alone.
                assert not [c for c in part if unicodedata.category(c) in ("Sm", "No", "Lm")], (part, text)
                assert not re.search(r"[Α-ω′″_^]", part), (part, text)
                assert not re.search(
                    r"(?<![\w'’.&])[B-HJ-Zb-z](?![\w'’.-])", re.sub(r"\([A-Z]\d?\)", "", part)
                ), (
                    part,
                    text,
                )
        assert latex(text).isascii()


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.slug)
def test_every_formula_of_a_derivation_can_be_set(script: Script) -> None:
    parser = MathTextParser("path")
    formulas = {part for text in texts(script) for kind, part in spans(text) if kind == "math"}
    for formula in formulas:
        parser.parse(f"${tex(formula)}$".replace(r"\tfrac", r"\frac"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.slug)
def test_a_theorem_is_an_environment_with_a_label(script: Script) -> None:
    code = alone(stated(script.slug))
    assert code.isascii()
    assert r"\ensuremath" not in code
    assert code.count(r"\begin{theorem}") == code.count(r"\end{theorem}") == 1
    assert rf"\label{{gradflow:{script.slug}}}" in code
    assert code.count("{") - code.count(r"\{") == code.count("}") - code.count(r"\}")
    outside = re.sub(r"\\\[.*?\\\]", "", code, flags=re.DOTALL)
    assert (outside.count("$") - outside.count(r"\$")) % 2 == 0
    assert bibtex(stated(script.slug)).isascii()
    # It is of amsmath, which a document that cites the theorem need not have.
    assert r"\operatorname" not in bibtex(stated(script.slug))


def test_a_statement_is_told_without_proving_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradflow.proofs.catalogue.load_script", None)
    for name in ("10", "the_flow_cannot_kill"):
        text = as_text(stated(name))
        assert "(2) If Q ≥ 0 and u(0) > 0 the solution exists" in text
        assert "\nlabel: gradflow:the_flow_cannot_kill\n\n@misc{gradflow-the-flow-cannot-kill," in text
        # But for the title, which is one line.
        assert max(map(len, text.partition("To cite it")[0].splitlines()[2:])) <= 88


def test_a_statement_is_told_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    from gradflow.cli import run

    assert run(["derive", "5", "--statement"]) == 0
    assert "To cite it" in capsys.readouterr().out
    assert run(["derive", "5", "--statement", "--latex"]) == 0
    assert r"\begin{theorem}" in capsys.readouterr().out
    assert run(["derive", "5", "--statement", "--json"]) == 0
    assert '"label": "gradflow:balancedness"' in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="LaTeX is not installed")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.slug)
def test_latex_compiles(script: Script, tmp_path: Path) -> None:
    (tmp_path / "theorem.tex").write_text(alone(stated(script.slug)))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "theorem.tex"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-2000:]
    assert (tmp_path / "theorem.pdf").exists()
