"""Ctrl-C: one line, exit code 130, no half-written and no temporary file, no process left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gradflow.cli import run
from gradflow.cli.entry import INTERRUPTED, interrupt
from gradflow.cli.workers import run_all
from tests.cli.command import PROGRAM, ROOT, files_below, launch, living, wait_until, workers_of
from tests.cli.tasks import fail, note

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
STAYS = """
import sys
from functools import partial
from pathlib import Path
import gradflow.cli.entry as cli
import gradflow.cli.workers as workers
from tests.cli.tasks import stay

def work(_):
    workers.LEAVE_WITHIN = 0.5
    tasks = [partial(stay, Path(sys.argv[1]) / f"{i}.there") for i in range(2)]
    workers.run_all(tasks, lambda done: None, workers=2)

cli._run = work
cli.main([])
"""
HALVES = """
import sys
from functools import partial
from pathlib import Path
import gradflow.cli.entry as cli
from gradflow.cli.workers import run_all
from tests.cli.tasks import note, write_half

def work(_):
    out = Path(sys.argv[1])
    tasks = [partial(write_half, out / f"{i}.txt") for i in range(2)]
    run_all([*tasks, *(partial(note, out / f"late{i}") for i in range(9))], lambda done: None, workers=2)

cli._run = work
cli.main([])
"""


def interrupted(process: subprocess.Popen[bytes], to_group: bool = True) -> None:
    """Interrupt a program; check what it prints and returns, and that its processes are gone."""
    (os.killpg if to_group else os.kill)(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, b"", b"interrupted\n")
    if sys.platform == "linux":
        wait_until(lambda: not living(process.pid), limit=10)


def working(pid: int) -> bool:
    """Whether a worker has come beyond its start and computes."""
    spent = [Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split() for child in workers_of(pid)]
    return any(int(fields[11]) > 2 * os.sysconf("SC_CLK_TCK") for fields in spent)


@LINUX
@pytest.mark.parametrize("to_group", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_reproduce_as_its_workers_start(tmp_path: Path, to_group: bool) -> None:
    process = launch("reproduce", "--quick", "--out", str(tmp_path / "study"))
    wait_until(lambda: workers_of(process.pid))
    interrupted(process, to_group)
    assert files_below(tmp_path) == []


FEW = (
    "import gradflow.study.claims as c; c.LEDGER = c.select(c.LEDGER, ['obs1.kink']); "
    "from gradflow.cli import main; main()"
)
"""The program with one claim, after which it soon comes to the figures."""


@LINUX
@pytest.mark.slow
@pytest.mark.parametrize("when", ["directory", "working", "figure"])
def test_reproduce_at_other_moments(tmp_path: Path, when: str) -> None:
    study = tmp_path / "study"
    program = (sys.executable, "-c", FEW) if when == "figure" else PROGRAM
    process = launch("reproduce", "--quick", "--out", str(study), program=program)
    moments: dict[str, Callable[[], Any]] = {
        "directory": study.exists,
        "working": lambda: working(process.pid),
        "figure": lambda: any((study / "figures").glob(".gradflow-*")),
    }
    wait_until(moments[when], limit=300)
    interrupted(process)
    assert all(name.startswith(("study/figures/0", "study/unfinished/")) for name in files_below(tmp_path))
    assert when == "figure" or not any("figures" in name for name in files_below(tmp_path))


@pytest.mark.parametrize("to_group", [True, False])
def test_workers_in_the_middle_of_a_file(tmp_path: Path, to_group: bool) -> None:
    code = (sys.executable, "-c", HALVES, str(tmp_path))
    process = subprocess.Popen(
        code, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, cwd=ROOT
    )
    wait_until(lambda: len(list(tmp_path.glob("*.started"))) == 2)
    assert len(list(tmp_path.glob(".gradflow-*"))) == 2
    interrupted(process, to_group)
    assert files_below(tmp_path) == ["0.started", "1.started"]


def test_workers_that_do_not_leave(tmp_path: Path) -> None:
    code = (sys.executable, "-c", STAYS, str(tmp_path))
    process = subprocess.Popen(
        code, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, cwd=ROOT
    )
    wait_until(lambda: len(list(tmp_path.glob("*.there"))) == 2)
    interrupted(process)


def test_workers_that_miss_the_first_request(tmp_path: Path) -> None:
    code = (sys.executable, "-c", HALVES.replace("write_half", "leave_late"), str(tmp_path))
    process = subprocess.Popen(
        code, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, cwd=ROOT
    )
    wait_until(lambda: len(list(tmp_path.glob("*.started"))) == 2)
    interrupted(process)
    assert files_below(tmp_path) == ["0.started", "1.started"]


@pytest.mark.slow
@LINUX
def test_a_trajectory_while_it_is_computed(tmp_path: Path) -> None:
    # No flow takes long enough to be interrupted on purpose.
    process = launch("train", "--steps", "90000000", "--b2", "-1", "--out", str(tmp_path / "run.nc"))
    wait_until(partial(_computes, process.pid))
    interrupted(process)
    assert files_below(tmp_path) == []


def _computes(pid: int) -> bool:
    """Whether a program has had more processor time than it takes to start."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) > 3 * os.sysconf("SC_CLK_TCK")


WRITERS = (
    "flow --b1 0.5 --t-end 1",
    "train --b1 0.5 --steps 3",
    "basins --grid b1 -1 1 2 --method gd --steps 2",
    "align --neurons 2 --points 3 --method gd --steps 2",
)


@pytest.mark.parametrize("command", WRITERS)
@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (OSError(28, "No space left on device"), 2, "gradflow: No space left on device\n"),
    ],
)
def test_the_writing_of_a_trajectory(
    command: str, error: BaseException, code: int, line: str,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def write_half(_: Any, path: Path, **__: Any) -> None:
        Path(path).write_text("half")
        raise error

    old = tmp_path / "run.nc"
    old.write_text("old")
    assert run(command.split()) == 0
    result = capsys.readouterr().out
    monkeypatch.setattr("xarray.Dataset.to_netcdf", write_half)
    assert run([*command.split(), "--out", str(old)]) == code
    # What has been computed is not lost with the file.
    assert capsys.readouterr() == ("" if code == INTERRUPTED else result, line)
    assert old.read_text() == "old"
    assert files_below(tmp_path) == ["run.nc"]


def test_results_come_in_order_and_are_counted(tmp_path: Path) -> None:
    counts: list[float] = []
    names = [f"{i}" for i in range(5)]
    tasks = [partial(note, tmp_path / name) for name in names]
    assert run_all(tasks, counts.append, workers=2) == names == run_all(tasks, counts.append, workers=1)
    assert counts == [1, 2, 3, 4, 5] * 2
    assert run_all([], counts.append) == []


def test_a_failing_task_ends_the_others() -> None:
    with pytest.raises(ValueError, match="between"):
        run_all([fail] * 3, lambda done: None, workers=2)


LOADING = """
import importlib.abc, runpy, sys

class Interrupt(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == sys.argv[1]:
            raise KeyboardInterrupt

sys.modules.pop(sys.argv[1], None)
sys.meta_path.insert(0, Interrupt())
runpy.run_module("gradflow", run_name="__main__")
"""


@pytest.mark.parametrize("module", ["gradflow.cli", "signal", "typing", "typer", "gradflow.cli.app", "numpy"])
def test_an_interrupt_while_the_program_is_loaded(module: str) -> None:
    command = (sys.executable, "-c", LOADING, module)
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


@pytest.mark.parametrize("patched", ["gradflow.cli.entry._run", "gradflow.cli.main"])
def test_an_interrupt_of_code_from_text(patched: str, tmp_path: Path) -> None:
    """As named tuples are made: after it `python -m` would end by the signal instead of with 130."""
    (tmp_path / "stopped.py").write_text(
        "import gradflow.cli, gradflow.__main__\n"
        "def raises():\n    raise KeyboardInterrupt\n"
        "def work(*_):\n    eval('raises()')\n"
        f"{patched} = work\ngradflow.__main__.main()\n"
    )
    where = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    command = (sys.executable, "-m", "stopped")
    done = subprocess.run(command, capture_output=True, text=True, env=where, check=False)
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


def test_nothing_is_loaded_before_an_interrupt_is_heard() -> None:
    code = (
        "import __future__, sys; old = set(sys.modules); import gradflow.__main__; "
        "print(*sorted(set(sys.modules) - old))"
    )
    done = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, cwd=ROOT, check=True)
    # The version is text.
    assert set(done.stdout.split()) == {
        "gradflow",
        "gradflow.__main__",
        "gradflow.base",
        "gradflow.base.version",
    }


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="not POSIX")
def test_an_interrupt_while_python_imports_comes_a_moment_later() -> None:
    """What callbacks of the import system raise is printed and lost."""
    before = [signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGALRM)]
    try:
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        # Python calls the handler where the frame of the import system goes on.
        caller = compile("(kill(pid, number), 'imported')[1]", "<frozen importlib._bootstrap>", "eval")
        names = {"kill": os.kill, "pid": os.getpid(), "number": signal.SIGINT}
        assert eval(caller, names) == "imported"
        with pytest.raises(KeyboardInterrupt):
            wait_until(lambda: False, limit=10)
    finally:
        for number, handler in zip((signal.SIGINT, signal.SIGALRM), before, strict=True):
            signal.signal(number, handler)
