"""Independent tasks on all the machine's cores."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any


def run_all(
    tasks: Sequence[Callable[[], Any]], advance: Callable[[float], None], workers: int | None = None
) -> list[Any]:
    """Run tasks in worker processes and return their results in order.

    Parameters
    ----------
    tasks : sequence of callables
        Picklable, without arguments, independent of each other.
    advance : callable
        Called with the number of tasks done.
    workers : int, optional
        As many as there are cores by default; one runs the tasks in this process.
    """
    workers = min(workers or _cores(), len(tasks))
    if workers <= 1:
        results = []
        for task in tasks:
            results.append(task())
            advance(len(results))
        return results
    # Not forked: a fork copies the progress bar's thread in whatever state it is.
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(workers, mp_context=context, initializer=_leave_when_interrupted)
    try:
        futures = [executor.submit(task) for task in tasks]
        for done, future in enumerate(as_completed(futures), start=1):
            future.result()
            advance(done)
        return [future.result() for future in futures]
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _leave_when_interrupted() -> None:
    """Make Ctrl-C end a worker silently, through its `finally` clauses."""
    signal.signal(signal.SIGINT, _leave)


def _leave(*_: object) -> None:
    raise SystemExit(130)
