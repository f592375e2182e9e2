"""Saved figures: the same bytes in every process, fonts embedded, whole or absent, the figure unchanged."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from matplotlib.figure import Figure

from gradflow.study.figures import save
from tests.study.figures.examples import KINDS

REDRAW = """
import sys
from pathlib import Path
from gradflow.study.figures import save
from tests.study.figures.examples import KINDS
for name, draw in KINDS.items():
    save(draw(), Path(sys.argv[1]) / name)
assert "matplotlib.pyplot" not in sys.modules
"""


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.mark.slow
def test_two_processes_write_the_same_bytes_without_pyplot(tmp_path: Path) -> None:
    found = []
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", REDRAW, str(tmp_path / seed)], env=environment, check=True)
        found.append(digests(tmp_path / seed))
    assert len(found[0]) == 3 * len(KINDS)
    assert found[0] == found[1]


@pytest.mark.some(2)
@pytest.mark.parametrize("kind", KINDS)
def test_no_file_depends_on_which_others_were_written_and_fonts_are_embedded(
    kind: str, tmp_path: Path
) -> None:
    save(KINDS[kind](), tmp_path / "a" / "x", ["pdf", "svg", "png"])
    other = KINDS[kind]()
    for form in ("png", "svg", "pdf"):
        save(other, tmp_path / "b" / "x", [form])
    assert len(digests(tmp_path / "a")) == 3
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert_fonts_are_embedded((tmp_path / "a" / "x.pdf").read_bytes())


def test_the_users_settings_change_nothing_and_stay(tmp_path: Path) -> None:
    save(KINDS["loss_curves"](), tmp_path / "a" / "x")
    with matplotlib.rc_context({"font.size": 20.0, "pdf.fonttype": 3, "axes.grid": True}):
        save(KINDS["loss_curves"](), tmp_path / "b" / "x")
        assert matplotlib.rcParams["font.size"] == 20.0
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


def assert_fonts_are_embedded(data: bytes) -> None:
    """Check that the fonts of a PDF are embedded, and TrueType ones."""
    plain = data + b"".join(
        zlib.decompress(body) if body[:1] == b"\x78" else body
        for body in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL)
    )
    assert b"/FontFile2" in plain
    assert b"/CIDFontType2" in plain or b"/TrueType" in plain
    assert b"/Type3" not in plain
    assert b"CreationDate" not in plain


def test_png_has_300_dots_per_inch_and_no_file_has_a_date(tmp_path: Path) -> None:
    figure = KINDS["loss_against"]()
    pdf, svg, png = save(figure, tmp_path / "x")
    header = png.read_bytes()
    pixels = [int.from_bytes(header[i : i + 4], "big") for i in (16, 20)]
    assert pixels == [round(300 * inches) for inches in figure.get_size_inches()]
    assert "<dc:date>" not in svg.read_text(encoding="utf-8")
    assert "<text" not in svg.read_text(encoding="utf-8")
    assert pdf.read_bytes().startswith(b"%PDF")


def test_files_are_named_by_the_stem_and_a_missing_folder_is_made(tmp_path: Path) -> None:
    stem = tmp_path / "new" / "loss.v1"
    assert save(Figure(), stem, ["svg", "png"]) == [tmp_path / "new" / f"loss.v1.{e}" for e in ("svg", "png")]
    assert sorted(p.name for p in stem.parent.iterdir()) == ["loss.v1.png", "loss.v1.svg"]


def test_a_failure_leaves_no_file(tmp_path: Path) -> None:
    figure = Figure()
    figure.text(0.5, 0.5, "$\\nonsense$", parse_math=True)
    with pytest.raises(ValueError, match="nonsense"):
        save(figure, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_is_named_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^formats: .*'gif'$"):
        save(Figure(), tmp_path / "x", ["pdf", "gif"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("figure", "stem", "line"),
    [
        (3, "x.png", "figure: expected a Figure, got 3"),
        (Figure(), "q.bmp", "stem: expected a name that ends in .pdf, .svg or .png or has no ending, or"),
        (Figure(), "new/..", "stem: expected a path with a name, got 'new/..'"),
        (Figure(), "", "stem: expected a path with a name, got ''"),
        (Figure(), 3, "stem: expected a path, got 3"),
    ],
)
def test_what_is_no_figure_or_no_name_is_refused(
    figure: Any, stem: Any, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ValueError, TypeError)) as caught:
        save(figure, stem)
    assert str(caught.value).startswith(line)
    assert not list(tmp_path.iterdir())


def test_numbers_and_versions_are_parts_of_a_name(tmp_path: Path) -> None:
    assert next(path.name for path in save(Figure(), tmp_path / "lr=0.05")) == "lr=0.05.pdf"
    assert [path.name for path in save(Figure(), tmp_path / "a.v1", "svg")] == ["a.v1.svg"]
