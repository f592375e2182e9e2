"""`threshold` and `basins`: the keys, the ends of the grid, the file, and what is refused."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import gradflow as gf
from gradflow.base.tables import read
from gradflow.cli import run
from gradflow.ends.decision import THEOREMS
from gradflow.ends.outcome import OUTCOMES

FLOW = ["threshold", "--vary", "b2", "--between", "-1.9", "-1.8"]
ADAM = ["--method", "adam", "--samples", "100", "--lr", "0.05", "--steps", "300"]


def result(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    assert run([*arguments, "--json"]) == 0
    loaded = json.loads(capsys.readouterr().out)
    assert isinstance(loaded, dict)
    return loaded


@pytest.mark.slow
def test_threshold_of_the_flow(capsys: pytest.CaptureFixture[str]) -> None:
    found = result([*FLOW, "--tol", "1e-5"], capsys)
    assert set(found) == {"value", "uncertainty", "below", "above", "changes", "settled", "decided_by"}
    assert found["settled"] == {"below": True, "above": True}
    assert found["changes"] == 1
    assert found["decided_by"] == {"below": "sign trap", "above": "energy barrier"}
    simulated = result([*FLOW, "--tol", "1e-5", "--no-theory"], capsys)
    assert simulated.pop("settled") == {"below": False, "above": False}
    assert simulated == {key: value for key, value in found.items() if key not in ("settled", "decided_by")}
    assert abs(float(str(found["value"])) + 1.8727861) <= 1e-5
    assert 0 < float(str(found["uncertainty"])) <= 1e-5
    assert (found["below"], found["above"]) == ("linear", "global")


def test_threshold_of_a_rate(capsys: pytest.CaptureFixture[str]) -> None:
    """Below the threshold GD learns, above it one step too long kills; the two ends may be swapped."""
    arguments = [
        "threshold",
        "--vary",
        "lr",
        "--b2",
        "-1",
        "--method",
        "gd",
        "--steps",
        "1000",
        "--tol",
        "1e-4",
    ]
    one = result([*arguments, "--between", "0.4", "0.9"], capsys)
    other = result([*arguments, "--between", "0.9", "0.4"], capsys)
    assert one == other
    assert (one["below"], one["above"]) == ("global", "constant")
    assert abs(float(str(one["value"])) - 0.6156) < 1e-3


CHAOTIC = ["threshold", "--vary", "b2", "--between", "-1.184", "-1.178", "--method", "adam", "--tol", "1e-6"]


@pytest.mark.slow
def test_of_several_changes_it_is_said_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    """Adam's oscillation decides: outcomes alternate."""
    first, last = (
        result([*CHAOTIC, "--steps", "20000", "--scan", "65", "--change", change], capsys)
        for change in ("1", "-1")
    )
    changes = first["changes"]
    assert isinstance(changes, int)
    assert changes == last["changes"]
    # How many there are is a matter of rounding.
    assert changes >= 3
    assert -1.184 < float(str(first["value"])) < float(str(last["value"])) < -1.178
    # Where the oscillation leaves the last of them is a matter of rounding, too.
    assert first["below"] == "linear"
    for change in (first, last):
        assert {change["below"], change["above"]} == {"linear", "global"}


DEATHS = ["threshold", "--vary", "lr", "--b2", "-1", "--method", "gd", "--steps", "1000", "--tol", "1e-3"]


def test_what_the_scan_saw_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*DEATHS, "--between", "0.4", "0.9", "--scan", "70"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == [
        "below: global, above: constant",
        "changes: 1 seen in a scan of 70 values",
        "settled: no (below), yes (above)",
        "decided by: simulation (below), dead (above)",
    ]


def test_what_adam_has_not_settled_is_not_said_to_last(capsys: pytest.CaptureFixture[str]) -> None:
    """Of the same line gradient descent's outcomes last on either side; under Adam only a dead one does."""
    line = ["threshold", "--vary", "b2", "--between", "-2.5", "-0.5", "--scan", "9", "--tol", "0.1"]
    steps = ["--lr", "0.05", "--steps", "2000"]
    by_gd, by_adam = (result([*line, "--method", name, *steps], capsys) for name in ("gd", "adam"))
    for found in (by_gd, by_adam):
        assert (found["below"], found["above"]) == ("linear", "global")
    assert by_gd["settled"] == {"below": True, "above": True}
    assert by_gd["decided_by"] == {"below": "trap of gradient descent", "above": "trap at the teacher"}
    assert by_adam["settled"] == {"below": False, "above": False}
    assert by_adam["decided_by"] == {"below": "simulation", "above": "simulation"}


@pytest.mark.slow
def test_a_tolerance_that_floats_do_not_resolve_is_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    wall = ["threshold", "--vary", "b1", "--between", "-1.5", "-0.75", "--scan", "9"]
    assert run([*wall, "--tol", "1e-300"]) == 0
    assert "\ntol: 1e-300 is below what float64 resolves here, where" in capsys.readouterr().out


def test_too_short_runs_are_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    common = ["threshold", "--vary", "b2", "--method", "gd", "--lr", "0.05", "--steps", "300"]
    found = result([*common, "--between", "-3", "1"], capsys)
    assert (found["below"], found["above"], found["changes"]) == ("linear", "global", 1)
    lo, hi = (float(str(found["value"])) + sign * float(str(found["uncertainty"])) for sign in (-1.0, 1.0))
    b2 = np.array([lo, lo + 1e-6, hi - 1e-6, hi])
    codes = gf.descent_outcomes(gf.Neuron(b2=b2), gf.Problem(), gf.GD(lr=0.05), 300)
    assert [OUTCOMES[code] for code in codes] == ["linear", "undecided", "undecided", "global"]
    assert run([*common, "--between", "-3", "1"]) == 0
    assert "hence the uncertainty: the runs are too short, or rest where" in capsys.readouterr().out
    assert run([*common, "--between", "-3", "-1"]) == 2
    assert "undecided at the others: the runs are too short" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["threshold", "--vary", "b2", "--between", "-1.1", "-1.0"], "--between"),
        (["threshold", "--vary", "b2", "--between", "1", "1"], "--between"),
        (["threshold", "--vary", "lr", "--between", "0", "1"], "--vary"),
        (["threshold", "--vary", "lr", "--between", "-1", "1", "--method", "gd"], "--between: lr: expected"),
        ([*FLOW, "--change", "0"], "--change: expected 1, 2"),
        ([*FLOW, "--change", "2", "--scan", "20"], "--change: the scan of 20 values sees 1 of them, got 2"),
        ([*FLOW, "--scan", "1"], "--scan"),
        ([*FLOW, "--tol", "0"], "--tol"),
        ([*FLOW, "--samples", "10"], "--samples"),
        ([*FLOW, "--method", "flaw"], "--method"),
        (["basins", "--grid", "b1", "1"], "--grid"),
        (["basins", "--grid", "b1", "0", "1", "0"], "--grid"),
        (["basins", "--grid", "b1", "0", "nan", "3"], "--grid"),
        (
            ["basins", "--grid", "b1", "0", "1", "3", "square"],
            "--grid: expected NAME LO HI N, or NAME LO HI N log",
        ),
        (
            ["basins", "--grid", "lr", "0", "1", "3", "log", "--method", "gd"],
            "--grid: lr must run between numbers > 0",
        ),
        (
            ["basins", "--grid", "lr", "-1", "1", "3", "--method", "gd"],
            "--grid: lr: expected a finite number",
        ),
        (["basins", "--grid", "lr", "0", "1", "3"], "--grid"),
        (["basins", "--grid", "b1", "0", "1", "3", "--grid", "b1", "0", "1", "3"], "--grid"),
        (["basins", "--grid", "b1", "0", "1", "3", "--out", "basins.txt"], "--out"),
        (["basins"], "--grid"),
    ],
    ids=" ".join,
)
def test_bad_input_is_one_line(arguments: list[str], name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.count("\n") == 1
    assert name in streams.err


def test_basins_count_every_start_and_write_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "basins.nc"
    grid = ["--grid", "b1", "-2", "2", "9", "--grid", "b2", "-1.5", "1", "4"]
    counted = result(["basins", *grid, *ADAM, "--out", str(path)], capsys)
    assert set(counted) == {"counts", "n", "settled", "ends"}
    assert counted["n"] == 36
    counts = counted["counts"]
    assert isinstance(counts, dict)
    # Of Adam only the dead are known to last.
    assert counted["settled"] == counts["constant"] > 0
    assert list(counts) == list(OUTCOMES)
    written = read(path)
    assert written["outcome"].dims == ("b1", "b2")
    np.testing.assert_array_equal(written["b1"].values, np.linspace(-2, 2, 9))
    codes = written["outcome"].values
    assert {name: int(np.sum(codes == i)) for i, name in enumerate(OUTCOMES)} == counts
    assert written["outcome"].attrs["flag_meanings"].split() == list(OUTCOMES)
    configuration = json.loads(written.attrs["configuration"])
    assert configuration["method"] == "adam"
    assert configuration["samples"] == 100
    # A dead start stays dead, and never changes its activity.
    assert np.all(codes[0] != OUTCOMES.index("global"))
    assert np.all(np.isnan(written["first_crossing"].values[0]))


@pytest.mark.slow
def test_flow_basins_with_and_without_theory_agree(capsys: pytest.CaptureFixture[str]) -> None:
    grid = ["basins", "--grid", "b1", "-1.5", "1.5", "4", "--grid", "b2", "-2", "2", "3"]
    found, simulated = result(grid, capsys), result([*grid, "--no-theory"], capsys)
    decided_by = found.pop("decided_by")
    # The simulation sees the same ends, and settles none.
    assert (found.pop("settled"), simulated.pop("settled")) == (12, 0)
    assert found == simulated
    assert isinstance(decided_by, dict)
    assert list(decided_by) == list(THEOREMS)
    assert sum(decided_by.values()) == found["n"] == 12
    assert decided_by["simulation"] == 0


@pytest.mark.slow
def test_the_backend_changes_no_count(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("numba")
    sweep = ["basins", "--grid", "b1", "-2", "2", "6", "--grid", "b2", "-2", "1", "5", "--json"]
    for method in (["--method", "adam", "--steps", "300", "--lr", "0.05"], []):
        printed = []
        for backend in ([], ["--backend", "numpy"], ["--backend", "numba"]):
            assert run([*sweep, *method, *backend]) == 0
            printed.append(capsys.readouterr().out)
        assert len(set(printed)) == 1


def test_a_backend_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    sweep = ["basins", "--grid", "b1", "-2", "2", "2", "--method", "adam", "--steps", "1"]
    assert run([*sweep, "--backend", "torch"]) == 2
    assert capsys.readouterr().err == "gradflow: --backend: expected numpy, numba or cupy, got 'torch'\n"
    assert run(["threshold", "--vary", "b2", "--between", "-2", "-1", "--backend", "numpy"]) == 2
    assert "--backend: it has no meaning with --method flow" in capsys.readouterr().err
    if importlib.util.find_spec("cupy") is None:
        assert run([*sweep, "--backend", "cupy"]) == 2
        assert "--backend: cupy is not installed" in capsys.readouterr().err
    # What is compiled takes hyper-parameters of every trajectory's own.
    assert run([*sweep, "--grid", "beta2", "0.9", "0.99", "2", "--backend", "numba"]) == 0


DECAYING = (
    "basins --method adamw --grid b1 -1 1 5 --hyper weight_decay=0.1 --steps 30",
    "basins --method gd --grid b1 -1 1 3 --grid weight_decay 0 0.1 2 --steps 3",
    "train --b2 -1 --optimizer adamw --steps 30",
)


@pytest.mark.parametrize("line", DECAYING)
def test_ends_under_weight_decay_are_told_of(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(line.split()) == 0
    told = [text for text in capsys.readouterr().err.splitlines() if "undecided" in text]
    assert len(told) == 1
    assert "weight decay lets runs rest beside the critical points of the loss" in told[0]
    assert run([*line.split(), "--json"]) == 0
    assert capsys.readouterr().err == ""
    plain = (
        line.replace("adamw", "adam")
        .replace("weight_decay=0.1", "eps=0")
        .replace("weight_decay 0 0.1", "lr 0 1")
    )
    assert run(plain.split()) == 0
    assert "decay" not in capsys.readouterr().err
