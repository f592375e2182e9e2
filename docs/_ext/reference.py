"""Reference of the package from its docstrings, a page for each folder; the build fails on an undocumented name."""

from __future__ import annotations

import inspect
import pkgutil
import re
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, get_origin

from sphinx.pycode import ModuleAnalyzer
from sphinx.util import logging

import gradflow

LOGGER = logging.getLogger(__name__)
LEFT_OUT = re.compile(
    r"gradflow\.(_scripts|__main__|data|cli|explore|compiled\.on_cuda|study\.claims\.\w+\.)|gradflow\.study\.claims\.\w+$"
)
"""What is run and not called: commands, the checks of single claims, and what needs numba-cuda."""

LEDGER = {"gradflow.study.claims.ledger", "gradflow.study.claims.documents"}
_CODE = re.compile(r"(``.*?``|`[^`\n]*`)", re.DOTALL)


def write(app: Any) -> None:
    """Write the pages, one for each folder of modules, and their index."""
    folder = Path(app.srcdir) / "reference"
    folder.mkdir(exist_ok=True)
    folders: dict[str, list[str]] = {"gradflow": []}
    for found in pkgutil.walk_packages(gradflow.__path__, "gradflow."):
        if (LEFT_OUT.match(found.name) and found.name not in LEDGER) or found.name.rpartition(".")[
            2
        ].startswith("_"):
            continue
        folders.setdefault(found.name if found.ispkg else found.name.rpartition(".")[0], [])
        if not found.ispkg:
            folders[found.name.rpartition(".")[0]].append(found.name)
    entries = []
    for name, modules in sorted(folders.items()):
        if name != "gradflow":
            entries.append(name)
            keep(folder / f"{name}.rst", _page(name, modules))
    keep(folder / "gradflow.rst", _top())
    index = ["Reference", "=========", "", _INTRODUCTION, "", ".. toctree::", "   :maxdepth: 1", ""]
    keep(folder / "index.rst", "\n".join([*index, *(f"   {name}" for name in ("gradflow", *entries)), ""]))


_INTRODUCTION = """Every public name, from its docstring. What most work needs is in :doc:`gradflow`; the folders hold the
rest, in the order of their names. *Each folder imports only from those below it*: base, data, neuron, field, compiled,
descent, flow, theory, ends, runs, sweeps, networks, study, cli; proofs stand beside them."""


def keep(path: Path, text: str) -> None:
    """Write a page unless it is there already, so that Sphinx reads only what has changed."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _page(name: str, modules: list[str]) -> str:
    lines = [name, "=" * len(name), "", f".. automodule:: {name}", "   :no-members:", ""]
    for module in sorted(modules):
        title = module.removeprefix(f"{name}.")
        lines += [title, "-" * len(title), "", f".. automodule:: {module}"]
        names = _public(import_module(module))
        lines += [f"   :members: {', '.join(names)}", ""] if names else ["   :no-members:", ""]
    return "\n".join(lines)


def _top() -> str:
    lines = ["gradflow", "========", "", ".. automodule:: gradflow", "   :no-members:", ""]
    lines += ["===================== ====", "Name                  What", "===================== ===="]
    rows = []
    for name in sorted(gradflow.__all__, key=str.lower):
        value = getattr(gradflow, name)
        first = re.sub(r" ?\[\d+\]_", "", (value.__doc__ or "").strip().partition("\n")[0])
        home = f"{value.__module__}.{name}"
        rows.append((f":py:obj:`{name} <{home}>`", _escaped(first)))
    wide = max(len(row[0]) for row in rows)
    lines = lines[:-3]
    rule = f"{'=' * wide} {'=' * 80}"
    return "\n".join(
        [
            *lines,
            rule,
            f"{'Name'.ljust(wide)} What",
            rule,
            *(f"{a.ljust(wide)} {b}" for a, b in rows),
            rule,
            "",
        ]
    )


def _escaped(text: str) -> str:
    """Return a line in which only backquotes are marks; names in code are plain text for docstrings."""
    bullet = re.match(r"\s*\* ", text)
    if bullet:
        return bullet[0] + _escaped(text[bullet.end() :])
    parts = _CODE.split(text)
    parts[::2] = (re.sub(r"(?<!\\)([|*]|_(?!\w))", r"\\\1", part) for part in parts[::2])
    # What follows code at once is told from it.
    for i in range(2, len(parts), 2):
        if parts[i] and (parts[i][0].isalnum() or parts[i][0] in "(["):
            parts[i] = rf"\ {parts[i]}"
    return "".join(parts)


def _public(module: ModuleType) -> list[str]:
    """Return the names that a module defines for others, in its order, and report those without a docstring."""
    documented = ModuleAnalyzer.for_module(module.__name__)
    documented.analyze()
    constants = {name for (owner, name) in documented.attr_docs if not owner}
    order = documented.tagorder
    names = []
    for name, value in list(vars(module).items()):
        if name.startswith("_"):
            continue
        own = getattr(value, "__module__", None) == module.__name__ and getattr(value, "__name__", "") == name
        if own and (inspect.isclass(value) or inspect.isroutine(value)):
            _report(value, f"{module.__name__}.{name}")
            names.append(name)
        elif name in constants and not (inspect.isclass(value) or get_origin(value)):
            names.append(name)
    return sorted(names, key=lambda name: order.get(name, 0))


def _report(value: Any, name: str) -> None:
    """Warn of a class, function or method without a docstring; warnings fail the build."""
    if not inspect.getdoc(value):
        LOGGER.warning("undocumented public name: %s", name)
    if inspect.isclass(value):
        for key, member in list(vars(value).items()):
            method = inspect.isfunction(member) or isinstance(member, (property, classmethod, staticmethod))
            field = key in getattr(value, "__annotations__", {})
            if method and not field and not key.startswith("_") and not inspect.getdoc(member):
                LOGGER.warning("undocumented public name: %s.%s", name, key)


def plain(app: Any, what: str, name: str, value: object, options: Any, lines: list[str]) -> None:
    """Take a docstring as the plain text that it is, with code in backquotes."""
    inside = False
    for i, line in enumerate(lines):
        if line.strip().startswith(("```", ".. code")):
            inside = not inside
        if not inside and not line.lstrip().startswith((">>>", "...")):
            lines[i] = _escaped(line)


def skip(app: Any, what: str, name: str, value: object, skipped: bool, options: Any) -> bool | None:
    """Leave out fields, which the parameters of their class describe, and what is imported."""
    kind = type(value).__name__
    if kind in ("_tuplegetter", "member_descriptor", "getset_descriptor"):
        return True
    # What a class has from elsewhere: Matplotlib gives each of its figures a method of its own.
    if (
        what == "class"
        and inspect.isroutine(value)
        and not str(getattr(value, "__module__", "")).startswith("gradflow")
    ):
        return True
    return None


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    import_module("gradflow")
    app.connect("builder-inited", write)
    app.connect("autodoc-process-docstring", plain, priority=100)
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
