"""`--cluster`: the same bits as on this machine, whoever is killed; one line when the cluster is no use."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradflow.cli import run
from gradflow.ends.outcome import OUTCOMES
from gradflow.sweeps.cluster import _result, cluster_results
from tests.cli.command import ROOT, files_below, launch, living, wait_until
from tests.cli.tasks import fail

pytest.importorskip("zarr")
distributed = pytest.importorskip("distributed")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

BLOCKS = 40
SWEEP = (
    *("basins", "--grid", "b1", "-2", "2", "20", "--grid", "b2", "-1.5", "1", "32", "--block", "16"),
    *("--method", "adam", "--samples", "20", "--lr", "0.05", "--steps", "200"),
)
BLOCKED = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "gradflow":
            raise ModuleNotFoundError("No module named 'gradflow'")

sys.meta_path.insert(0, Blocked())
"""
OTHER = "import gradflow, gradflow.base.version as own; gradflow.__version__ = own.__version__ = '99.0'"


class Cluster:
    """Dask processes, each in a group of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, kind: str, *options: str, preload: str = "") -> subprocess.Popen[bytes]:
        """Start a scheduler or a worker, which first runs some code."""
        place = ["--scheduler-file", str(self.folder / "scheduler.json"), "--no-dashboard"]
        if preload:
            (self.folder / "before.py").write_text(preload)
            place += ["--preload", str(self.folder / "before.py")]
        with open(self.folder / "log", "ab") as log:
            process = subprocess.Popen(
                (sys.executable, "-m", "dask", kind, *place, *options),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=self.folder,
            )  # fmt: skip
        self.started.append(process)
        return process

    def start_scheduler(self, preload: str = "") -> subprocess.Popen[bytes]:
        """Start a scheduler and wait until it can be asked."""
        process = self.start("scheduler", "--host", "127.0.0.1", "--port", "0", preload=preload)
        wait_until((self.folder / "scheduler.json").exists)
        wait_until(lambda: bool(self.address))
        return process

    def start_workers(self, count: int, *options: str, preload: str = "") -> list[subprocess.Popen[bytes]]:
        """Start workers and wait for them."""
        started = [self.start("worker", "--nthreads", "1", *options, preload=preload) for _ in range(count)]
        with self.client() as client:
            client.wait_for_workers(count, timeout=60)
        return started

    @property
    def address(self) -> str:
        """The scheduler's address."""
        with contextlib.suppress(ValueError, OSError):
            return str(json.loads((self.folder / "scheduler.json").read_text())["address"])
        return ""

    def client(self) -> Any:
        """Return a connection of our own."""
        return distributed.Client(self.address, timeout=30)

    def tasks(self) -> int:
        """Return how many tasks the scheduler has."""
        with self.client() as client:
            return int(client.run_on_scheduler(count_tasks))

    def end(self) -> None:
        """Kill what was started and what that has started."""
        for process in self.started:
            process.kill()
            for pid in living(process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            process.wait(timeout=30)


def count_tasks(dask_scheduler: Any) -> int:
    return len(dask_scheduler.tasks)


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Give a cluster that has no processes yet; they are killed at the end."""
    found = Cluster(tmp_path_factory.mktemp("cluster"))
    yield found
    found.end()


def pair_in(folder: Path) -> Iterator[Cluster]:
    found = Cluster(folder)
    try:
        found.start_scheduler()
        found.start_workers(2)
        yield found
    finally:
        found.end()


@pytest.fixture
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Give a scheduler with two workers."""
    yield from pair_in(tmp_path_factory.mktemp("cluster"))


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Give a scheduler with two workers, for tests that leave them as they were."""
    yield from pair_in(tmp_path_factory.mktemp("cluster"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the files of a store made by this process alone."""
    path = tmp_path_factory.mktemp("undisturbed") / "sweep.zarr"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gradflow.cli.sweeps.cores", lambda: 1)
        assert run([*SWEEP, "--out", str(path)]) == 0
    return contents(path)


def contents(path: Path) -> dict[str, bytes]:
    return {name: (path / name).read_bytes() for name in files_below(path)}


def written(path: Path) -> int:
    return len([file for file in path.glob("first_crossing/c/*/*") if file.name.isdigit()])


def sweep_on(cluster: Cluster, path: Path) -> subprocess.Popen[bytes]:
    """Start the sweep on a cluster; it is killed with the cluster's processes, if it has not ended."""
    process = launch(*SWEEP, "--cluster", cluster.address, "--out", str(path))
    cluster.started.append(process)
    return process


def when(path: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    wait_until(lambda: written(path) >= count or process.poll() is not None)
    assert process.poll() is None, process.communicate()


def ended(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    _, err = process.communicate(timeout=120)
    return process.returncode, err.decode()


@pytest.mark.slow
@LINUX
def test_the_bits_are_those_of_one_machine(
    lasting: Cluster, tmp_path: Path, undisturbed: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "sweep.zarr"
    assert run([*SWEEP, "--json", "--cluster", lasting.address, "--out", str(path)]) == 0
    stored = capsys.readouterr()
    assert contents(path) == undisturbed
    assert run([*SWEEP, "--json", "--cluster", lasting.address]) == 0
    assert capsys.readouterr() == stored
    assert stored.err == ""
    assert lasting.tasks() == 0


@pytest.mark.slow
@LINUX
@pytest.mark.parametrize("seed", range(2))
def test_workers_are_killed(seed: int, pair: Cluster, tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    """First a worker's process, which its nanny replaces, then one with its nanny."""
    generator = np.random.default_rng(seed)
    first, second = sorted(generator.integers(0, BLOCKS - 8, size=2))
    process = sweep_on(pair, tmp_path / "sweep.zarr")
    when(tmp_path / "sweep.zarr", first, process)
    with pair.client() as client:
        pids = list(client.run(os.getpid, on_error="ignore").values())
    os.kill(int(generator.choice(pids)), signal.SIGKILL)
    when(tmp_path / "sweep.zarr", second, process)
    os.killpg(pair.started[1].pid, signal.SIGKILL)
    assert ended(process) == (0, "")
    assert contents(tmp_path / "sweep.zarr") == undisturbed


@pytest.mark.slow
@LINUX
@pytest.mark.parametrize(("seed", "number"), [(0, signal.SIGKILL), (1, signal.SIGINT), (2, signal.SIGKILL)])
def test_the_run_is_ended(
    seed: int, number: signal.Signals, lasting: Cluster, tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    """Nothing stays on the cluster, and the same command goes on."""
    moment = int(np.random.default_rng(seed).integers(0, BLOCKS - 8))
    path = tmp_path / "sweep.zarr"
    process = sweep_on(lasting, path)
    when(path, moment, process)
    os.killpg(process.pid, number)
    expected = (-9, "") if number == signal.SIGKILL else (130, "interrupted\n")
    assert ended(process) == expected
    found = written(path)
    assert moment <= found < BLOCKS
    wait_until(lambda: lasting.tasks() == 0, limit=30)
    if number == signal.SIGINT:
        assert not [name for name in files_below(tmp_path) if name.endswith(".partial")]
    code, err = ended(sweep_on(lasting, path))
    assert code == 0
    # A kill may have come between the files of a block.
    assert err in [f"{path}: found {k} of {BLOCKS} blocks\n" for k in (found, found - 1)]
    assert contents(path) == undisturbed


@pytest.mark.slow
@LINUX
def test_the_scheduler_is_killed(cluster: Cluster, tmp_path: Path) -> None:
    scheduler = cluster.start_scheduler()
    cluster.start_workers(1)
    path = tmp_path / "sweep.zarr"
    process = sweep_on(cluster, path)
    when(path, 3, process)
    os.killpg(scheduler.pid, signal.SIGKILL)
    code, err = ended(process)
    assert code == 2
    assert err.count("\n") == 1
    assert "repeat the command to go on" in err
    assert cluster.address in err
    assert 3 <= written(path) < BLOCKS


@pytest.mark.slow
@LINUX
def test_no_worker_is_left(cluster: Cluster) -> None:
    cluster.start_scheduler()
    (worker,) = cluster.start_workers(1, "--no-nanny")
    tasks = ((k, partial(time.sleep, 0.05 if k == 0 else 600)) for k in range(3))
    results = cluster_results(cluster.address, tasks, patience=1.0)
    assert next(results) == (0, None)
    os.killpg(worker.pid, signal.SIGKILL)
    with pytest.raises(ConnectionError, match=r"has had no worker for 1 s$"):
        next(results)
    wait_until(lambda: cluster.tasks() == 0)


@pytest.mark.slow
@LINUX
def test_a_task_that_kills(pair: Cluster) -> None:
    """A task on which worker after worker dies is given up; what a task raises comes through."""
    with pytest.raises(ConnectionError, match=r"several workers of .* died on the same task"):
        list(cluster_results(pair.address, [(0, partial(os.abort))]))
    with pytest.raises(ValueError, match="between: the outcome is global"):
        list(cluster_results(pair.address, [(0, fail)]))


@pytest.mark.slow
@LINUX
@pytest.mark.parametrize("kind", ["scheduler", "worker"])
@pytest.mark.parametrize(
    ("code", "line"),
    [
        (BLOCKED, "has no gradflow (No module named 'gradflow')"),
        (OTHER, "has gradflow 99.0, this program is"),
    ],
    ids=["missing", "other version"],
)
def test_other_software_is_refused(
    kind: str, code: str, line: str, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.start_scheduler(code if kind == "scheduler" else "")
    cluster.start_workers(1, preload=code if kind == "worker" else "")
    assert run([*SWEEP, "--cluster", cluster.address]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith(f"gradflow: --cluster: the {kind} at ")
    assert line in err


@pytest.mark.slow
@LINUX
def test_a_worker_that_comes_later_is_checked(cluster: Cluster) -> None:
    cluster.start_scheduler()

    def tasks() -> Iterator[tuple[int, Callable[[], int]]]:
        cluster.start("worker", preload=OTHER)
        yield 0, partial(abs, -1)

    with pytest.raises(ValueError, match=r"^cluster: .* has gradflow 99\.0, this program is gradflow"):
        list(cluster_results(cluster.address, tasks()))


@pytest.mark.slow
@LINUX
def test_the_documentations_commands(cluster: Cluster, tmp_path: Path) -> None:
    """On another port and with fewer starts: first on the cluster, then what is there is found."""
    programs = Path(sys.executable).parent
    if not (programs / "gradflow").exists() or not (programs / "dask").exists():
        pytest.skip("not installed beside this Python")
    page = (ROOT / "docs" / "sweeps.md").read_text(encoding="utf-8")
    alone, together = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)[:2]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        together = together.replace("8786", str(free.getsockname()[1]))
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(
            ["bash", "-c", f"{together}\nkill %1 %2 %3\nwait\n{alone}".replace(" 1000", " 30")],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, start_new_session=True,
            cwd=tmp_path, env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
        )  # fmt: skip
    cluster.started.append(process)
    out, _ = process.communicate(timeout=120)
    lines = out.decode().splitlines()
    assert len(lines) == 2 * len(OUTCOMES)
    assert lines[: len(OUTCOMES)] == lines[len(OUTCOMES) :]
    assert "sweep.zarr: found all 1 blocks" in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("tcp://127.0.0.1:1", "no Dask scheduler answers at tcp://127.0.0.1:1: "),
        ("", "--cluster: expected the address of a Dask scheduler, got ''"),
        ("nowhere::", "--cluster: 'nowhere::' is no address of a Dask scheduler: "),
    ],
)
def test_an_address_where_nothing_is(
    address: str, line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gradflow.sweeps.cluster.CONNECT", 0.3)
    assert run([*SWEEP, "--cluster", address]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"gradflow: {line}")


def test_what_the_cluster_did_to_a_task_is_one_line() -> None:
    for error, message in (
        (CancelledError(), "the scheduler at tcp://there:1 has gone away"),
        (distributed.KilledWorker("task", None, 3), "several workers of tcp://there:1 died on the same task"),
    ):
        future: Future[None] = Future()
        future.set_exception(error)
        with pytest.raises(ConnectionError, match=f"^{message}"):
            _result(future, "tcp://there:1")


def test_dask_that_is_missing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradflow.sweeps.cluster.importlib.util.find_spec", lambda _: None)
    assert run([*SWEEP, "--cluster", "tcp://127.0.0.1:1"]) == 2
    line = "gradflow: --cluster: dask is not installed; in a clone of gradflow: pip install '.[cluster]'\n"
    assert capsys.readouterr() == ("", line)
