"""Bad input: one line that names the option, the value and what is allowed; exit code 2; no file."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from gradflow.cli import run
from tests.cli.command import PROGRAM, files_below, refused

NUMBER = "expected a number between -1e+30 and 1e+30, got"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["flow", "--w1", "nan"], f"--w1: {NUMBER} 'nan'"),
        (["flow", "--b1=-inf"], f"--b1: {NUMBER} '-inf'"),
        (["train", "--w2", "one"], f"--w2: {NUMBER} 'one'"),
        (["train", "--b2", ""], f"--b2: {NUMBER} ''"),
        (["flow", "--w1", "1e200"], f"--w1: {NUMBER} '1e200'"),
        (["train", "--b2", "-1e308"], f"--b2: {NUMBER} '-1e308'"),
        (["flow", "--teacher", "1", "0", "inf", "0"], f"--teacher: {NUMBER} 'inf'"),
        (["flow", "--interval", "-1", "1e31"], f"--interval: {NUMBER} '1e31'"),
        (["flow", "--interval", "1", "-1"], "--interval: LO must be below HI, got 1 -1"),
        (["train", "--interval", "1", "1"], "--interval: LO must be below HI, got 1 1"),
        (["flow", "--t-end", "-1"], "--t-end: expected a finite number >= 0, got '-1'"),
        (["flow", "--t-end", "inf"], "--t-end: expected a finite number >= 0, got 'inf'"),
        (["flow", "--rtol", "0"], "--rtol: expected a number between 1e-13 and 1e-2, got '0'"),
        (["train", "--lr", "-0.1"], "--lr: expected a finite number >= 0, got '-0.1'"),
        (["train", "--lr", "nan"], "--lr: expected a finite number >= 0, got 'nan'"),
        (["train", "--steps", "-1"], "--steps: expected an integer from 0 to 2147483647, got '-1'"),
        (["train", "--steps", "1e3"], "--steps: expected an integer from 0 to 2147483647, got '1e3'"),
        (["train", "--steps", "9" * 5000], "--steps: expected an integer from 0 to 2147483647, got '99"),
        (["train", "--samples", "1"], "--samples: expected an integer from 2 to 10000000, got '1'"),
        (["train", "--samples", "1e12"], "--samples: expected an integer from 2 to 10000000, got '1e12'"),
        (["train", "--samples", "9", "--population"], "--samples: cannot be combined with --population"),
        (["train", "--dtype", "float16"], "--dtype: expected float32 or float64, got 'float16'"),
        (["train", "--optimizer", "sgd"], "--optimizer: expected one of gd, heavy_ball, nesterov,"),
        (["train", "--hyper", "beta2"], "--hyper: expected NAME=X (the rate is --lr), got 'beta2'"),
        (["train", "--hyper", "lr=1"], "--hyper: expected NAME=X (the rate is --lr), got 'lr=1'"),
        (["train", "--hyper", "beta2=1"], "--hyper beta2: expected a number in [0, 1), got 1.0"),
        (["train", "--hyper=beta2=2"], "--hyper beta2: expected a number in [0, 1), got 2.0"),
        (["train", "--hyper", "beta2=x"], "--hyper beta2: expected a finite number, got 'x'"),
        (["train", "--hyper", "beta2=true"], "--hyper beta2: expected a finite number, got 'true'"),
        (
            ["train", "--optimizer", "rmsprop", "--hyper", "centered=maybe"],
            "--hyper centered: expected true or",
        ),
        (["flow", "--until-decided", "--no-theory"], "--until-decided: it has no meaning with --no-theory"),
        (["derive", "--latex"], "--latex: it has no meaning without RESULT"),
        (["train", "--hyper", "beta3=0"], "--hyper beta3: adam has no such hyper-parameter; it has lr,"),
        (["train", "--hyper", "=1"], "--hyper"),
        (
            ["train", "--hyper", "eps=0", "--hyper", "eps=1"],
            "--hyper eps: expected once, got 'eps=1' as well",
        ),
        (
            ["flow", "--activation", "slopes=1e300,1"],
            "--activation: with leaky-relu=1e+300 the teacher is too",
        ),
        (
            ["train", "--activation", "tanh", "--teacher-activation", "slopes=1,1e300"],
            "--teacher-activation: with slopes=1.0,1e+300 the teacher is too large: its output may reach",
        ),
        (
            ["basins", "--grid", "b1", "1", "1", "3"],
            "--grid: b1: 3 values need different ends, got 1.0 and 1.0",
        ),
        (["basins", "--grid", "b1", "1", "2", "1"], "--grid: b1: 1 value needs equal ends, got 1.0 and 2.0"),
        (["flow", "--out", ""], "--out: expected a name, got ''"),
        (["train", "--out="], "--out: expected a name, got ''"),
        (["flow", "--figure", ""], "--figure: expected a name, got ''"),
        (["train", "--data="], "--data: expected a name, got ''"),
        (["explore", "--export", ""], "--export: expected a name, got ''"),
        (["flow", "--network="], "--network: expected a name, got ''"),
        (["reproduce", "--only", "obs1.kink", "--out", ""], "--out: expected a name, got ''"),
        (["reproduce", "--only", "obs9"], "--only: no claim 'obs9'; did you mean 'obs3'? --list shows all"),
        (["reproduce", "--only", "poetry"], "--only: no claim 'poetry'; --list shows all"),
        (
            ["reproduce", "--only", "obs1.thresold"],
            "--only: no claim 'obs1.thresold'; did you mean 'obs1.threshold'? ",
        ),
        (["derive", "poetry"], "RESULT: expected a number from 1 (population_loss) to "),
        (["flow", "--teacher", "1", "0", "1"], "Option '--teacher' requires 4 arguments."),
        (["flow", "--b1"], "Option '--b1' requires an argument."),
        (["flow", "--rtoll", "1"], "No such option: --rtoll"),
        (["flow", "1"], "Got unexpected extra argument"),
        (["fly"], "No such command 'fly'."),
        ([], "expected a command: reproduce, derive, flow, train"),
    ],
)
def test_what_is_refused(arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, *arguments).startswith(line)


ONCE = {
    "flow": "--b1",
    "train": "--teacher",
    "threshold": "--between",
    "basins": "--out",
    "align": "--data",
    "reproduce": "--out",
}


@pytest.mark.parametrize(("command", "option"), ONCE.items())
def test_an_option_of_one_value_is_given_once(
    command: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    values = ["1"] * {"--teacher": 4, "--between": 2}.get(option, 1)
    needed = {"threshold": ["--vary", "b1"], "basins": ["--grid", "b1", "0", "1", "2"]}.get(command, [])
    line = refused(capsys, command, option, *values, *needed, option, *values)
    assert line == f"{option}: expected once, got 2 of them"


def test_what_may_be_repeated_still_may(capsys: pytest.CaptureFixture[str]) -> None:
    hyper = ("--hyper", "beta1=0.5", "--hyper", "beta2=0.5")
    grids = ("--grid", "b1", "0", "1", "2", "--grid", "b2", "0", "1", "2")
    assert run(["basins", *grids, "--method", "adam", "--steps", "1", *hyper, "--json", "--json"]) == 0
    assert '"n": 4' in capsys.readouterr().out


SWITCH = "'amsgrad'; it is True or False, the same for all"
NO_RATE = "'lr'; the flow has no such thing, choose an optimiser as method: gd, heavy_ball,"


@pytest.mark.parametrize(("name", "method", "why"), [("amsgrad", "adam", SWITCH), ("lr", "flow", NO_RATE)])
def test_what_cannot_be_varied_is_told_why(
    name: str, method: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for option, line in (
        ("--grid", ("basins", "--grid", name, "0", "1", "2")),
        ("--vary", ("threshold", "--vary", name, "--between", "0", "1")),
    ):
        found = refused(capsys, *line, "--method", method)
        assert found.startswith(f"{option}: expected one of w1, b1, w2, b2")
        assert why in found


@pytest.mark.parametrize("command", ["flow", "train"])
def test_files_that_could_not_be_written(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken.nc").mkdir()
    (tmp_path / "file").write_text("mine")
    for name, line in (
        ("run.txt", "--out: expected a file name that ends in .nc, got "),
        ("taken.nc", "--out: expected a file, but "),
        ("missing/run.nc", "--out: cannot write to "),
        ("file/run.nc", "--out: cannot write to "),
        ("n" * 300 + ".nc", f"--out: {tmp_path}"),
    ):
        message = refused(capsys, command, "--out", str(tmp_path / name))
        assert message.startswith(line)
    assert files_below(tmp_path) == ["file"]
    assert (tmp_path / "file").read_text() == "mine"


def test_directories_that_could_not_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("mine")
    for name in ("file", "file/below"):
        message = refused(capsys, "reproduce", "--only", "obs1.kink", "--out", str(tmp_path / name))
        assert message.startswith("--out: cannot make the directory ")
    (tmp_path / "study" / "report.html").mkdir(parents=True)
    message = refused(capsys, "reproduce", "--out", str(tmp_path / "study"))
    assert "report.html' is a directory, where a file is to go" in message
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "figures").write_text("mine")
    assert "figures" in refused(capsys, "reproduce", "--out", str(tmp_path / "other"))
    assert files_below(tmp_path) == ["file", "other/figures"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_without_permission(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tmp_path.chmod(0o500)
    try:
        for command in ("flow", "train"):
            assert "Permission denied" in refused(capsys, command, "--out", str(tmp_path / "run.nc"))
        assert "Permission denied" in refused(capsys, "reproduce", "--out", str(tmp_path))
    finally:
        tmp_path.chmod(0o700)


COMPUTE = {
    ("flow",): "gradflow.cli.simulate.gradient_flow",
    ("train",): "gradflow.cli.simulate.train_run",
    ("threshold", "--vary", "b2", "--between", "-2", "1"): "gradflow.cli.thresholds.bracket",
    ("basins", "--grid", "b2", "-2", "1", "3"): "gradflow.cli.basins.sweep_in_memory",
}


@pytest.mark.parametrize("line", COMPUTE)
def test_nothing_is_computed_for_a_file_that_cannot_be_written(
    line: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("computed first")

    monkeypatch.setattr(COMPUTE[line], never)
    if line[0] != "threshold":
        assert "--out: " in refused(capsys, *line, "--out", str(tmp_path / "missing" / "run.nc"))
    (tmp_path / "taken.svg").mkdir()
    for name, why in (
        ("run.jpg", "expected a file name that ends in .pdf, .svg or .png, got "),
        ("missing/run.pdf", "cannot write to "),
        ("taken.svg", "expected a file, but "),
    ):
        assert refused(capsys, *line, "--figure", str(tmp_path / name)).startswith(f"--figure: {why}")
    assert files_below(tmp_path) == []


def test_a_figure_has_one_or_two_axes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("gradflow.cli.basins.sweep_in_memory", None)
    figure = ("--figure", str(tmp_path / "a.pdf"))
    grids = [("--grid", name, "0", "1", "2001") for name in ("b1", "b2", "w1")]
    line = refused(capsys, "basins", *grids[0], *grids[1], *grids[2], *figure)
    assert line == "--figure: expected a grid of one or two axes, got 3"
    line = refused(capsys, "basins", *grids[0], *grids[1], *figure)
    assert line == "--figure: expected a grid of at most 4000000 starts, got 4004001"


def test_too_little_memory_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def enormous(*_: object, **__: object) -> None:
        raise MemoryError("Unable to allocate 7 TiB")

    monkeypatch.setattr("gradflow.cli.simulate.train_run", enormous)
    assert refused(capsys, "train") == "not enough memory: Unable to allocate 7 TiB"


def test_a_process_that_refuses_exits_with_2() -> None:
    done = subprocess.run((*PROGRAM, "flow", "--b1", "x"), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"gradflow: --b1: {NUMBER} 'x'\n"


def test_a_failing_proof_exits_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from gradflow.proofs import catalogue
    from gradflow.proofs.proof import Check
    from gradflow.proofs.result import Result

    failing = Result(1, "wrong", "Wrong", "proved", "2 = 3", (), "", (), (), (Check("2 = 3", "", False),))
    monkeypatch.setattr(catalogue, "load", lambda result: failing)
    for arguments in (["derive", "1"], ["derive", "1", "--latex"], ["derive", "1", "--json"]):
        assert run(arguments) == 1
        assert capsys.readouterr().err == ""
    assert run(["derive", "1"]) == 1
    assert "Status: proved" not in capsys.readouterr().out
