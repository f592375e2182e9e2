"""Parts of a study: tasks that processes can do, what many need before what needs them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gradflow.cli.workers import run_all

if TYPE_CHECKING:
    from gradflow.study.claims import Claim
    from gradflow.study.claims.shared import Work

FIGURE = "figure "
"""How the names of figures begin."""

Results = Mapping[str, Any]
Task = Callable[[], dict[str, Any]]
"""A task returns results by name, as plain data."""


class Study(NamedTuple):
    """The claims that are checked, and the scripts whose figures are drawn into ``out/figures``.

    With `whole` claims take as many runs as their sources have.
    """

    claims: Sequence[Claim]
    plots: Sequence[Path]
    quick: bool
    out: Path | None
    whole: bool = False

    def works(self) -> dict[str, Work]:
        """Return the work that claims need, by name."""
        return {work.name: work for claim in self.claims for work in claim.needs(self.quick)}

    def names(self) -> list[str]:
        """Return the names of all results."""
        figures = [FIGURE + path.stem for path in self.plots]
        return [*(claim.id for claim in self.claims), *self.works(), *figures]

    def run(
        self,
        found: Results,
        finished: Callable[[dict[str, Any]], None] = lambda results: None,
        advance: Callable[[float], None] = lambda done: None,
    ) -> dict[str, Any]:
        """Do, in worker processes, what is not found; return all results by name.

        Parameters
        ----------
        found : mapping
            Results of an earlier run, by name.
        finished : callable
            Called with what a task has returned as it is done.
        advance : callable
            Called with the number of results.
        """
        results = dict(found)

        def keep(_: int, some: dict[str, Any]) -> None:
            results.update(some)
            finished(some)

        for tasks in (self.first, self.then):
            run_all(tasks(results), lambda _: advance(len(results)), finished=keep)
        return results

    def first(self, found: Results) -> list[Task]:
        """Return the tasks that need nothing before them, without what is found.

        Claims that look at the same runs are one task: the longest tasks are of this kind, and come first.
        Work is next; what takes a few seconds is left for the end, when the processes are to finish together.
        """
        families: dict[str, list[str]] = {}
        for claim in self.claims:
            if claim.id not in found and not claim.needs(self.quick):
                families.setdefault(claim.runs or claim.id, []).append(claim.id)
        checks = sorted(families.values(), key=len, reverse=True)
        many = [ids for ids in checks if len(ids) > 1]
        return [
            *(partial(check_all, ids, self.quick, (), self.whole) for ids in many),
            *(partial(do, work) for name, work in self.works().items() if name not in found),
            *(partial(check_all, ids, self.quick, (), self.whole) for ids in checks if len(ids) == 1),
        ]

    def then(self, found: Results) -> list[Task]:
        """Return the tasks that are left once the work is done: figures, and the claims that needed it."""
        known = [Known(work, **found[name]) for name, work in self.works().items()]
        drawings = [
            partial(draw, path, self.out / "figures", self.quick, known)
            for path in self.plots
            if self.out is not None and FIGURE + path.stem not in found
        ]
        checks = []
        for claim in self.claims:
            if claim.id not in found:
                needed = set(claim.needs(self.quick))
                some = [one for one in known if one.work in needed]
                checks.append(partial(check_all, [claim.id], self.quick, some, self.whole))
        return [*drawings, *checks]


class Known(NamedTuple):
    """A piece of work that is done: its result, and the seconds it took."""

    work: Work
    result: Any
    seconds: float


def do(work: Work) -> dict[str, Any]:
    """Do a piece of work."""
    begin = time.perf_counter()
    result = work.function(*work.arguments)
    return {work.name: {"result": result, "seconds": time.perf_counter() - begin}}


def check_all(ids: Sequence[str], quick: bool, known: Sequence[Known], whole: bool = False) -> dict[str, Any]:
    """Check claims one after the other, knowing the results of work; what they share is then forgotten.

    The seconds of the work are those of every claim that needs it.
    """
    from gradflow.study.claims import LEDGER, check, select

    with _knowing(known):
        found = {name: check(select(LEDGER, [name])[0], quick=quick, whole=whole).record() for name in ids}
    for record in found.values():
        record["seconds"] = round(record["seconds"] + sum(one.seconds for one in known), 3)
    return found


def draw(path: Path, folder: Path, quick: bool, known: Sequence[Known]) -> dict[str, Any]:
    """Draw a script's figure; None if the script says that it takes too long for a quick report."""
    from gradflow.base.scripts import load_script
    from gradflow.study.figures.script import render

    script = load_script(path)
    name = FIGURE + path.stem
    if quick and not getattr(script, "QUICK", True):
        return {name: None}
    with _knowing(known):
        drawn = render(vars(script), folder)
    files = [str(file.relative_to(folder.parent)) for file in drawn.files]
    return {name: {**drawn._asdict(), "files": files}}


@contextmanager
def _knowing(known: Sequence[Known]) -> Iterator[None]:
    """Know the results of work meanwhile; afterwards the memory of all that claims share is given back."""
    from gradflow.study.claims.shared import forget, know

    know({one.work: one.result for one in known})
    try:
        yield
    finally:
        forget()
