"""Progress on a terminal and in a notebook."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from gradflow.base.checks import number, shown


def progress_bar(label: str, total: float) -> AbstractContextManager[Callable[[float], None]]:
    """Give a function that moves a progress bar; it does nothing where nobody watches.

    Parameters
    ----------
    label : str
        What stands before the bar.
    total : float
        What is passed when all is done, at least 0: the number of steps, or the time at the end.

    Returns
    -------
    context manager
        Gives the function, which takes what is done: what `progress` of `gradflow.train` and
        `gradflow.gradient_flow` may be.

    Raises
    ------
    ValueError, TypeError
        One line that names the argument.

    Notes
    -----
    The bar is on standard error if that is a terminal, in the output of the cell in a notebook, and nowhere
    else.

    Examples
    --------
    >>> import gradflow as gf
    >>> with gf.progress_bar("Adam", 200) as done:
    ...     run = gf.train(steps=200, progress=done)
    """
    if not isinstance(label, str):
        raise TypeError(f"label: expected text, got {shown(label)}")
    return _bar(label, number("total", total, 0.0))


@contextmanager
def _bar(label: str, total: float) -> Iterator[Callable[[float], None]]:
    """Give the function that moves the bar of where this runs."""
    if _notebook():
        with _in_a_cell(label, total) as move:
            yield move
        return
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


def _notebook() -> bool:
    """Whether this runs in the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return hasattr(shell, "kernel")


@contextmanager
def _in_a_cell(label: str, total: float) -> Iterator[Callable[[float], None]]:
    """Give a function that moves a bar in a notebook; it needs no widgets, and is gone at the end."""
    from html import escape

    from IPython.display import HTML, display

    def bar(done: float) -> Any:
        share = min(1.0, max(0.0, done / total)) if total > 0 else 1.0
        return HTML(
            f"<label>{escape(label)} <progress value='{share:.3f}'></progress> {100 * share:.0f}%</label>"
        )

    handle = display(bar(0.0), display_id=True)
    try:
        yield lambda done: handle.update(bar(done))
    finally:
        handle.update(HTML(""))


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
