"""Saving: every file whole or absent, and the same bytes whenever the same figure is drawn."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from matplotlib.figure import Figure

from gradflow.base.checks import one_of, require_kind, shown
from gradflow.base.files import whole_file
from gradflow.base.version import __version__
from gradflow.study.figures.style import styled

CREATOR = f"gradflow {__version__}"
METADATA: dict[str, dict[str, str | None]] = {
    "pdf": {"Creator": CREATOR, "CreationDate": None},
    "svg": {"Creator": CREATOR, "Date": None},
    "png": {"Software": CREATOR},
}
FORMATS = tuple(METADATA)
DPI = 300


@styled
def save(figure: Figure, stem: Path | str, formats: Sequence[str] | str | None = None) -> list[Path]:
    """Save a figure at its own size: PDF with embedded TrueType fonts, SVG, PNG at 300 dpi.

    Parameters
    ----------
    figure : Figure
        As a function of this package returned it; it is left unchanged.
    stem : path
        The files' path without the ending; a missing folder is made. One of a format is taken off; another,
        as in "loss.v1", needs `formats` to be a part of the name, unless it begins with a digit.
    formats : {'pdf', 'svg', 'png'} or sequence of them, optional
        The files to write; by default the one that the path's ending names, or all.

    Returns
    -------
    list of Path
        The files, in the order of `formats`.

    Raises
    ------
    ValueError, TypeError
        If a format is none of these, or the figure or the path is none.
    OSError
        If a file cannot be written; those written before stay.
    """
    require_kind("figure", figure, Figure)
    stem = _named(stem)
    ending = stem.suffix.removeprefix(".").lower()
    if ending in METADATA:
        stem = stem.with_suffix("")
    elif formats is None and ending[:1].isalpha():
        allowed = "a name that ends in .pdf, .svg or .png or has no ending, or formats as well"
        raise ValueError(f"stem: expected {allowed}, got {shown(stem.name)}")
    if formats is None:
        formats = (ending,) if ending in METADATA else FORMATS
    elif isinstance(formats, str):
        formats = (formats,)
    for kind in formats:
        one_of("formats", kind, FORMATS)
    stem.parent.mkdir(parents=True, exist_ok=True)
    written = []
    with _settled(figure):
        for kind in formats:
            path = stem.with_name(f"{stem.name}.{kind}")
            with whole_file(path) as temporary:
                figure.savefig(temporary, format=kind, dpi=DPI, metadata=METADATA[kind])
            written.append(path)
    return written


def _named(stem: object) -> Path:
    """Return a path that ends in a name, not in a folder."""
    if not isinstance(stem, (str, os.PathLike)):
        raise TypeError(f"stem: expected a path, got {shown(stem)}")
    path = Path(os.fsdecode(stem))
    if path.name in ("", ".."):
        raise ValueError(f"stem: expected a path with a name, got {shown(os.fsdecode(stem))}")
    return path


@contextmanager
def _settled(figure: Figure) -> Iterator[None]:
    """Lay the figure out once, so that no file depends on which others are written.

    At the files' resolution: with fewer dots text is hinted narrower, and what just fits would be cut off.
    """
    engine, dpi = figure.get_layout_engine(), figure.dpi
    before = [
        (axes, axes.get_position(original=True).frozen()) for axes in figure.axes if axes.get_in_layout()
    ]
    figure.dpi = DPI
    figure.draw_without_rendering()
    figure.dpi = dpi
    figure.set_layout_engine("none")
    try:
        yield
    finally:
        figure.set_layout_engine(engine)
        # A layout that starts from the last one would differ from it by rounding.
        for axes, position in before:
            axes.set_position(position)
            axes.set_in_layout(True)
