"""Every script in plots/ has a title and a caption without gaps, draws, and says what it wrote."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from string import Formatter

import pytest
from matplotlib.figure import Figure

from gradflow.base.scripts import describe, load_script, script_paths
from gradflow.study.claims.remedies.table import Effort
from gradflow.study.figures.script import caption, main, render, signed, tidy
from gradflow.study.figures.style import DOUBLE, SINGLE
from gradflow.study.remedies import Method
from tests.study.figures.examples import overhang

SCRIPTS = script_paths("plots")
TWO = (Method("gd", 0.1), Method("adam", 0.01))
SMALLER: dict[str, dict[str, object]] = {
    "12_upstream": {"N": 200, "LONGEST": 10_000},
    "13_dying_in_depth": {"TRIALS": 2000},
    "14_remedies": {"FULL": Effort(4, 4, 300, TWO), "METHODS": TWO},
    "15_rescued_starts": {"N": 5, "STEPS": 500},
    "16_alignment_in_the_plane": {"LIGHT": True},
    "17_nearly_orthogonal_data": {"LIGHT": True},
    "18_alignment_on_digits": {"LIGHT": True},
    "19_alignment_time": {"LIGHT": True},
    "23_death_at_the_origin": {"N": 200, "WIDTHS": (1.0, 4.0)},
    "20_adam_after_the_end": {"N": 32, "LONGEST": 20_000, "NEURONS": 5, "SHAKEN": 1500, "RATE": 0.1},
    "25_units": {"NEURONS": 4, "T_END": 5.0, "SIDES": 2, "MOMENTS": 5},
    "24_width": {"NETWORKS": 8, "WIDTHS": (2, 5), "RUNS": {16: 200, 64: 100}},
}
"""The long ones are drawn from less; `gradflow reproduce` draws them whole."""

TITLE = "A test"
CAPTION = "It has {n} steps of {RATE:g}."
RATE = 0.10


def numbers() -> dict[str, object]:
    return {"n": 3}


def draw() -> Figure:
    return Figure(figsize=(1.0, 1.0))


SCRIPT = {**globals(), "__file__": "plots/07_test.py"}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_is_numbered_and_says_what_it_is(path: Path) -> None:
    module = load_script(path)
    assert describe(path).title
    assert module.TITLE
    assert not module.TITLE.endswith(".")
    assert module.CAPTION.endswith(".")
    assert callable(module.draw)
    fields = {re.split(r"[.\[]", name)[0] for _, name, _, _ in Formatter().parse(module.CAPTION) if name}
    assert {name for name in fields if name.isupper()} <= set(vars(module))
    assert hasattr(module, "numbers") == any(not name.isupper() for name in fields)


TESTED = ("08_proved_regions", "09_steps_that_kill", "10_convergence_orders")
DRAWN = [path for path in SCRIPTS if path.stem not in TESTED]
"""Without those that take a minute and have tests of their own, which draw them from less."""


@pytest.mark.slow
@pytest.mark.parametrize("path", DRAWN, ids=lambda path: path.stem)
def test_a_figure_is_published_whole(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = load_script(path)
    for name, value in SMALLER.get(path.stem, {}).items():
        assert type(getattr(module, name)) is type(value)
        monkeypatch.setattr(module, name, value)
    figure = module.draw()
    monkeypatch.setattr(module, "draw", lambda: figure)
    assert figure.get_size_inches()[0] in (SINGLE, DOUBLE)
    assert overhang(figure) < 0.5
    rendered = render(vars(module), tmp_path)
    assert [p.suffix for p in rendered.files] == [".pdf", ".svg", ".png"]
    assert "{" not in rendered.caption
    assert "nan" not in rendered.caption


@pytest.mark.slow
def test_a_script_runs_on_its_own(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(SCRIPTS[1]), "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(list(tmp_path.iterdir())) == 3
    assert done.stderr == ""


def test_the_command_prints_files_and_caption(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(SCRIPT, ["--out", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        *(str(tmp_path / f"07_test.{e}") for e in ("pdf", "svg", "png")),
        "",
        "A test. It has 3 steps of 0.1.",
    ]


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(SCRIPT, ["--out", str(tmp_path / "file")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("--out: cannot write to ")
    assert err.count("\n") == 1


def test_a_caption_has_constants_and_computed_numbers_or_none() -> None:
    assert caption(SCRIPT) == "It has 3 steps of 0.1."
    assert caption({"CAPTION": "Nothing computed."}) == "Nothing computed."
    assert (signed(-1.25), signed(-0.5, ".2f"), signed(3.0), tidy(1e-7)) == ("−1.25", "−0.50", "3", "1e-7")
