"""Contenders in processes of their own, answers first, then times, taken in turn."""

from __future__ import annotations

import importlib.util
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
# Thread pools spin for some milliseconds after work; the next contender waits for that.
PAUSE = 0.05
# What has run for this many seconds is not repeated.
LONG = 10.0

Say = Callable[[str], None]


def silent(_: str) -> None:
    """Say nothing."""


class Contender(NamedTuple):
    """A program in one of its forms.

    Attributes
    ----------
    peer : str
        The program; several forms may belong to one, and its fastest counts.
    form : str
        In words, for the table.
    entry : str
        ``module:function`` in `benchmarks.peers`.
    options : dict
        The function's keyword arguments.
    needs : tuple of str
        The modules that must be installed.
    share : float
        The part of the work it is given; times are divided by it.
    """

    peer: str
    form: str
    entry: str
    options: dict[str, Any]
    needs: tuple[str, ...] = ()
    share: float = 1.0


class Measured(NamedTuple):
    """A contender's answer and its times in seconds for the whole work, or why there are none."""

    contender: Contender
    answer: np.ndarray | None = None
    seconds: tuple[float, ...] = ()
    setup: float = float("nan")
    peak: float = float("nan")
    problem: str = ""

    @property
    def best(self) -> float:
        """The least time; infinite without one."""
        return min(self.seconds, default=float("inf"))


def cores() -> list[int]:
    """Return the cores this process may use."""
    return sorted(os.sched_getaffinity(0))


def environment(threads: int) -> dict[str, str]:
    """Return the environment in which a contender has so many threads."""
    count = str(threads)
    pools = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "NUMBA")
    xla = "" if threads > 1 else "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    return {
        **os.environ,
        **{f"{pool}_NUM_THREADS": count for pool in pools},
        "XLA_FLAGS": xla,
        "JAX_PLATFORMS": "cpu",
    }


class Worker:
    """A program's process, bound to the first `threads` cores of this one."""

    def __init__(self, threads: int) -> None:
        # Inherited from this process, which goes back to all of its cores.
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, sorted(allowed)[:threads])
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=ROOT,
                env=environment(threads),
            )
        finally:
            os.sched_setaffinity(0, allowed)
        self._requests: IO[bytes] = self._process.stdin  # type: ignore[assignment]
        self._replies: IO[bytes] = self._process.stdout  # type: ignore[assignment]

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._process.kill()
        with suppress(BrokenPipeError):
            self._requests.close()
        self._process.wait()
        self._replies.close()

    def ask(self, kind: str, given: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a request and return the reply; a process that died replies with an error."""
        try:
            pickle.dump((kind, given), self._requests, protocol=pickle.HIGHEST_PROTOCOL)
            self._requests.flush()
            reply: dict[str, Any] = pickle.load(self._replies)
        except (EOFError, BrokenPipeError):
            return {"error": f"the process ended with code {self._process.wait()}"}
        return reply


def missing(contender: Contender) -> str:
    """Return what a contender lacks, in one line; empty if nothing."""
    absent = [name for name in contender.needs if importlib.util.find_spec(name) is None]
    return (
        f"{', '.join(absent)} not installed; in a clone of gradflow: pip install '.[peers]'" if absent else ""
    )


def measure(
    contenders: Sequence[Contender], *, threads: int, repetitions: int, say: Say = silent
) -> list[Measured]:
    """Get every contender's answer (its first run), then time them in turn.

    Contenders of one peer share a process. Imports, set-up, compilation and the first run are not in the
    times.

    Parameters
    ----------
    threads : int
        Cores, and threads of every pool, of each process.
    repetitions : int
        How often each is timed; no more once its runs have taken `LONG` seconds.
    say : callable, optional
        Told what is being done.
    """
    results = [Measured(contender, problem=missing(contender)) for contender in contenders]
    with ExitStack() as stack:
        workers: dict[str, Worker] = {}

        def ask(i: int, kind: str) -> dict[str, Any]:
            contender = contenders[i]
            if contender.peer not in workers:
                workers[contender.peer] = stack.enter_context(Worker(threads))
            return workers[contender.peer].ask(kind, contender._asdict())

        for i in _running(results):
            say(f"{contenders[i].peer}, {contenders[i].form}: set-up and answer")
            reply = ask(i, "prepare")
            results[i] = results[i]._replace(
                answer=reply.get("answer"),
                setup=reply.get("setup", float("nan")),
                problem=reply.get("error", ""),
            )
        for turn in range(repetitions):
            for i in _running(results):
                if sum(results[i].seconds) * contenders[i].share > LONG:
                    continue
                say(f"{contenders[i].peer}, {contenders[i].form}: run {turn + 1} of {repetitions}")
                time.sleep(PAUSE)
                reply = ask(i, "run")
                if "error" in reply:
                    results[i] = results[i]._replace(seconds=(), problem=reply["error"])
                    continue
                seconds = reply["seconds"] / contenders[i].share
                results[i] = results[i]._replace(seconds=(*results[i].seconds, seconds))
        for i in _running(results):
            results[i] = results[i]._replace(peak=ask(i, "peak").get("peak", float("nan")))
    return results


def _running(results: Sequence[Measured]) -> list[int]:
    return [i for i, result in enumerate(results) if not result.problem]
