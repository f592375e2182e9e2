"""Runs of the study: claims and remedies, and what the derivations print."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from tests.frozen import program as g
from tests.frozen.plain import printed
from tests.frozen.tasks import Run, command

SYMBOLIC = "symbolic"

QUICK = (
    *("obs1.kink", "obs2.frozen", "theory.large-rate", "dead.updates-stop", "dead.rate-matters"),
    *("dead.small-never", "depth.born-dead", "depth.rai", "align.scaling", "align.extrema"),
)
"""Claims that are checked in less than a second."""

SLOW = ("obs0.dead", "obs1.threshold", "obs2.gd", "q1.solved", "q1.parametrisation", "theory.large-b2")


def claims() -> Iterator[Run]:
    """Give remedies and claims."""
    for name in ("none", "warm-up-cosine", "kaiming", "leaky", "shifted-decay"):
        yield Run("claims", f"remedy {name}", partial(_remedy, name, ("gd", "adam")))
    yield Run("claims", "remedy shifted, by flow", partial(_remedy, "shifted", ("flow",)), slow=True)
    for name in QUICK:
        yield Run("claims", name, partial(_claim, name))
    for name in SLOW:
        yield Run("claims", name, partial(_claim, name), slow=True)
    yield Run("claims", "reproduce", _reproduced, slow=True)


def _remedy(name: str, methods: tuple[str, ...]) -> Any:
    some = tuple(method for method in g.remedies.METHODS if method.name in methods)
    found = g.remedies.measure(g.by_id(name), some, g.remedies.starts(3, 3), 60, g.remedies.TEACHERS)
    return [{str(method): cell for method, cell in cells.items()} for cells in found]


def _claim(name: str) -> dict[str, Any]:
    g.forget()
    found = g.check(g.select(g.LEDGER, [name])[0], quick=True).finding
    g.forget()
    return told(found)


def told(finding: Any) -> dict[str, Any]:
    """Return what a check of a claim has found, as it is frozen."""
    return {"verdict": finding.verdict, "summary": finding.summary, **finding.values}


def _reproduced() -> Any:
    (found,) = command("reproduce --quick --only depth.rai")["claims"]
    return {key: value for key, value in found.items() if key != "seconds"}


def symbolic() -> Iterator[Run]:
    """Give the lists, and all derivations."""
    yield Run(SYMBOLIC, "list of derivations", partial(command, "derive"))
    yield Run(SYMBOLIC, "list of claims", _list_of_claims)
    yield from derivations()


def derivations() -> Iterator[Run]:
    """Give what derivations print, one after the other."""
    for number in range(1, 26):
        yield Run(SYMBOLIC, f"derive {number}", partial(_derivation, number))


def _list_of_claims() -> Any:
    listed = command("reproduce --list")["claims"]
    return [[entry["id"], *printed(f"{entry['source']}: {entry['claim']}")] for entry in listed]


def _derivation(number: int) -> dict[str, Any]:
    found = command(f"derive {number}")
    kept = {key: found[key] for key in ("number", "name", "title", "status", "holds", "checks")}
    return {**kept, "latex": printed(found["latex"])}
