"""Random mutants of the core, made by cosmic-ray, each against the tests of its folder.

A file is drawn by its number of lines, a place in it of all equally, and then one of what cosmic-ray can put
there. What changes annotations only is no mutant.
"""

from __future__ import annotations

import ast
import random
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.mutants.tree import copied, judge

CORE = ("field", "flow", "descent", "theory", "ends", "sweeps", "study/claims")
MOST = 6
"""Files of tests that are run against a mutant, before all of its folder."""


def sample(count: int, seed: int) -> int:
    """Put in random mutants; return how many survive."""
    from cosmic_ray.mutating import use_mutation
    from cosmic_ray.plugins import get_operator

    survivors = 0
    with copied() as tree:
        for spec in drawn(tree, count, seed):
            path = Path(spec.module_path)
            operator = get_operator(spec.operator_name)(**spec.operator_args)
            with use_mutation(path, operator, spec.occurrence) as (before, after):
                if after is None or not differs(before, after):
                    continue
                found = judge(tree, relevant(tree, path))
            survivors += not found.killer
            place = f"{path.relative_to(tree)}:{spec.start_pos[0]}"
            change = " -> ".join(changed(before, after))
            print(f"{place} | {change} | {found.killer or 'SURVIVES'} | {found.seconds:.0f} s", flush=True)
    return survivors


def drawn(tree: Path, count: int, seed: int) -> list[Any]:
    """Return the mutations that are drawn."""
    from cosmic_ray.commands import init
    from cosmic_ray.work_db import WorkDB, use_db

    paths = [path for part in CORE for path in sorted((tree / "gradflow" / part).rglob("*.py"))]
    lines = [path.read_text(encoding="utf-8").count("\n") for path in paths]
    draw = random.Random(seed)
    files = draw.choices(paths, lines, k=count)
    with use_db(str(tree.parent / "session.sqlite"), WorkDB.Mode.create) as database:
        init(sorted(set(files)), database, {})
        places: dict[Path, dict[Any, list[Any]]] = defaultdict(lambda: defaultdict(list))
        for item in database.work_items:
            (spec,) = item.mutations
            places[Path(spec.module_path)][spec.start_pos, spec.end_pos].append(spec)
    return [draw.choice(places[file][draw.choice(sorted(places[file]))]) for file in files if places[file]]


def differs(before: str, after: str) -> bool:
    """Return whether what stands after is code, and differs in more than annotations."""
    try:
        return bare(before) != bare(after)
    except SyntaxError:
        # The slash among a function's parameters is taken for a division.
        return False


def bare(code: str) -> str:
    """Return the syntax of code without annotations."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        for name in ("annotation", "returns"):
            if getattr(node, name, None) is not None:
                setattr(node, name, ast.Constant(None))
    return ast.dump(tree)


def changed(before: str, after: str) -> tuple[str, str]:
    """Return the first line that differs, in both."""
    pairs = zip(before.splitlines(), after.splitlines(), strict=False)
    return next(((a.strip(), b.strip()) for a, b in pairs if a != b), ("", ""))


def relevant(tree: Path, path: Path) -> list[str]:
    """Return tests for a module: the files that import it first, those of its folder first of these."""
    parts = path.relative_to(tree / "gradflow").with_suffix("").parts
    name = ".".join(("gradflow", *parts))
    folder, last = name.rsplit(".", 1)
    imports = re.compile(rf"\b{re.escape(name)}\b|from {re.escape(folder)} import [^\n]*\b{last}\b")
    own = tree / "tests" / parts[0] if parts[0] != "study" else tree / "tests" / "study" / "claims"
    files = sorted((tree / "tests").rglob("test_*.py"), key=lambda file: (not file.is_relative_to(own), file))
    users = [file for file in files if imports.search(file.read_text(encoding="utf-8"))]
    return [str(file) for file in [*users[:MOST], own]]
