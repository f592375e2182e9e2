"""Progress on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(label: str, total: float) -> Iterator[Callable[[float], None]]:
    """Give a function that moves a progress bar on standard error, or does nothing if that is no terminal."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda done: bar.update(task, completed=done)


def sparse(progress: Callable[[int], object] | None, steps: int) -> Callable[[int], None]:
    """Return a function of the steps done that passes about a hundred of them on, but for the last."""
    every = max(1, -(-steps // 100))

    def report(done: int) -> None:
        if progress is not None and done % every == 0 and done < steps:
            progress(done)

    return report


def note(text: str) -> None:
    """Print a line on standard error, or nothing if that is no terminal."""
    if sys.stderr.isatty():
        print(f"gradflow: {text}", file=sys.stderr, flush=True)
