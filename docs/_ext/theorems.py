"""A page for each theorem, made from its derivation: statement, hypotheses, proof, checks, figure, how to cite it."""

from __future__ import annotations

import re
import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

from reference import keep

from gradflow.base.scripts import load_script
from gradflow.proofs.catalogue import catalogue, stated
from gradflow.proofs.latex import latex_formula
from gradflow.proofs.markup import paragraphs
from gradflow.proofs.parts import Part, way_of
from gradflow.proofs.stated import Stated, bibtex, label
from gradflow.proofs.tex import displayed, markdown, plain
from gradflow.proofs.uses import FIGURES, FUNCTIONS, resolve

FOLDER = "theorems"
WAYS = {"machine": "a machine", "prose": "prose", "machine and prose": "a machine and prose"}


def write(app: Any) -> None:
    """Write all pages and their index."""
    folder = Path(app.srcdir) / FOLDER
    folder.mkdir(exist_ok=True)
    pages = {script.number: f"{script.number:02}_{script.slug}" for script in catalogue()}
    for script in catalogue():
        formulas = load_script(script.path).formulas()
        found = stated(script.slug)
        keep(folder / f"{pages[script.number]}.md", _page(found, formulas, pages, app))
    keep(folder / "index.md", _index(pages))


def _index(pages: dict[int, str]) -> str:
    lines = [
        "# The theorems",
        "",
        "Each is a script in `derivations/`: it states a result, and a machine checks what a machine can (identities",
        "by expansion, signs by assumptions, integrals by antiderivatives, all in exact arithmetic with SymPy); prose",
        "has the rest. `gradflow derive 10` proves one anew and prints it, `gradflow derive 10 --statement` only states",
        "it, `--latex` gives a document that compiles. See {doc}`../explanation/proved` for what the words mean.",
        "",
        "| | theorem | proved by |",
        "|---:|---|---|",
    ]
    for script in catalogue():
        title = _cell(_title(script.title))
        way = WAYS.get(way_of(stated(script.slug).parts), "")
        lines.append(f"| {script.number} | [{title}]({pages[script.number]}.md) | {way} |")
    return "\n".join([*lines, "", "```{toctree}", ":hidden:", "", *pages.values(), "```", ""])


def _page(found: Stated, formulas: Any, pages: dict[int, str], app: Any) -> str:
    def text(prose: str) -> str:
        return _linked(markdown(prose), pages, found.number)

    lines = [f"({label(found)})=", f"# {found.number}. {_title(found.title)}", ""]
    lines += [f":::{{admonition}} Theorem {found.number}", ":class: theorem", ""]
    lines += [*_written(found.statement, text), ":::", ""]
    lines += ["## Hypotheses", "", *(f"- {text(entry)}" for entry in found.hypotheses), ""]
    lines += _figure(found, app)
    functions = FUNCTIONS.get(found.number, ())
    if functions:
        named = ", ".join(_function(name) for name in functions)
        lines += ["## Functions that evaluate it", "", f"{named}", ""]
    lines += ["## Proof", "", *_written(found.proof, text)]
    lines += _checked(found.parts, text)
    lines += ["## Formulas", ""]
    for name, formula in formulas:
        body = latex_formula(formula)
        lines += [
            f"{text(name)}:",
            "",
            "```{math}",
            ":nowrap:",
            "",
            rf"\begin{{align*}}{body}\end{{align*}}",
            "```",
            "",
        ]
    lines += ["## Not claimed", "", *(f"- {text(entry)}" for entry in found.not_claimed), ""]
    if found.related:
        lines += ["## Related work", "", *(f"- {text(entry)}" for entry in found.related), ""]
    lines += ["## How to cite it", "", "```bibtex", bibtex(found), "```", ""]
    lines += [
        f"`gradflow derive {found.number}` proves it anew; `gradflow derive {found.number} --statement --latex` gives the",
        f"statement as an `amsthm` environment with the label `{label(found)}`.",
        "",
    ]
    return "\n".join(lines)


def _written(prose: str, text: Any) -> list[str]:
    lines: list[str] = []
    for paragraph in paragraphs(prose):
        formulas = displayed(paragraph)
        if formulas:
            lines += ["$$", formulas, "$$", ""]
        else:
            lines += [re.sub(r"^(\(\d+\)) ", r"**\1** ", text(paragraph)), ""]
    return lines


def _linked(prose: str, pages: dict[int, str], own: int) -> str:
    """Return Markdown in which other derivations that are named are links."""

    def link(match: re.Match[str]) -> str:
        number = int(match[2])
        if number == own or number not in pages:
            return match[0]
        return f"{match[1]}[{match[2]}]({pages[number]}.md)"

    return re.sub(r"(derivations? )(\d+)", link, prose)


def _checked(parts: tuple[Part, ...], text: Any) -> list[str]:
    if not parts:
        return []
    lines = [
        "## What proves it",
        "",
        "Checks are computed with SymPy in exact arithmetic each time the derivation runs, and a version in which one",
        "of them fails does not pass its tests. An entry that ends with … stands for all checks that begin like it.",
        "",
    ]
    for part in parts:
        lines += [f"**{part.name}** by {WAYS[part.way]}.", ""]
        if part.checks:
            lines += ["- Checked: " + "; ".join(text(check) for check in part.checks) + "."]
        if part.prose:
            lines += [f"- By prose: {text(part.prose)}."]
        lines += [""]
    return lines


def _figure(found: Stated, app: Any) -> list[str]:
    """Return a figure of the result, from its script in `plots/`.

    It is the one that `gradflow reproduce --out study` has left in the repository, or drawn if that is a matter of seconds.
    """
    slug = FIGURES.get(found.number)
    if not slug:
        return []
    path = resolve(slug)
    target = Path(app.srcdir) / FOLDER / "figures" / f"{path.stem}.png"
    made = Path(app.srcdir).parent / "study" / "figures" / target.name
    script = load_script(path)
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        if made.exists():
            shutil.copyfile(made, target)
        elif getattr(script, "QUICK", True):
            script.draw().savefig(target, dpi=160)
        else:
            return [
                f"`python plots/{path.name} --out figures` draws a figure of it: {markdown(script.TITLE)}.",
                "",
            ]
    return [
        f"```{{figure}} figures/{target.name}",
        "",
        f"{markdown(script.TITLE)} (`plots/{path.name}`)",
        "```",
        "",
    ]


def _function(name: str) -> str:
    module, _, function = name.rpartition(".")
    value = getattr(import_module(module), function)
    return f"{{py:obj}}`{name} <{value.__module__}.{value.__qualname__}>`"


def _title(text: str) -> str:
    """Return a title in characters alone: in the head of a page and in links no formula is set."""
    lowered = re.sub(
        r"(?<![A-Za-z])([wb])([12])", lambda match: match[1] + "₁₂"[int(match[2]) - 1], plain(text)
    )
    return re.sub(r"([\\*_`\[\]<>])", r"\\\1", lowered)


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
