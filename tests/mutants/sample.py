"""Random mutants of the core, made by cosmic-ray, each against the tests of its folder.

A file is drawn by its number of lines, a place in it of all equally, and then one of what cosmic-ray can put
there. What changes annotations only is no mutant.
"""

from __future__ import annotations

import ast
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.mutants.reach import ROOT, Reach, enclosing
from tests.mutants.tree import LIMIT, Judged, Tree, copied

CORE = ("field", "flow", "descent", "theory", "ends", "sweeps", "study/claims")
MOST = 6
"""Files of tests that are run against a mutant, before all of its folder."""
CHEAP, DEAR = 4.0, 60.0
"""Seconds of a processor that tests may take by what is recorded: at first, and then."""


class Mutation(NamedTuple):
    """What cosmic-ray changes: the so-manieth place of an operator in a file, from a line to a line."""

    path: Path
    operator: str
    occurrence: int
    first: int
    last: int


def sample(count: int, seed: int, reach: Reach | None = None) -> int:
    """Put in random mutants; return how many survive."""
    from cosmic_ray.mutating import use_mutation
    from cosmic_ray.plugins import get_operator

    survivors, killers = 0, set()
    with copied() as tree:
        for path, name, occurrence, first, last in drawn(tree.path, count, seed):
            with use_mutation(path, get_operator(name)(), occurrence) as (before, after):
                if after is None or not differs(before, after):
                    continue
                place = path.relative_to(tree.path)
                limit = LIMIT if reach is None else int(3.0 * DEAR)
                found = judged(tree, runs(tree.path, place, first, last, reach), limit)
            survivors += not found.killer
            killers.add(found.killer.partition(" ")[2])
            change = " -> ".join(changed(before, after))
            told = (f"{place}:{first}", name.split("/")[-1], change, found.killer or "SURVIVES")
            print(*told, f"{found.seconds:.1f} s", sep=" | ", flush=True)
        # What fails in any case kills nothing.
        found = tree.judge(sorted(test for test in killers if test.startswith("tests/")))
        print(
            f"Without a mutant: {found.killer or 'all these tests pass'} | {found.seconds:.1f} s", flush=True
        )
    return survivors


def judged(tree: Tree, runs: Iterable[list[str]], limit: int = LIMIT) -> Judged:
    """Run tests, some after others, until one fails, or takes too many seconds of a processor."""
    seconds = 0.0
    for tests in runs:
        if tests:
            found = tree.judge(tests, limit)
            seconds += found.seconds
            if found.killer:
                return Judged(found.killer, seconds)
    return Judged("", seconds)


def runs(tree: Path, place: Path, first: int, last: int, reach: Reach | None) -> Iterator[list[str]]:
    """Give the tests for a mutant in lines of a module, those that are likelier to kill it first."""
    likely = relevant(tree, place)
    if reach is None:
        yield likely
        return
    reaching = reach.tests(ROOT / place, first, last)
    is_constant = not enclosing((ROOT / place).read_text(encoding="utf-8"), first)
    cheap = reach.in_order(reaching, likely, CHEAP)
    yield cheap
    yield reach.in_order(reaching - set(cheap), likely, DEAR)
    # What Numba compiles is not seen, nor who reads a constant.
    others = reach.of_files(likely) - reaching if is_constant or not reaching else set()
    yield reach.in_order(others, likely, DEAR)


def drawn(tree: Path, count: int, seed: int) -> Iterator[Mutation]:
    """Give the mutations that are drawn."""
    paths = [path for part in CORE for path in sorted((tree / "gradflow" / part).rglob("*.py"))]
    lines = [path.read_text(encoding="utf-8").count("\n") for path in paths]
    draw = random.Random(seed)
    known: dict[Path, dict[Any, list[Mutation]]] = {}
    for path in draw.choices(paths, lines, k=count):
        if path not in known:
            known[path] = mutations(path)
        if places := known[path]:
            yield draw.choice(places[draw.choice(sorted(places))])


def mutations(path: Path) -> dict[Any, list[Mutation]]:
    """Return all mutations of a file by their places, of operators that need no arguments."""
    from cosmic_ray.ast import ast_nodes, get_ast_from_path
    from cosmic_ray.plugins import get_operator, operator_names

    nodes = list(ast_nodes(get_ast_from_path(path)))
    places: dict[Any, list[Mutation]] = defaultdict(list)
    for name in operator_names():
        operator = get_operator(name)
        if operator.arguments():
            continue
        found = (place for node in nodes for place in operator().mutation_positions(node))
        for occurrence, (start, end) in enumerate(found):
            places[start, end].append(Mutation(path, name, occurrence, start[0], end[0]))
    return places


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


def relevant(tree: Path, place: Path) -> list[str]:
    """Return tests for a module: the files that import it first, those of its folder first of these."""
    parts = place.relative_to("gradflow").with_suffix("").parts
    name = ".".join(("gradflow", *parts))
    folder, last = name.rsplit(".", 1)
    imports = re.compile(rf"\b{re.escape(name)}\b|from {re.escape(folder)} import [^\n]*\b{last}\b")
    own = tree / "tests" / parts[0] if parts[0] != "study" else tree / "tests" / "study" / "claims"
    files = sorted((tree / "tests").rglob("test_*.py"), key=lambda file: (not file.is_relative_to(own), file))
    users = [file for file in files if imports.search(file.read_text(encoding="utf-8"))]
    return [file.relative_to(tree).as_posix() for file in [*users[:MOST], own]]
