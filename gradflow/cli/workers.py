"""Independent tasks on all the machine's cores."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
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
    executor = ProcessPoolExecutor(workers, mp_context=context, initializer=_listen)
    try:
        # Ctrl-C goes to every process of the terminal; the workers, which inherit this, leave it to us.
        with _interrupts_held():
            futures = [executor.submit(_run, task) for task in tasks]
        for done, future in enumerate(as_completed(futures), start=1):
            future.result()
            advance(done)
        return [future.result() for future in futures]
    except BaseException:
        with _interrupts_ignored():
            for child in multiprocessing.active_children():
                child.terminate()
            executor.shutdown(wait=True, cancel_futures=True)
        raise
    finally:
        executor.shutdown()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let an interrupt wait; processes started meanwhile never get one.

    The mask is what those processes inherit. It is this thread's alone, so a signal may still arrive
    through another thread (of a numerical library, say): the handler keeps it until the end.
    """
    if not hasattr(signal, "pthread_sigmask") or threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: arrived.append(number))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, handler)
        if arrived and callable(handler):
            handler(signal.SIGINT, None)


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Clear up without being interrupted again."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _listen() -> None:
    """Make a worker leave through its `finally` clauses when it is terminated."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)


def _leave(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(130)


def _run(task: Callable[[], Any]) -> Any:
    try:
        return task()
    except SystemExit:
        # The executor would take this for the task's result and hand out the next one.
        os._exit(130)
