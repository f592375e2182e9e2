"""`--figure FILE` draws what the command computed, in the format of its ending, the same when redrawn."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradflow.cli import run
from tests.cli.command import answer, files_below

Capture = pytest.CaptureFixture[str]

SEARCH = "threshold --vary {} --between {} --tol 1e-3 --scan 66 --method gd --steps 400"
LINES = {
    "a flow": "flow --b2 -2 --t-end 20",
    "a flow that stands still": "flow --t-end 0",
    "a neuron at rest": "train --steps 20",
    "no step": "train --b2 -1 --steps 0",
    "a crossing": "train --b2 -2 --steps 400 --samples 30",
    "a run that diverges": "train --optimizer gd --lr 1e9 --b2 -1 --steps 30",
    "a smooth neuron": "train --activation silu --b2 -1 --steps 50",
    "a threshold": SEARCH.format("b1", "-2 0"),
    "a rate": SEARCH.format("lr", "0.01 0.9") + " --b2 -1.2 --steps 2000",
    "a line of starts": "basins --grid b1 -2 1 13 --method gd --steps 50",
    "a line of rates": "basins --grid lr 1e-3 1e9 7 log --b2 -1 --method gd --steps 50",
    "one start": "basins --grid b1 1 1 1 --method gd --steps 5",
    "a plane": "basins --grid b1 -2 2 5 --grid b2 -1 1 4 --method gd --steps 50",
}


SLOW = {"a rate"}


@pytest.mark.some(5)
@pytest.mark.parametrize(
    "line", [pytest.param(LINES[i], id=i, marks=pytest.mark.slow if i in SLOW else ()) for i in LINES]
)
def test_of_what_is_computed(line: str, capsys: Capture, tmp_path: Path) -> None:
    words = line.split()
    if words.count("--steps") > 1:
        at = words.index("--steps")
        del words[at : at + 2]
    plain = answer(capsys, *words)
    path = tmp_path / "a.png.svg"
    assert answer(capsys, *words, "--figure", str(path)) == plain
    assert files_below(tmp_path) == ["a.png.svg"]
    assert path.read_text().endswith("</svg>\n")


@pytest.mark.slow
def test_in_every_format(capsys: Capture, tmp_path: Path) -> None:
    for name, begin in (("a.pdf", b"%PDF"), ("a.png", b"\x89PNG"), ("a.svg", b"<?xml")):
        answer(capsys, "train", "--b2", "-1", "--steps", "9", "--figure", str(tmp_path / name))
        assert (tmp_path / name).read_bytes().startswith(begin)


def test_of_a_store(capsys: Capture, tmp_path: Path) -> None:
    pytest.importorskip("zarr")
    line = LINES["a plane"].split()
    stored, plain = tmp_path / "stored.svg", tmp_path / "plain.svg"
    assert run([*line, "--out", str(tmp_path / "s.zarr"), "--figure", str(stored)]) == 0
    assert run([*line, "--figure", str(plain)]) == 0
    assert stored.read_bytes() == plain.read_bytes()


def test_a_figure_that_cannot_be_written_loses_no_result(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", str(tmp_path / "a.pdf"))

    monkeypatch.setattr("gradflow.cli.drawing.write_figure", full)
    for line in (LINES["no step"], LINES["a plane"], LINES["a threshold"]):
        assert run([*line.split(), "--figure", str(tmp_path / "a.pdf")]) == 2
        told, said = capsys.readouterr()
        assert told
        assert said == f"gradflow: --figure: {tmp_path / 'a.pdf'}: No space left on device\n"
