"""`kill -9` of a worker or of the whole run loses no finished block, and changes no bit of the results.

The moments are drawn by a seeded generator, in numbers of finished blocks, which the tests watch on disk.
There are 2 of each kind; GRADFLOW_KILLS=20 in the environment makes them 20.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from gradflow.cli import run
from gradflow.ends import Ends
from tests.cli.command import files_below, launch, living, wait_until, workers_of

pytest.importorskip("zarr")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

# 32 blocks, each a hundredth of a second or two on NumPy.
SWEEP = (
    *("basins", "--grid", "b1", "-2", "2", "16", "--grid", "b2", "-1.5", "1", "32", "--block", "16"),
    *("--method", "adam", "--samples", "20", "--lr", "0.05", "--steps", "150"),
)
BLOCKS = 32
VARIABLES = Ends._fields
KILLS = int(os.environ.get("GRADFLOW_KILLS", "2"))
SLOW = [pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, KILLS)]

Start = Callable[[Path], "subprocess.Popen[bytes]"]


@pytest.fixture(autouse=True, scope="module")
def one_core() -> Iterator[None]:
    """What runs in this process starts no others."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gradflow.cli.sweeps.cores", lambda: 1)
        yield


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, one_core: None) -> dict[str, bytes]:
    """Return the files of a store that nothing happened to."""
    path = tmp_path_factory.mktemp("undisturbed") / "sweep.zarr"
    assert run([*SWEEP, "--out", str(path)]) == 0
    assert finished(path) == set(itertools.product(range(16), range(2)))
    return contents(path)


@pytest.fixture
def start() -> Iterator[Start]:
    """Give a function that starts the sweep into a store; what it started is killed at the end."""
    groups: list[int] = []

    def begin(path: Path) -> subprocess.Popen[bytes]:
        process = launch(*SWEEP, "--out", str(path))
        groups.append(process.pid)
        return process

    yield begin
    for group in groups:
        for pid in living(group):
            os.kill(int(pid), signal.SIGKILL)


def contents(path: Path) -> dict[str, bytes]:
    return {name: (path / name).read_bytes() for name in files_below(path)}


def finished(path: Path) -> set[tuple[int, ...]]:
    """Return the places of the blocks that have all their files."""
    found = [
        {tuple(int(i) for i in f.relative_to(path / name / "c").parts) for f in chunks(path / name / "c")}
        for name in VARIABLES
    ]
    return set.intersection(*found)


def chunks(path: Path) -> list[Path]:
    return [file for file in path.glob("*/*") if file.name.isdigit()]


def stamps(path: Path) -> dict[Path, tuple[int, int]]:
    """Return what tells of the finished blocks' files whether they are still the same."""
    files = [path.joinpath(name, "c", *map(str, block)) for name in VARIABLES for block in finished(path)]
    return {file: (file.stat().st_ino, file.stat().st_mtime_ns) for file in files}


def reached(path: Path, moment: int, process: subprocess.Popen[bytes]) -> Callable[[], bool]:
    return lambda: len(finished(path)) >= moment or process.poll() is not None


def _gone(group: int) -> bool:
    return not living(group)


def ended(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    _, err = process.communicate(timeout=120)
    return process.returncode, err.decode()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("victim", "seed"),
    [
        ("main process", 0),
        *(pytest.param("main process", seed, marks=pytest.mark.slow) for seed in range(1, KILLS)),
        *(pytest.param("whole run", seed, marks=pytest.mark.slow) for seed in range(KILLS)),
    ],
)
def test_of_the_run(
    victim: str, seed: int, tmp_path: Path, start: Start, undisturbed: dict[str, bytes],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Kill the run, once or more: the same command computes what is missing, and nothing else."""
    generator = np.random.default_rng(seed)
    path = tmp_path / "sweep.zarr"
    before: dict[Path, tuple[int, int]] = {}
    for moment in sorted(generator.integers(0, BLOCKS - 8, size=1 + seed % 3)):
        process = start(path)
        wait_until(reached(path, int(moment), process))
        (os.killpg if victim == "whole run" else os.kill)(process.pid, signal.SIGKILL)
        code, err = ended(process)
        assert code == -signal.SIGKILL
        assert err in ("", f"{path}: found {len(before) // len(VARIABLES)} of {BLOCKS} blocks\n")
        # Without their main process the workers end by themselves, and nobody else writes.
        wait_until(partial(_gone, process.pid), limit=30)
        assert before.items() <= stamps(path).items()
        before = stamps(path)
    assert len(before) < len(VARIABLES) * BLOCKS
    was_made = path.exists()

    assert run([*SWEEP, "--out", str(path)]) == 0
    said = f"{path}: found {len(before) // len(VARIABLES)} of {BLOCKS} blocks\n" if was_made else ""
    assert capsys.readouterr().err == said
    assert before.items() <= stamps(path).items()
    assert contents(path) == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, *SLOW])
def test_of_workers(seed: int, tmp_path: Path, start: Start, undisturbed: dict[str, bytes]) -> None:
    """Kill a worker at two moments: the run goes on."""
    generator = np.random.default_rng(seed)
    path = tmp_path / "sweep.zarr"
    process = start(path)
    for moment in sorted(generator.integers(0, BLOCKS - 8, size=2)):
        wait_until(reached(path, int(moment), process))
        wait_until(lambda: workers_of(process.pid))
        os.kill(int(generator.choice(workers_of(process.pid))), signal.SIGKILL)
    assert ended(process) == (0, "")
    assert contents(path) == undisturbed
