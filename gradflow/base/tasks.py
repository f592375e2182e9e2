"""Many independent tasks on any `concurrent.futures.Executor`, a few at a time."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TypeVar

Key = TypeVar("Key")
Result = TypeVar("Result")

WINDOW = 64
"""Tasks handed out at a time: enough to keep the workers of a machine busy, few enough to be forgotten."""


def completed(
    tasks: Iterable[tuple[Key, Callable[[], Result]]],
    submit: Callable[[Callable[[], Result]], Future[Result]],
    *,
    window: int = WINDOW,
    idle: Callable[[], object] | None = None,
    every: float = 1.0,
) -> Generator[tuple[Key, Future[Result]]]:
    """Hand out tasks, and yield each one's key and its future once that is done, in the order of completion.

    Parameters
    ----------
    tasks : iterable of (key, callable)
        Taken one by one as there is room, so there may be millions.
    submit : callable
        An executor's `submit`.
    window : int
        Tasks handed out and not yielded, at most.
    idle : callable, optional
        Called when nothing was completed for `every` seconds; ends the waiting by raising an exception.

    Notes
    -----
    What has been handed out is cancelled when the generator is closed.
    """
    waiting = iter(tasks)
    handed: dict[Future[Result], Key] = {}
    try:
        while True:
            for key, task in itertools.islice(waiting, window - len(handed)):
                handed[submit(task)] = key
            if not handed:
                return
            done = wait(handed, every if idle else None, FIRST_COMPLETED).done
            if idle and not done:
                idle()
            for future in done:
                yield handed.pop(future), future
    finally:
        for future in handed:
            future.cancel()
