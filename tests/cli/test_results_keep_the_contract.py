"""The keys of the JSON results, their values, and what the options do."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradflow.base.tables import read
from gradflow.cli import run
from gradflow.ends.outcome import OUTCOMES
from gradflow.proofs.parts import WAYS
from gradflow.proofs.result import STATUSES
from gradflow.study.claims import LEDGER
from tests.cli.command import answer

Capture = pytest.CaptureFixture[str]
COMMON = {"final", "loss", "activity", "outcome", "settled", "decided_by", "crossings", "invariant_drift"}


def test_flow(capsys: Capture) -> None:
    result = answer(capsys, "flow", "--b2", "-1.2")
    assert COMMON | {"t", "limit", "status", "decided_at"} == set(result)
    assert list(result["final"]) == ["w1", "b1", "w2", "b2"]
    np.testing.assert_allclose(list(result["final"].values()), [1, 0, 1, 0], atol=1e-8)
    assert (result["t"], result["outcome"], result["activity"]) == (200.0, "global", "balanced")
    assert 0 <= result["loss"] < 1e-15
    assert 0 <= result["invariant_drift"] < 1e-9


def test_crossings_of_the_flow(capsys: Capture) -> None:
    result = answer(capsys, "flow", "--b2", "-2")
    assert result["crossings"]
    assert all(set(crossing) == {"t", "event"} for crossing in result["crossings"])
    assert [c["event"] for c in result["crossings"]][-1] == "balanced -> hyperactive"
    assert (result["outcome"], round(result["loss"] * 48, 9)) == ("linear", 1.0)


def test_train(capsys: Capture) -> None:
    result = answer(capsys, "train", "--b2", "-1.2", "--samples", "100")
    assert COMMON | {"steps"} == set(result)
    assert (result["steps"], result["outcome"]) == (5000, "linear")
    assert {"step": 247, "event": "balanced -> hyperactive"} in result["crossings"]


def test_the_population_is_the_default(capsys: Capture) -> None:
    start = ("train", "--b2", "-1", "--steps", "50")
    assert answer(capsys, *start) == answer(capsys, *start, "--population")
    assert answer(capsys, *start) != answer(capsys, *start, "--samples", "100")


def test_negative_and_joined_values(capsys: Capture) -> None:
    apart = answer(capsys, "train", "--b1", "-0.5", "--b2", "-1e-1", "--steps", "0")
    joined = answer(capsys, "train", "--b1=-0.5", "--b2=-.1", "--steps=0")
    assert apart == joined
    assert apart["final"] == {"w1": 1.0, "b1": -0.5, "w2": 1.0, "b2": -0.1}


def test_no_time_and_no_steps(capsys: Capture) -> None:
    for arguments in (
        ("flow", "--t-end", "0"),
        ("train", "--steps", "0"),
        ("train", "--lr", "0", "--steps", "9"),
    ):
        result = answer(capsys, *arguments, "--b2", "-1", "--b1", "0.25")
        assert result["final"] == {"w1": 1.0, "b1": 0.25, "w2": 1.0, "b2": -1.0}
        assert (result["crossings"], result["invariant_drift"]) == ([], 0.0)


def test_a_diverging_run_is_labelled(capsys: Capture) -> None:
    result = answer(capsys, "train", "--optimizer", "gd", "--lr", "1e5", "--b2", "1")
    assert result["outcome"] == "diverged"
    assert all(value is None or math.isfinite(value) for value in result["final"].values())


def test_what_does_not_fit_the_dtype_has_diverged(capsys: Capture) -> None:
    for value in ("1e20", "1e30"):
        result = answer(capsys, "train", "--w1", value, "--steps", "3", "--dtype", "float32")
        assert result["outcome"] == "diverged"
        assert result["final"]["w1"] == float(np.float32(value))


@pytest.mark.parametrize("value", ["1e30", "-1e30", "1e-30", "1e-300", "5e-324"])
@pytest.mark.parametrize("option", ["--w1", "--b1", "--w2", "--b2"])
def test_extreme_starts(option: str, value: str, capsys: Capture) -> None:
    flow = answer(capsys, "flow", "--t-end", "0", option, value)
    assert flow["final"][option[2:]] == float(value)
    for result in (flow, answer(capsys, "train", "--steps", "2", option, value)):
        assert result["outcome"] in OUTCOMES


@pytest.mark.parametrize("teacher", ["1 -2 1 0.5", "0 1 2 0", "0 0 0 0", "1 3 -2 1"])
@pytest.mark.parametrize("inputs", [(), ("--samples", "2"), ("--samples", "33")])
def test_teachers_without_a_kink(teacher: str, inputs: tuple[str, ...], capsys: Capture) -> None:
    if not inputs:
        flow = answer(capsys, "flow", "--teacher", *teacher.split(), "--t-end", "300", "--rtol", "1e-7")
        assert flow["loss"] < 1e-6 or flow["outcome"] in ("linear", "constant", "local", "undecided")
    run = answer(capsys, "train", "--teacher", *teacher.split(), "--steps", "50", *inputs)
    assert run["loss"] >= 0


@pytest.mark.parametrize(
    "interval", ["0 1e-12", "-1e-300 1e-300", "1e6 1000000.001", "-1e30 1e30", "-3 -2", "2 3"]
)
def test_intervals(interval: str, capsys: Capture) -> None:
    for command in (
        ("flow", "--t-end", "0"),
        ("train", "--steps", "5"),
        ("train", "--samples", "2", "--steps", "5"),
    ):
        result = answer(capsys, *command, "--interval", *interval.split(), "--b2", "0.5")
        assert set(result) >= COMMON


def test_derive(capsys: Capture) -> None:
    listed = answer(capsys, "derive")["results"]
    assert [entry["number"] for entry in listed] == list(range(1, len(listed) + 1))
    assert all(set(entry) == {"number", "name", "status", "proved_by", "title"} for entry in listed)
    assert {entry["status"] for entry in listed} <= set(STATUSES)
    assert {entry["proved_by"] for entry in listed} <= {*WAYS, ""}
    assert run(["derive"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for entry, line in zip(listed, lines, strict=True):
        number, name, rest = line.split(maxsplit=2)
        assert (int(number), name) == (entry["number"], entry["name"])
        status, _, way = rest.partition("  ")
        assert status == entry["status"]
        assert way.startswith(entry["proved_by"])
        assert rest.endswith(entry["title"])
    result = answer(capsys, "derive", "born_dead")
    assert (result["status"], result["holds"]) == ("proved", True)
    assert result["checks"] > 0
    assert result["latex"]
    assert result["hypotheses"]
    ways = [part["way"] for part in result["proved_by"]]
    assert ways == ["machine and prose", "prose", "machine and prose", "machine and prose"]


def test_the_list_of_claims(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("ran something")

    monkeypatch.setattr("gradflow.cli.study.run_all", never)
    claims = answer(capsys, "reproduce", "--list")["claims"]
    assert claims == [{"id": c.id, "source": c.source, "claim": c.claim} for c in LEDGER]
    assert len({c["id"] for c in claims}) == len(claims) > 10
    some = answer(capsys, "reproduce", "--list", "--only", "obs2.gd", "--only=obs0.dead", "--only", "obs2.gd")
    assert [c["id"] for c in some["claims"]] == ["obs0.dead", "obs2.gd"]
    assert run(["reproduce", "--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [c["id"] for c in claims]


def test_one_claim(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = answer(capsys, "reproduce", "--quick", "--only", "obs1.kink")
    assert list(tmp_path.iterdir()) == []
    (claim,) = result["claims"]
    assert set(claim) == {"id", "source", "claim", "verdict", "evidence", "seconds"}
    assert (claim["id"], claim["verdict"]) == ("obs1.kink", "reproduced")
    assert claim["seconds"] >= 0
    again = answer(capsys, "reproduce", "--quick", "--only", "obs1.kink", "--out", "deep/study")
    assert again["claims"][0]["evidence"] == claim["evidence"]
    assert sorted(p.name for p in (tmp_path / "deep" / "study").iterdir()) == ["claims.json", "report.html"]
    assert run(["reproduce", "--quick", "--only", "obs1.kink"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "reproduced" in out
    assert "obs1.kink" in out


@pytest.mark.parametrize("command", ["flow", "train"])
def test_a_trajectory_in_a_file(command: str, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "run.nc"
    length = ("--t-end", "5") if command == "flow" else ("--steps", "20")
    for b2 in ("-1.5", "-1"):
        result = answer(capsys, command, "--b2", b2, *length, "--out", str(path))
        last = read(path).isel({"time" if command == "flow" else "step": -1})
        assert {name: float(last[name]) for name in ("w1", "b1", "w2", "b2")} == result["final"]
    assert list(tmp_path.iterdir()) == [path]


def test_text_says_what_json_says(capsys: Capture) -> None:
    assert run(["train", "--b2", "-1.2", "--steps", "300"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = dict(
        line.split(maxsplit=1) for line in out.splitlines() if not line.startswith((" ", "crossings"))
    )
    result = answer(capsys, "train", "--b2", "-1.2", "--steps", "300")
    assert float(lines["loss"]) == pytest.approx(result["loss"], rel=1e-14)
    assert lines["activity"] == result["activity"]
    assert [line.split()[0] for line in out.splitlines() if line.startswith("  ")] == [
        str(crossing["step"]) for crossing in result["crossings"]
    ]
