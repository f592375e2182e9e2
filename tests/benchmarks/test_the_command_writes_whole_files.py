"""`python -m benchmarks`: a table on standard output, files that are complete, exit codes that say what."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks.harness import ROOT, Contender, Measured, Say
from benchmarks.table import Section, compare

POINTS = [
    {"peer": peer, "form": "", "seconds a trajectory": s, "median error": e, "largest error": 10.0 * e}
    for peer, s, e in (("gradflow fused", 4e-6, 1e-9), ("gradflow fused", 8e-6, 0.0), ("another", 1e-5, 1e-8))
]
SIZES = [{"work": "Adam", "n": n, "seconds": 1e-8 * n} for n in (1000, 10_000)]


def section(answer: float, data: dict[str, Any]) -> Section:
    ours, peer = (
        Measured(Contender(name, "form", "", {}), np.array([1.0]), (2.0,)) for name in ("ours", "peer")
    )
    peer = peer._replace(answer=np.array([answer]))
    line = compare("flow", "fused", ours, [peer], 0.5, 1e-9)
    return Section("flow", "A row", [line], [ours, peer], data)


def run(monkeypatch: pytest.MonkeyPatch, answer: float, *arguments: str, **data: Any) -> int:
    def row(quick: bool, say: Say) -> Section:
        say("something")
        assert quick
        return section(answer, data)

    def unwanted(quick: bool, say: Say) -> Section:
        raise AssertionError("a row that was not asked for")

    monkeypatch.setattr(command, "ROWS", {"flow": row, "adam": unwanted})
    return command.main(["--quick", "--only", "flow", *arguments])


@pytest.mark.slow
def test_files_and_table(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data: dict[str, Any] = {"work-precision": POINTS, "scaling": SIZES, "unknown": math.inf}
    assert run(monkeypatch, 1.0, "--out", str(tmp_path / "new"), **data) == 0
    printed = capsys.readouterr()
    assert "peer: form" in printed.out
    names = {
        "results.json",
        "table.md",
        "work_precision.pdf",
        "work_precision.png",
        "scaling.pdf",
        "scaling.png",
    }
    assert {path.name for path in (tmp_path / "new").iterdir()} == names
    found = json.loads((tmp_path / "new" / "results.json").read_text())
    assert found["rows"][0]["lines"][0]["value"] == 1.0
    assert found["rows"][0]["lines"][0]["met"] is True
    assert found["rows"][0]["data"]["unknown"] is None
    assert found["provenance"]["quick"] is True
    assert {"numpy", "jax"} <= set(found["provenance"]["programs"])


def test_json(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, 1.0, "--json", "--out", str(tmp_path)) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "results.json").read_text())


def test_answers_that_disagree_are_exit_code_1(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert run(monkeypatch, 1.1, "--out", str(tmp_path)) == 1


def test_a_folder_that_cannot_be_written_is_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert run(monkeypatch, 1.0, "--out", str(tmp_path / "file")) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("--out: cannot write to")


def test_an_interrupt_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def row(quick: bool, say: Say) -> Section:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "ROWS", {"flow": row})
    assert command.main(["--out", str(tmp_path / "new")]) == 130
    assert not (tmp_path / "new").exists()
    assert capsys.readouterr().err.endswith("interrupted: nothing was written\n")


def test_an_unknown_row_is_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["--only", "nothing"])
    assert ended.value.code == 2
    assert "nothing" in capsys.readouterr().err


@pytest.mark.slow
def test_a_small_run_from_the_command_line(tmp_path: Path) -> None:
    pytest.importorskip("numba")
    arguments = ["--quick", "--only", "scaling", "--only", "samples", "--out", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "results.json").read_text())["rows"]
    assert [row["row"] for row in rows] == ["samples", "scaling"]
    lines = [line for row in rows for line in row["lines"] if line["row"] == "scaling"]
    assert all(line["value"] is not None and line["error"] in (0.0, None) for line in lines)
