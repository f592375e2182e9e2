"""A task whose worker process dies is done by another one; nobody waits for ever, and nobody is left."""

from __future__ import annotations

import multiprocessing
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest

from gradflow.base.tasks import completed
from gradflow.cli.workers import THREADS, results, run_all
from tests.cli.tasks import die, die_once, note, threads

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")


@POSIX
@pytest.mark.parametrize("half", [b"", struct.pack("!i", 1000) + b"half"], ids=len)
def test_a_dead_workers_task_is_done_by_another(tmp_path: Path, half: bytes) -> None:
    tasks: list[Callable[[], Any]] = [partial(die_once, tmp_path / "mark", half), partial(abs, -2)]
    assert run_all(tasks, lambda done: None, workers=2) == [1, 2]
    assert (tmp_path / "mark").exists()
    assert multiprocessing.active_children() == []


@POSIX
def test_a_task_that_always_kills_is_given_up() -> None:
    with pytest.raises(ChildProcessError, match="3 worker processes died on the same task"):
        run_all([die, partial(abs, -2)], lambda done: None, workers=2)
    assert multiprocessing.active_children() == []


def test_tasks_are_taken_as_they_are_needed(tmp_path: Path) -> None:
    """There may be any number; closing ends the workers."""
    taken = count()
    tasks = ((next(taken), partial(note, tmp_path / "x")) for _ in count())
    some = results(tasks, workers=2)
    found = dict(islice(some, 5))
    assert set(found) < set(range(7))
    assert list(found.values()) == ["x"] * 5
    some.close()
    assert next(taken) <= 7
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("window", [1, 3, 100])
def test_an_executor_gets_a_few_tasks_at_a_time(window: int) -> None:
    gate = threading.Semaphore(0)
    found: dict[int, int] = {}
    most = 0

    def square(k: int) -> int:
        gate.acquire()
        return k * k

    def tasks() -> Iterator[tuple[int, Callable[[], int]]]:
        nonlocal most
        for k in range(20):
            most = max(most, k + 1 - len(found))
            yield k, partial(square, k)

    with ThreadPoolExecutor(2) as executor:
        some = completed(tasks(), executor.submit, window=window)
        while len(found) < 20:
            gate.release()
            key, future = next(some)
            found[key] = future.result()
        assert list(some) == []
    assert found == {k: k * k for k in range(20)}
    assert most == min(window, 20)


def test_what_was_handed_out_is_taken_back() -> None:
    futures: list[Future[int]] = []

    def submit(task: Callable[[], int]) -> Future[int]:
        futures.append(Future())
        if len(futures) == 1:
            futures[0].set_result(task())
        return futures[-1]

    some = completed(((k, partial(abs, -k)) for k in count()), submit, window=4)
    key, future = next(some)
    assert (key, future.result()) == (0, 0)
    some.close()
    assert [future.cancelled() for future in futures] == [False, True, True, True]


def test_waiting_in_vain_can_be_ended() -> None:
    calls = 0

    def idle() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise ConnectionError("nobody is there")

    with pytest.raises(ConnectionError, match="nobody"):
        list(completed([(0, partial(abs, 1))], lambda task: Future(), idle=idle, every=0.01))
    assert calls == 3


def test_each_computes_in_one_thread_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in THREADS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(THREADS[0], "3")
    assert run_all([threads, threads], lambda done: None, workers=2) == [("3", "1", "1")] * 2
    assert threads() == ("3", None, None)
