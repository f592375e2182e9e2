"""--activation and --teacher-activation mean the same to every command, and are written down."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import gradflow as gf
from gradflow.base.tables import read
from gradflow.cli import run
from tests.cli.command import answer, refused

Capture = pytest.CaptureFixture[str]
SILU = ("--activation", "silu", "--b2", "-1.5")


def test_flow(capsys: Capture, tmp_path: Path) -> None:
    out = tmp_path / "flow.nc"
    found = answer(capsys, "flow", *SILU, "--t-end", "20", "--out", str(out))
    expected = gf.gradient_flow(gf.Neuron(b2=-1.5), gf.Problem(activation="silu"), t_end=20.0)
    assert found["loss"] == float(expected.loss[-1])
    assert [event["event"] for event in found["crossings"]] == gf.crossings(expected).event.values.tolist()
    configuration = json.loads(read(out).attrs["configuration"])
    assert (configuration["activation"], configuration["teacher_activation"]) == ("silu", "silu")


def test_train(capsys: Capture) -> None:
    options = ("--teacher-activation", "relu", "--samples", "50", "--steps", "30", "--lr", "0.05")
    found = answer(capsys, "train", *SILU, *options)
    problem = gf.Problem(inputs=gf.grid(50), activation="silu", teacher_activation="relu")
    expected = gf.train(gf.Neuron(b2=-1.5), problem, gf.Adam(lr=0.05), steps=30)
    assert found["loss"] == float(expected.loss[-1])


@pytest.mark.slow
def test_basins(capsys: Capture) -> None:
    grid = ("--grid", "b1", "0", "1", "2", "--grid", "b2", "0", "1", "2")
    flow = answer(capsys, "basins", "--activation", "gelu", "--backend", "numpy", *grid)
    assert flow["n"] == sum(flow["counts"].values()) == 4
    assert flow["decided_by"]["simulation"] == 4
    steps = answer(capsys, "basins", "--activation", "tanh", "--method", "adam", "--steps", "400", *grid)
    b1, b2 = np.meshgrid(np.linspace(0, 1, 2), np.linspace(0, 1, 2), indexing="ij")
    codes = gf.descent_outcomes(gf.Neuron(b1=b1, b2=b2), gf.Problem(activation="tanh"), gf.Adam(lr=0.01), 400)
    assert steps["counts"]["global"] == int(np.sum(codes == 0))


def test_threshold(capsys: Capture) -> None:
    options = ("--vary", "b1", "--between", "-1", "1", "--tol", "0.01", "--method", "adam", "--steps", "300")
    reason = refused(capsys, "threshold", "--activation", "leaky-relu=0.5", *options)
    assert reason.startswith("--between: the outcome is ")


@pytest.mark.parametrize(
    ("option", "value"),
    [("--activation", "sigmoid"), ("--activation", "leaky-relu=nan"), ("--teacher-activation", "slopes=1")],
)
def test_nonsense_is_refused_in_one_line(option: str, value: str, capsys: Capture) -> None:
    assert refused(capsys, "flow", option, value).startswith(f"{option}: ")
    assert run(["train", option, value, "--steps", "1"]) == 2
