"""`--data FILE.csv` trains on the file's inputs, targets and weights, and results say which file it was."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import gradflow as gf
from gradflow.cli import run
from gradflow.ends import descent_outcomes
from gradflow.ends.outcome import OUTCOMES
from gradflow.neuron.problem import Sample
from tests.cli.command import answer, refused

Capture = pytest.CaptureFixture[str]

X, Y, WEIGHTS = [-1.0, -0.5, 0.2, 0.7, 1.0], [0.0, 0.1, 0.3, 0.6, 1.1], [1.0, 1.0, 2.0, 1.0, 0.5]


def rows(*columns: list[float]) -> str:
    return "".join(",".join(map(repr, row)) + "\n" for row in zip(*columns, strict=True))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text("x,y,weight\n" + rows(X, Y, WEIGHTS))
    return path


PROBLEM = gf.Problem(inputs=Sample(X, weights=WEIGHTS, targets=Y))


def test_by_train(data: Path, capsys: Capture, tmp_path: Path) -> None:
    out = tmp_path / "run.nc"
    line = ("train", "--b2", "-0.3", "--data", str(data), "--steps", "50", "--out", str(out))
    told = answer(capsys, *line)
    meant = gf.train(gf.Neuron(b2=-0.3), PROBLEM, gf.Adam(lr=0.01), steps=50)
    assert told["loss"] == float(meant.loss[-1])
    assert told["final"]["w1"] == float(meant.w1[-1])
    with xr.open_dataset(out) as written:
        configuration = json.loads(written.attrs["configuration"])
    digest = hashlib.sha256(data.read_bytes()).hexdigest()
    assert configuration["data"] == {"file": "mine.csv", "sha256": digest}
    assert configuration["samples"] == 5
    assert configuration["targets"]
    assert configuration["weighted"]


GD = ("--method", "gd", "--lr", "0.1", "--steps", "3000")


def test_by_threshold(data: Path, capsys: Capture) -> None:
    line = ("threshold", "--vary", "b2", "--between", "-3", "3", "--tol", "1e-3", "--scan", "65", *GD)
    found = answer(capsys, *line, "--data", str(data))
    ends = np.array([found["value"] - found["uncertainty"], found["value"] + found["uncertainty"]])
    codes = descent_outcomes(gf.Neuron(b2=ends), PROBLEM, gf.GD(lr=0.1), 3000)
    assert [OUTCOMES[code] for code in codes] == [found["below"], found["above"]]


def test_by_basins(data: Path, capsys: Capture, tmp_path: Path) -> None:
    out = tmp_path / "basins.nc"
    grid = ("--grid", "b1", "-2", "2", "5", "--grid", "b2", "-1", "1", "3")
    answer(capsys, "basins", *grid, *GD, "--data", str(data), "--out", str(out))
    meant = gf.basins(b1=(-2, 2, 5), b2=(-1, 1, 3), lr=0.1, method="gd", steps=3000, problem=PROBLEM)
    with xr.open_dataset(out) as found:
        np.testing.assert_array_equal(found.outcome, meant.outcome)
        np.testing.assert_array_equal(found.loss, meant.loss)
        configuration = json.loads(found.attrs["configuration"])
    digest = hashlib.sha256(data.read_bytes()).hexdigest()
    assert configuration["source"] == {"file": "mine.csv", "n": 5, "sha256": digest}


def test_the_blocks_of_another_file_are_not_continued(data: Path, capsys: Capture, tmp_path: Path) -> None:
    pytest.importorskip("zarr")
    store = tmp_path / "sweep.zarr"
    line = ("basins", "--grid", "b1", "-1", "1", "3", "--method", "gd", "--steps", "5", "--data", str(data))
    assert run([*line, "--out", str(store), "--json"]) == 0
    assert run([*line, "--out", str(store), "--json"]) == 0
    assert "found all 1 blocks" in capsys.readouterr().err
    data.write_text(data.read_text().replace("1.1", "1.2"))
    why = refused(capsys, *line, "--out", str(store))
    assert "holds another sweep: its source sha256 is" in why


def test_files_that_do_not_fit_are_refused(data: Path, capsys: Capture, tmp_path: Path) -> None:
    data.write_text("x,y\n1,2\n1e31,0\n")
    line = refused(capsys, "train", "--data", str(data))
    assert line == f"--data: {data}, line 3: expected a number between -1e+30 and 1e+30 as x, got '1e31'"
    missing = str(tmp_path / "none.csv")
    assert refused(capsys, "train", "--data", missing) == f"--data: {missing}: No such file or directory"
    assert refused(capsys, "flow", "--data=" + missing) == f"--data: {missing}: No such file or directory"
    for other in (("--samples", "5"), ("--population",), ("--teacher", "1", "0", "2", "0")):
        line = refused(capsys, "train", "--data", missing, *other)
        assert line == f"{other[0]}: it has no meaning with --data {missing}"


@pytest.mark.some(1)
@pytest.mark.parametrize("content", ["x,y\n0.5,1\n", "x,y\n2,1\n2,3\n", "x,y\n0,0\n1,0\n"])
def test_few_data_are_trained_on(content: str, data: Path, capsys: Capture, tmp_path: Path) -> None:
    data.write_text(content)
    figure = tmp_path / "run.png"
    told = answer(capsys, "train", "--steps", "50", "--data", str(data), "--figure", str(figure))
    assert told["loss"] >= 0.0
    assert figure.stat().st_size > 0


def test_a_start_that_fits_the_data_is_said(data: Path, capsys: Capture) -> None:
    data.write_text("x,y\n-1,0\n0.5,0.5\n1,1\n")
    assert run(["train", "--steps", "1", "--data", str(data)]) == 0
    assert "fits the data, its loss is 0" in capsys.readouterr().err
