"""Independent tasks on the workers of a running Dask scheduler (extra `cluster`)."""

from __future__ import annotations

import importlib.util
import logging
import pickle
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import closing, contextmanager
from functools import partial
from typing import Any, TypeVar

from gradflow.base.checks import not_installed
from gradflow.base.tasks import WINDOW, completed
from gradflow.base.version import __version__

Key = TypeVar("Key")
Result = TypeVar("Result")

CONNECT = 10.0
"""Seconds to wait for the scheduler to answer."""

PATIENCE = 60.0
"""Seconds to wait for a worker while the scheduler has none."""


def cluster_results(
    address: str, tasks: Iterable[tuple[Key, Callable[[], Result]]], *, patience: float = PATIENCE
) -> Generator[tuple[Key, Result]]:
    """Run tasks on the workers of a Dask scheduler and yield their keys and results as they are done.

    A task whose worker died is given to another one by the scheduler. Closing the generator takes back
    what is not done.

    Parameters
    ----------
    address : str
        The scheduler's, such as 'tcp://127.0.0.1:8786'.
    tasks : iterable of (key, callable)
        Picklable, without arguments, independent of each other; taken a few at a time.
    patience : float
        Seconds to wait while the scheduler has no worker.

    Raises
    ------
    ValueError
        If `distributed` is not installed, the address means nothing, or the scheduler or a worker lacks
        gradflow or has another version of it.
    ConnectionError
        If the scheduler does not answer or goes away, has no worker for too long, or has seen several die
        on one task.
    """
    require()
    with _quiet(), _client(address) as client:
        with _unreachable(address):
            _check_versions(client, address)
            threads = sum(client.nthreads().values())
        # Two runs of the same sweep have each its own tasks: one may take back what the other needs.
        executor = client.get_executor(pure=False)

        def submit(task: Callable[[], Result]) -> Future[Any]:
            # Bytes: the scheduler, too, looks at what it passes on, and needs not know a task's parts.
            future: Future[Any] = executor.submit(_run, __version__, pickle.dumps(task))
            return future

        idle = _watch(client, address, patience)
        try:
            with closing(completed(tasks, submit, window=max(WINDOW, 3 * threads), idle=idle)) as done:
                for key, future in done:
                    yield key, _result(future, address)
        finally:
            executor.shutdown(wait=False)


def require() -> None:
    """Raise a one-line ValueError unless Dask's distributed scheduler is installed."""
    if importlib.util.find_spec("distributed") is None:
        raise not_installed("cluster", "dask", "cluster")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask's log off standard error: what matters is raised."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


@contextmanager
def _client(address: str) -> Iterator[Any]:
    from distributed import Client

    if not address.strip():
        # The client would start a cluster of its own.
        raise ValueError("cluster: expected the address of a Dask scheduler, got ''")
    try:
        with _unreachable(address):
            client: Any = Client(address, timeout=CONNECT)
    except (ValueError, TypeError, ImportError, RuntimeError) as error:
        raise ValueError(f"cluster: {address!r} is no address of a Dask scheduler: {error}") from error
    with client:
        yield client


def _check_versions(client: Any, address: str) -> None:
    # A builtin, because a worker without gradflow stops when it gets a function of gradflow's.
    ask = partial(eval, "__import__('gradflow').__version__")
    answers = {f"the scheduler at {address}": _answer(partial(client.run_on_scheduler, ask))}
    for worker, answer in client.run(ask, on_error="return").items():
        # One that is just leaving, or busy, is checked when it gets a task.
        if not isinstance(answer, OSError):
            answers[f"the worker at {worker}"] = answer
    for name, answer in answers.items():
        if isinstance(answer, ImportError):
            raise ValueError(f"cluster: {name} has no gradflow ({answer})")
        if isinstance(answer, BaseException):
            raise answer
        _check_version(name, answer, __version__)


def _answer(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except ImportError as error:
        return error


def _check_version(name: str, version: str, wanted: str) -> None:
    if version != wanted:
        raise ValueError(f"cluster: {name} has gradflow {version}, this program is gradflow {wanted}")


def _run(version: str, task: bytes) -> Any:
    """Run a task on a worker: it may have come after the versions were asked for."""
    _check_version("a worker", __version__, version)
    return pickle.loads(task)()


def _watch(client: Any, address: str, patience: float) -> Callable[[], None]:
    """Return a function that raises a ConnectionError once there has been no worker for too long."""
    missed: list[float] = []

    def look() -> None:
        with _unreachable(address):
            workers = client.scheduler_info().get("workers")
        if workers:
            missed.clear()
            return
        missed.append(time.monotonic())
        if missed[-1] - missed[0] > patience:
            raise ConnectionError(f"the scheduler at {address} has had no worker for {patience:g} s")

    return look


@contextmanager
def _unreachable(address: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConnectionError(f"no Dask scheduler answers at {address}: {error}") from error


def _result(future: Future[Any], address: str) -> Any:
    """Return a task's result, or raise its error, or what happened on the cluster as one line."""
    from distributed import KilledWorker

    try:
        return future.result()
    except CancelledError as error:
        raise ConnectionError(f"the scheduler at {address} has gone away") from error
    except KilledWorker as error:
        raise ConnectionError(
            f"several workers of {address} died on the same task: killed, or out of memory"
        ) from error
