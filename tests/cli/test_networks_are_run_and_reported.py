"""`flow` and `train` take networks, targets and laws, report them as the contract says, or refuse them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import gradflow as gf
from gradflow.base.tables import read
from gradflow.cli import run
from tests.cli.command import answer, refused

Capture = pytest.CaptureFixture[str]
FILES = {
    "net.csv": "w1,b1,w2\n1,0.1,0.5\n-1,0.2,0.5\n",
    "target.csv": "x,y\n-1,1\n0,0\n0,0.5\n1,1\n",
    "law.csv": "x,density\n-1,1\n0,3\n1,0\n",
    "short.csv": "x,y\n-1,1\n0.5,0\n",
    "unsorted.csv": "x,y\n-1,1\n1,0\n0,1\n",
    "massless.csv": "x,density\n-1,0\n1,0\n",
    "endless.csv": "x,density\n-1,1\n1,2\n",
    "header.csv": "a,b\n1,2\n",
    "d.csv": "x,y\n-1,1\n-0.5,-1\n0.5,-1\n1,1\n",
}


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in a folder of files."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)


def test_the_flow_of_a_network(capsys: Capture) -> None:
    told = answer(capsys, "flow", "--network", "net.csv", "--b2", "-0.1", "--target", "abs", "--t-end", "3")
    network = gf.Network([1.0, -1.0], [0.1, 0.2], [0.5, 0.5], -0.1)
    wanted = gf.gradient_flow(network, gf.Problem(target="abs"), t_end=3.0)
    assert set(told) == {
        "final", "loss", "activity", "outcome", "settled", "t", "crossings", "invariant_drift", "status"
    }  # fmt: skip
    assert told["final"]["w1"] == wanted["w1"].values[-1].tolist()
    assert told["final"]["b2"] == float(wanted["b2"][-1])
    assert told["loss"] == float(wanted["loss"][-1])
    assert told["activity"] == {"dead": 0, "balanced": 2, "hyperactive": 0}
    assert told["settled"] is False
    assert told["t"] == 3.0


def test_training_of_a_random_network(capsys: Capture, tmp_path: Path) -> None:
    arguments = ("--neurons", "7", "--start", "uniform", "--seed", "3", "--target", "target.csv")
    told = answer(
        capsys,
        "train",
        *arguments,
        "--law",
        "law.csv",
        "--steps",
        "50",
        "--out",
        "run.nc",
        "--figure",
        "f.svg",
    )
    problem = gf.Problem(
        target=gf.Knots([-1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.5, 1.0]),
        law=gf.Steps([-1.0, 0.0, 1.0], [1.0, 3.0]),
    )
    wanted = gf.train(gf.networks.line.start("uniform", 7, 3), problem, gf.Adam(0.01), 50)
    assert told["steps"] == 50
    assert told["final"]["w2"] == wanted["w2"].values[-1].tolist()
    assert sum(told["activity"].values()) == 7
    assert {tuple(sorted(crossing)) for crossing in told["crossings"]} <= {("event", "neuron", "step")}
    assert np.array_equal(read(tmp_path / "run.nc")["w1"], wanted["w1"])
    assert (tmp_path / "f.svg").exists()


def test_one_neuron_may_learn_any_target(capsys: Capture) -> None:
    told = answer(capsys, "flow", "--target", "hat", "--law", "normal", "--t-end", "1")
    assert isinstance(told["final"]["w1"], float)
    assert told["activity"] in ("dead", "balanced", "hyperactive")


def test_networks_train_in_float32(capsys: Capture) -> None:
    arguments = ("--neurons", "3", "--target", "abs", "--batch", "3", "--frozen", "w1", "--steps", "4")
    told = answer(capsys, "train", *arguments, "--dtype", "float32")
    problem, start = gf.Problem(target="abs"), gf.networks.line.start("he", 3, 0)
    wanted = gf.train(start, problem, gf.Adam(0.01), 4, dtype="float32", batch=3, frozen=("w1",))
    assert told["final"]["w2"] == wanted["w2"].values[-1].tolist()


def test_one_neuron_is_told_of_as_one(capsys: Capture) -> None:
    usual = answer(capsys, "flow", "--t-end", "1")
    told = answer(capsys, "flow", "--t-end", "1", "--target", "hat")
    assert list(told) == list(usual)
    assert told["decided_by"] == "simulation"


def test_text_is_told_too(capsys: Capture) -> None:
    assert run(["train", "--neurons", "6", "--target", "abs", "--steps", "30", "--lr", "0.1"]) == 0
    out = capsys.readouterr().out
    assert "…" in out
    assert "balanced = " in out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("--network target.csv", "--network: target.csv, line 1: expected the header w1,b1,w2, got 'x,y'"),
        ("--target header.csv", "--target: header.csv, line 1: expected the header x,y, got 'a,b'"),
        ("--target unsorted.csv", "--target: unsorted.csv: knots: x must not fall, got 1 before 0"),
        (
            "--target short.csv",
            "--target: short.csv: expected the first and the last x at the ends of the input",
        ),
        ("--target sine.txt", "--target: expected abs, hat, step, sine or a file name that ends in .csv"),
        ("--law massless.csv", "--law: massless.csv: law: its mass must be positive"),
        ("--law endless.csv", "--law: endless.csv: expected 0 as the last density"),
        ("--law target.csv", "--law: target.csv, line 1: expected the header x,density"),
        ("--law uniform.txt", "--law: expected uniform, normal or a file name that ends in .csv"),
        ("--neurons 0", "--neurons: expected an integer from 1 to 100000, got '0'"),
        ("--neurons 2 --start xavier", "--start: expected one of he, glorot, uniform, kernel, got 'xavier'"),
        ("--neurons 2 --seed -1", "--seed: expected an integer from 0"),
        ("--seed 1", "--seed: it has no meaning without --neurons"),
        ("--neurons 2 --b2 1", "--b2: it has no meaning with --neurons 2"),
        ("--target abs --teacher 1 0 2 0", "--teacher: it has no meaning with --target abs"),
        ("--law normal --interval 0 1", "--interval: it has no meaning with --law normal"),
    ],
)
@pytest.mark.parametrize("command", ["flow", "train"])
def test_bad_input_is_named(command: str, arguments: str, line: str, capsys: Capture) -> None:
    assert refused(capsys, command, *arguments.split()).startswith(line)


def test_a_missing_file_is_named(capsys: Capture) -> None:
    line = refused(capsys, "flow", "--network", "nowhere.csv")
    assert line == "--network: nowhere.csv: No such file or directory"


@pytest.mark.some(3)
@pytest.mark.parametrize(
    "arguments",
    [
        "train --data d.csv --loss logistic --batch 2 --seed 3 --steps 5 --neurons 3",
        "train --data d.csv --batch 3 --replacement --steps 5",
        "train --law normal --batch 3 --steps 5 --target sine --neurons 2 --activation tanh",
        "train --frozen w2,b2 --steps 5 --w1 0.5 --w2 0.7 --b2 0.3",
        "flow --samples 5 --t-end 1 --neurons 2",
        "flow --data d.csv --t-end 1 --loss huber=0.5 --b1 0.3",
        "flow --neurons 2 --activation gelu --target sine --t-end 1 --frozen b2",
    ],
)
def test_samples_losses_and_minibatches(arguments: str, capsys: Capture) -> None:
    report = answer(capsys, *arguments.split(), "--figure", "run.svg")
    assert Path("run.svg").exists()
    assert {"final", "loss", "activity", "outcome", "settled", "crossings", "invariant_drift"} <= set(report)
    if "w2,b2" in arguments:
        assert report["final"]["w2"] == 0.7
        assert report["final"]["b2"] == 0.3
        assert report["final"]["w1"] != 0.5


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("train --loss huber", "--loss: it has no meaning without --samples or --data"),
        ("train --replacement", "--replacement: it has no meaning without --batch"),
        ("train --frozen w9", "--frozen: expected some of w1,b1,w2,b2, each once, got 'w9'"),
        ("train --frozen=", "--frozen: expected some of w1,b1,w2,b2, each once, got ''"),
        ("flow --frozen w1,", "--frozen: expected some of w1,b1,w2,b2, each once, got 'w1,'"),
        ("train --frozen w1,w1", "--frozen: expected some of w1,b1,w2,b2, each once, got 'w1,w1'"),
        ("train --seed 1", "--seed: it has no meaning without --neurons or --batch"),
        ("flow --target nowhere.csv", "--target: nowhere.csv: No such file or directory"),
        ("train --law ./nowhere.csv", "--law: nowhere.csv: No such file or directory"),
        ("train --samples 5 --loss foo", "--loss: expected squared, absolute, huber[=HUBER]"),
        ("flow --samples 5 --no-theory", "--no-theory: it has no meaning with --samples 5"),
        ("train --samples 5 --batch 9", "--batch: expected at most the sample's 5 inputs"),
        ("train --data d.csv --target abs", "--target: it has no meaning with --data d.csv"),
        ("train --law normal --samples 5", "--samples: it has no meaning with --law normal"),
        (
            "flow --samples 5 --loss absolute",
            "--loss: the flow takes one whose slope does not jump",
        ),
        ("train --batch 0", "--batch: expected an integer from 1"),
    ],
)
def test_what_has_no_meaning_is_refused(arguments: str, line: str, capsys: Capture) -> None:
    assert refused(capsys, *arguments.split()).startswith(line)


WAY = "--neurons 3 --seed 1 --target abs --method gd --lr 0.1 --steps 300"


def test_basins_of_a_network(capsys: Capture) -> None:
    told = answer(
        capsys,
        "basins",
        *WAY.split(),
        *["--grid", "scale", "-1", "1", "3", "--grid", "b2", "-1", "1", "2", "--out", "run.nc"],
    )
    assert set(told) == {"counts", "n", "settled", "ends"}
    assert told["n"] == sum(told["counts"].values()) == 6
    assert read(Path("run.nc"))["outcome"].dims == ("scale", "b2")


def test_a_threshold_of_a_network(capsys: Capture) -> None:
    line = "--vary lr --between 0.01 9 --tol 0.01 --change -1"
    told = answer(capsys, "threshold", *WAY.replace("--lr 0.1 ", "").split(), *line.split())
    assert set(told) == {"value", "uncertainty", "below", "above", "changes", "settled"}
    assert told["above"] == "diverged"
    assert told["settled"] == {"below": False, "above": False}


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            "threshold --neurons 3 --vary w9 --between 0 1",
            "--vary: expected one of scale, b2, w1_0 to w2_2, got",
        ),
        ("basins --neurons 3 --grid w9 0 1 2", "--grid: expected one of scale, b2, w1_0 to w2_2, got 'w9'"),
        ("basins --neurons 3 --grid b2 0 1 2 --out a.zarr", "--out"),
        ("basins --neurons 3 --grid b2 0 1 2 --block 4", "--block: it has no meaning with --neurons 3"),
    ],
)
def test_sweeps_of_networks_refuse(arguments: str, line: str, capsys: Capture) -> None:
    assert refused(capsys, *arguments.split()).startswith(line)
