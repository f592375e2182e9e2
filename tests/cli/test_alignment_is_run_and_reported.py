"""`gradflow align`: its results, its files, and what it refuses, in one line that names the option."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradflow.base.tables import read
from gradflow.cli import run
from gradflow.networks.two_layer.data import toy_plane
from gradflow.networks.two_layer.losses import EXPONENTIAL, Objective
from gradflow.networks.two_layer.network import TwoLayer, balanced, loss
from tests.cli.command import PROGRAM, answer, files_below, refused, strict

Capture = pytest.CaptureFixture[str]
SMALL = ("align", "--neurons", "5", "--points", "6")
COMMON = {"data", "aligned_at", "members", "bounds"}
ENDS = {"loss", "largest_output", "stable_rank"}
TINY = {
    "flow": ("--t-end", "12", "--epsilon", "1e-3"),
    "limit": (),
    "small-steps": ("--t-end", "0.05", "--epsilon", "1e-3"),
    "gd": ("--steps", "40", "--lr", "0.05", "--epsilon", "1e-3"),
    "adam": ("--steps", "40", "--lr", "0.05", "--epsilon", "1e-3"),
}


def tiny(method: str) -> tuple[str, ...]:
    return (*SMALL, "--method", method, *TINY[method])


@pytest.mark.parametrize(
    ("method", "keys"),
    [
        ("flow", {"t", "switches", "drift", "energy_error", "status", "checks"} | ENDS),
        ("limit", {"t", "switches", "status"}),
        ("small-steps", {"t", "errors"} | ENDS),
        ("gd", {"steps"} | ENDS),
        ("adam", {"steps"} | ENDS),
    ],
)
def test_each_method(method: str, keys: set[str], capsys: Capture, tmp_path: Path) -> None:
    path = tmp_path / "run.nc"
    result = answer(capsys, *tiny(method), "--out", str(path))
    assert set(result) == COMMON | keys
    assert set(result["data"]) == {"name", "n", "dimension", "mu", "assumption_1", "x_min", "x_max"}
    assert (result["data"]["n"], result["data"]["dimension"], result["data"]["assumption_1"]) == (6, 2, True)
    assert sum(result["members"].values()) == 5
    assert set(result["bounds"]) == {"time_paper", "log_epsilon_paper", "time", "log_epsilon"}
    assert result["bounds"]["time"] < result["bounds"]["time_paper"]
    assert files_below(tmp_path) == ["run.nc"]
    # The file says the same, and how to do it again.
    kept = read(path)
    if "loss" in keys:
        axis = "time" if "t" in keys else "step"
        last = kept.isel({axis: -1})
        assert float(last["loss"]) == result["loss"]
        for name, count in result["members"].items():
            assert int(last[f"count_{name}"]) == count
        assert float(last[axis]) == result["t" if "t" in keys else "steps"]
    assert kept.sizes["neuron"] == 5
    assert "toy plane" in kept.attrs["configuration"]


def test_the_flow_is_that_of_the_library(capsys: Capture, tmp_path: Path) -> None:
    path = tmp_path / "run.nc"
    result = answer(capsys, *tiny("flow"), "--seed", "2", "--out", str(path))
    kept = read(path)
    state = TwoLayer(*(kept[name].values for name in TwoLayer._fields))
    start = balanced(5, 2, np.log(1e-3), seed=2)
    np.testing.assert_allclose(state.weights[0], start.weights, atol=1e-15)
    np.testing.assert_allclose(state.log_scale[0], start.log_scale, rtol=1e-15)
    again = loss(TwoLayer(*(part[-1] for part in state)), Objective(toy_plane(6, 2), EXPONENTIAL))
    assert float(again) == pytest.approx(result["loss"], rel=1e-9)
    # Since when every neuron is in a set, for good.
    done = (kept["membership"].values == np.where(start.outputs > 0, 1, 2)) | (kept["membership"].values == 3)
    first = int(np.flatnonzero(np.all(done, axis=1))[0])
    assert result["aligned_at"] == float(kept["time"][first])
    names = [check["name"] for check in result["checks"]]
    assert names[:3] == ["balanced", "monotone", "once"]
    assert len(names) == len(set(names)) == 20
    assert all(
        set(check) == {"name", "statement", "applies", "holds", "margin"} for check in result["checks"]
    )
    assert all(check["holds"] is not False for check in result["checks"] if check["applies"])
    assert kept.sizes["check"] == len(names)
    assert kept.attrs["seed"] == "2"


def test_what_cannot_be_compared_is_told_in_one_line(capsys: Capture) -> None:
    for arguments in (("--epsilon", "e-3000", "--t-end", "0.1"), ("--epsilon", "1e-3", "--t-end", "0")):
        result = answer(capsys, *SMALL, *arguments)
        undecided = [check["name"] for check in result["checks"] if check["holds"] is None]
        assert run([*SMALL, *arguments]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert not re.search(r"\b(nan|inf)\b", "\n".join(lines))
        (line,) = (line for line in lines if line.startswith("open "))
        assert line.endswith(f"{len(undecided)} of {len(result['checks'])}: {', '.join(undecided)}")
        assert sum(" margin " in line for line in lines) == len(result["checks"]) - len(undecided) > 0


def test_the_limit_needs_no_scale(capsys: Capture) -> None:
    found = answer(capsys, *SMALL, "--method", "limit")
    assert found["aligned_at"] > 0.0
    assert found["members"]["none"] == 0
    line = refused(capsys, *SMALL, "--method", "limit", "--epsilon", "1e-3")
    assert line == "--epsilon: it has no meaning with --method limit"
    soon = answer(capsys, *SMALL, "--method", "limit", "--t-end", "1e-6")
    assert soon["aligned_at"] is None


def test_the_smallest_scales(capsys: Capture, tmp_path: Path) -> None:
    path = tmp_path / "run.nc"
    limit = answer(capsys, *SMALL, "--method", "limit", "--seed", "1")["aligned_at"]
    found = answer(capsys, *SMALL, "--seed", "1", "--epsilon", "e-30000", "--t-end", "12", "--out", str(path))
    assert found["loss"] == 6.0
    assert found["aligned_at"] >= limit * (1 - 1e-6)
    assert found["members"]["none"] == 0
    kept = read(path)
    assert float(kept["log_norm"].max()) < -29_000.0
    # Relative scales of text and number are the same.
    plain = answer(capsys, *SMALL, "--epsilon", "1e-6", "--t-end", "2")
    other = answer(capsys, *SMALL, "--epsilon", f"e{np.log(1e-6):.17g}", "--t-end", "2")
    assert plain["loss"] == pytest.approx(other["loss"], rel=1e-12)


def test_options_do_what_they_say(capsys: Capture) -> None:
    flow = tiny("flow")
    whole, mean = answer(capsys, *flow), answer(capsys, *flow, "--mean")
    assert mean["loss"] * 6 > whole["loss"]
    assert mean["bounds"]["time"] == pytest.approx(6 * whole["bounds"]["time"])
    assert mean["bounds"]["log_epsilon"] == whole["bounds"]["log_epsilon"]
    early = answer(capsys, *flow, "--until-loss", "3")
    assert early["status"] == "loss below"
    assert early["loss"] <= 3.0
    assert early["t"] < 12.0
    squared = answer(capsys, *flow, "--loss", "squared")
    assert squared["bounds"] is None
    assert not any(c["applies"] for c in squared["checks"] if c["name"] != "balanced")
    loose = answer(capsys, *flow, "--start", "gaussian")
    assert {c["name"] for c in loose["checks"] if c["applies"]} == {"balanced"}
    batches = answer(capsys, *tiny("gd"), "--batch", "2")
    assert batches["loss"] != answer(capsys, *tiny("gd"))["loss"]
    assert answer(capsys, *tiny("gd"), "--freeze-outputs")["loss"] < 6.0
    moved = answer(capsys, *tiny("adam"), "--hyper", "beta1=0.5")
    assert moved["loss"] != answer(capsys, *tiny("adam"))["loss"]


@pytest.mark.parametrize(
    ("arguments", "n", "dimension", "mu"),
    [
        (("--data", "two-points", "--delta", "0.3"), 2, 2, np.sin(0.3)),
        (("--data", "equiangular", "--points", "4", "--mu", "0.2"), 4, None, 0.2),
        (("--data", "cone", "--points", "5", "--dimension", "3", "--mu", "0.4"), 5, 3, 0.4),
        (("--data", "digits", "--points", "10"), 10, 784, None),
    ],
)
def test_sets(arguments: Any, n: int, dimension: int | None, mu: float | None, capsys: Capture) -> None:
    data = answer(capsys, "align", "--neurons", "3", "--method", "gd", "--steps", "1", *arguments)["data"]
    assert data["n"] == n
    assert dimension in (None, data["dimension"])
    assert mu is None or data["mu"] == pytest.approx(mu)


def test_files_of_ones_own(tmp_path: Path, capsys: Capture) -> None:
    data = toy_plane(6)
    np.savez(tmp_path / "mine.npz", inputs=data.inputs, labels=data.labels)
    rows = np.column_stack([data.inputs, data.labels])
    np.savetxt(tmp_path / "mine.csv", rows, delimiter=",", fmt="%.17g", header="a,b,y", comments="")
    common = ("align", "--neurons", "4", "--method", "gd", "--steps", "30", "--epsilon", "0.1")
    found = [answer(capsys, *common, "--data", str(tmp_path / f"mine.{kind}")) for kind in ("npz", "csv")]
    built_in = answer(capsys, *common, "--points", "6")
    for one in found:
        assert one["loss"] == pytest.approx(built_in["loss"], rel=1e-12)
        assert (one["data"]["n"], one["data"]["mu"]) == (6, pytest.approx(built_in["data"]["mu"]))
    # Labels of regression have no classes, no checks and no bounds.
    rows[:, -1] = np.linspace(0.0, 1.0, 6)
    np.savetxt(tmp_path / "real.csv", rows, delimiter=",", header="a,b,y", comments="")
    real = answer(
        capsys, *common[:3], "--data", str(tmp_path / "real.csv"), "--loss", "squared", "--t-end", "1"
    )
    assert (real["bounds"], real["checks"]) == (None, [])
    assert "mu" not in real["data"]
    assert run([*common, "--data", str(tmp_path / "real.csv"), "--loss", "squared"]) == 0
    assert "fitted as real numbers, not as classes" in capsys.readouterr().err
    assert run([*common, "--data", str(tmp_path / "mine.csv")]) == 0
    assert capsys.readouterr().err == ""
    told = refused(capsys, "align", "--data", str(tmp_path / "real.csv"))
    assert "--loss exponential needs labels of -1 and 1, got 0; networks here have one output" in told
    (tmp_path / "bad.csv").write_text("a,b,y\n1,2,x\n")
    assert "bad.csv" in refused(capsys, "align", "--data", str(tmp_path / "bad.csv"))


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--data", "nope"), "--data: expected one of toy,"),
        (("--data", "nope.csv"), "--data: nope.csv: No such file or directory"),
        (("--points", "0"), "--points: expected an integer from 1 to 2147483647, got '0'"),
        (("--points", "x"), "--points: expected an integer from 1 to 2147483647, got 'x'"),
        (("--points", "1"), "--points: expected an integer >= 2, got 1"),
        (("--data", "equiangular", "--mu", "2"), "--mu: expected a number in [0, 1), got 2.0"),
        (("--data", "cone", "--mu", "1.5"), "--mu: expected a number in (-1, 1), got 1.5"),
        (("--data", "cone", "--mu", "nan"), "--mu: expected a finite number, got 'nan'"),
        (("--data", "cone", "--dimension", "1"), "--dimension: expected an integer from 2 to"),
        (("--data", "two-points", "--delta", "x"), "--delta: expected a finite number, got 'x'"),
        (("--mnist", "x.npz"), "--mnist: it has no meaning with --data toy"),
        (("--data", "digits", "--mnist", "/nope/x.npz"), "--mnist: /nope/x.npz: No such file or directory"),
        (("--data", "digits", "--points", "100000"), "--points: the file holds 400 images, got 100000"),
        (("--method", "sgd"), "--method: expected one of flow, limit, small-steps, gd,"),
        (("--loss", "hinge"), "--loss: expected one of exponential, logistic, squared, got 'hinge'"),
        (("--neurons", "0"), "--neurons: expected an integer from 1 to 100000, got '0'"),
        (("--neurons", "1e3"), "--neurons: expected an integer from 1 to 100000, got '1e3'"),
        (("--neurons", "3000"), "--method: flow locates every activation change, for up to 5000 neurons"),
        (
            ("--data", "digits", "--neurons", "5"),
            "--method: flow locates every activation change, which takes long",
        ),
        (
            ("--data", "digits", "--neurons", "5", "--method", "small-steps"),
            "--t-end: needed with these data, as 100, the default, would take long: neurons move within",
        ),
        *(
            (
                ("--epsilon", text),
                f"--epsilon: expected a finite number > 0, such as 1e-6, or e and {rest} {text!r}",
            )
            for rest in ("its logarithm from -1e6 to 1e6, such as e-30000, got",)
            for text in ("0", "-1", "nan", "inf", "e", "e1e7", "enan", "x")
        ),
        (("--start", "uniform"), "--start: expected one of balanced, gaussian, got 'uniform'"),
        (("--seed", "-1"), "--seed: expected an integer from 0 to 2147483647, got '-1'"),
        (("--seed", "x"), "--seed: expected an integer from 0 to 2147483647, got 'x'"),
        (("--t-end", "-1"), "--t-end: expected a finite number >= 0, got '-1'"),
        (("--t-end", "inf"), "--t-end: expected a finite number >= 0, got 'inf'"),
        (("--method", "limit", "--t-end", "x"), "--t-end: expected a finite number >= 0, got 'x'"),
        (("--method", "small-steps", "--t-end", "x"), "--t-end: expected a finite number >= 0, got 'x'"),
        (("--until-loss", "-1"), "--until-loss: expected a finite number >= 0, got '-1'"),
        (("--rtol", "0"), "--rtol: "),
        (("--rtol", "1"), "--rtol: "),
        (("--rtol", "x"), "--rtol: expected a finite number, got 'x'"),
        (("--method", "gd", "--lr", "-1"), "--lr: expected a finite number >= 0, got '-1'"),
        (("--method", "gd", "--steps", "1e3"), "--steps: expected an integer from 0 to"),
        (("--method", "gd", "--batch", "0"), "--batch: expected an integer from 1 to 10, got '0'"),
        (("--method", "gd", "--batch", "11"), "--batch: expected an integer from 1 to 10, got '11'"),
        (("--method", "gd", "--hyper", "beta2=0.9"), "--hyper beta2: gd has no such hyper-parameter"),
        (("--method", "adam", "--hyper", "beta2=2"), "--hyper beta2: expected a number in [0, 1), got 2.0"),
        (("--out", "run.txt"), "--out: expected a file name that ends in .nc, got 'run.txt'"),
        (("--out", "/nope/run.nc"), "--out: cannot write to '/nope'"),
        (("--out", ""), "--out: expected a name, got ''"),
        (("--neuron", "3"), "No such option: --neuron"),
        (("extra",), "Got unexpected extra argument"),
    ],
)
def test_what_is_refused(arguments: tuple[str, ...], line: str, capsys: Capture) -> None:
    assert refused(capsys, "align", *arguments).startswith(line)


def test_a_loss_that_the_start_has_already_is_said(capsys: Capture) -> None:
    assert run([*SMALL, "--until-loss", "100"]) == 0
    said = "gradflow: the loss at the start is 6, not above --until-loss 100: the flow ended after its first"
    assert capsys.readouterr().err.startswith(said)
    assert answer(capsys, *SMALL, "--until-loss", "100")["status"] == "loss below"
    assert run([*SMALL, "--until-loss", "5.9", "--epsilon", "0.1"]) == 0
    assert capsys.readouterr().err == ""


def test_text_says_what_json_says(capsys: Capture) -> None:
    assert run([*tiny("flow")]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = {line[:16].strip(): line[16:] for line in out.splitlines()}
    result = answer(capsys, *tiny("flow"))
    assert float(lines["loss"]) == pytest.approx(result["loss"], rel=1e-9)
    assert lines["members"].startswith(f"positive = {result['members']['positive']}  ")
    for check in result["checks"]:
        word = {True: "holds", False: "FAILS", None: "open"}[check["holds"]]
        assert lines[check["name"]].startswith(word)
        assert ("hypotheses do not hold here" in lines[check["name"]]) != check["applies"]
    assert run([*SMALL, "--method", "limit", "--t-end", "1e-6"]) == 0
    assert "aligned_at      none\n" in capsys.readouterr().out


def test_nothing_is_computed_for_a_file_that_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, tmp_path: Path
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("computed first")

    monkeypatch.setattr("gradflow.networks.two_layer.network.balanced", never)
    message = refused(capsys, "align", "--out", str(tmp_path / "missing" / "run.nc"))
    assert message.startswith("--out: cannot write to ")


def test_too_little_memory_is_said(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    def enormous(*_: object, **__: object) -> None:
        raise MemoryError("Unable to allocate 7 TiB")

    monkeypatch.setattr("gradflow.networks.two_layer.flow.gradient_flow", enormous)
    assert refused(capsys, "align") == "not enough memory: Unable to allocate 7 TiB"


@pytest.mark.slow
def test_a_pipe_gets_the_result_and_no_bar(tmp_path: Path) -> None:
    done = subprocess.run(
        (*PROGRAM, *tiny("flow"), "--json", "--out", str(tmp_path / "run.nc")),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert strict(done.stdout)["status"] == "reached t_end"
    assert files_below(tmp_path) == ["run.nc"]
