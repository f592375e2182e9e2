"""Independent tasks on all the machine's cores, whatever becomes of the processes that compute them."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, NamedTuple, TypeVar

Key = TypeVar("Key")
Result = TypeVar("Result")

LEAVE_WITHIN = 10.0
"""Seconds that a worker process that is told to leave may take to clear up."""
ASK_EVERY = 0.5
"""Seconds between two requests to leave, and between two looks for an interrupt."""
DEATHS = 3
"""Worker processes that may die on a task; it is not given to another."""


def run_all(
    tasks: Sequence[Callable[[], Any]],
    advance: Callable[[float], None],
    workers: int | None = None,
    finished: Callable[[int, Any], None] = lambda index, result: None,
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
    finished : callable, optional
        Called in this process with the place and the result of every task as it is done.
    """
    found: dict[int, Any] = {}
    with closing(results(enumerate(tasks), workers=min(workers or cores(), len(tasks)))) as done:
        for index, result in done:
            found[index] = result
            finished(index, result)
            advance(len(found))
    return [found[index] for index in range(len(tasks))]


def results(
    tasks: Iterable[tuple[Key, Callable[[], Result]]], *, workers: int
) -> Generator[tuple[Key, Result]]:
    """Run tasks in worker processes and yield their keys and results as they are done.

    A task whose process died (killed, or out of memory) is given to another one. Closing the generator
    ends the processes; they also end when this process is killed.

    Parameters
    ----------
    tasks : iterable of (key, callable)
        As `run_all`; taken one by one, so there may be millions.
    workers : int
        One or none runs the tasks in this process.

    Raises
    ------
    ChildProcessError
        If `DEATHS` processes have died on the same task.

    Notes
    -----
    Not a `ProcessPoolExecutor`: its processes share their pipes and locks, so it waits for ever if one is
    killed while it sends a result.
    """
    if workers <= 1:
        for key, task in tasks:
            yield key, task()
        return
    left = (_Given(key, task, 0) for key, task in tasks)
    lost: deque[_Given[Key, Result]] = deque()
    given: dict[Connection, _Given[Key, Result]] = {}
    with _worker_processes() as processes:
        while True:
            while len(given) < workers and (next_one := lost.popleft() if lost else next(left, None)):
                pipe = next((idle for idle in processes if idle not in given), None) or _add_worker(processes)
                given[pipe] = next_one
                if not _sent(pipe, next_one.task):
                    lost.append(_after_death(given.pop(pipe)))
                    _remove_dead(processes, pipe)
            if not given:
                return
            for pipe in _ready(given):
                returned = given.pop(pipe)
                answer = _received(pipe)
                if answer is None:
                    lost.append(_after_death(returned))
                    _remove_dead(processes, pipe)
                    continue
                succeeded, result = pickle.loads(answer)
                if not succeeded:
                    raise result
                yield returned.key, result


class _Given(NamedTuple, Generic[Key, Result]):
    """A task, and how many processes have died on it."""

    key: Key
    task: Callable[[], Result]
    deaths: int


def _after_death(task: _Given[Key, Result]) -> _Given[Key, Result]:
    if task.deaths + 1 == DEATHS:
        raise ChildProcessError(
            f"{DEATHS} worker processes died on the same task: killed, or there was not enough memory"
        )
    return task._replace(deaths=task.deaths + 1)


@contextmanager
def _worker_processes() -> Iterator[dict[Connection, BaseProcess]]:
    """Give a dict for worker processes and our ends of their pipes; end them afterwards."""
    processes: dict[Connection, BaseProcess] = {}
    try:
        yield processes
    except BaseException:
        with _interrupts_ignored():
            for process in processes.values():
                process.terminate()
            _let_end(processes, LEAVE_WITHIN)
        raise
    _let_end(processes)


def _add_worker(processes: dict[Connection, BaseProcess]) -> Connection:
    """Start a worker process; return our end of its pipe."""
    # Not forked: a fork copies the progress bar's thread in whatever state it is.
    context = multiprocessing.get_context("spawn")
    # Ctrl-C goes to every process of the terminal; the workers, which inherit this, leave it to us.
    with interrupts_held():
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs,), daemon=True)
        with _one_thread_each():
            process.start()
        # The pipe ends with the process only if nobody else holds its other end.
        theirs.close()
        processes[ours] = process
    return ours


THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let processes started meanwhile do linear algebra in one thread, unless the user says otherwise.

    There is a process for every core: more threads would only wait for each other.
    """
    mine = [name for name in THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(mine, "1"))
    try:
        yield
    finally:
        for name in mine:
            del os.environ[name]


def _remove_dead(processes: dict[Connection, BaseProcess], pipe: Connection) -> None:
    """Close the pipe of a process that has died, and wait until the system has cleared it away."""
    pipe.close()
    processes.pop(pipe).join()


def _let_end(processes: dict[Connection, BaseProcess], within: float | None = None) -> None:
    """Let the processes go: a pipe that ends is the sign to leave. Kill those that do not within a time.

    A task may take the request to leave for something else, and lose it.
    """
    for pipe in processes:
        pipe.close()
    for process in processes.values():
        if within is None:
            process.join()
            continue
        for _ in range(round(within / ASK_EVERY)):
            process.join(ASK_EVERY)
            if not process.is_alive():
                break
            # A signal that comes just before a system call is seen after it; the next one interrupts it.
            process.terminate()
        if process.is_alive():
            process.kill()
            process.join()


def _sent(pipe: Connection, task: Callable[[], Any]) -> bool:
    data = pickle.dumps(task)
    try:
        pipe.send_bytes(data)
    except OSError:
        return False
    return True


def _ready(pipes: Iterable[Connection]) -> list[Connection]:
    """Wait until there is something to read in a pipe, or it ends."""
    found: list[Any] = []
    while not found:
        # An interrupt that comes just before this waits is seen after it.
        found = wait(list(pipes), ASK_EVERY)
    return [pipe for pipe in found if isinstance(pipe, Connection)]


def _received(pipe: Connection) -> bytes | None:
    """Return a message, or None if the process died before its end."""
    try:
        return pipe.recv_bytes()
    except (EOFError, OSError):
        return None


def _serve(pipe: Connection) -> None:
    """Do the tasks that come through the pipe, in a worker process, until it ends."""
    # Terminated, leave through the `finally` clauses of the task.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    while (task := _received(pipe)) is not None:
        try:
            answer = pickle.dumps((True, pickle.loads(task)()))
        except Exception as error:
            error.add_note(f"in a worker process:\n{traceback.format_exc()}")
            answer = pickle.dumps((False, error))
        try:
            pipe.send_bytes(answer)
        except OSError:
            return


def _leave(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(130)


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def interrupts_held() -> Iterator[None]:
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
