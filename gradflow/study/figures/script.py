"""Parts that scripts in ``plots/`` share: a caption, files and a command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from matplotlib.figure import Figure

from gradflow.study.figures.save import FORMATS, save


class Rendered(NamedTuple):
    """A script's title and caption, and the files that were written."""

    title: str
    caption: str
    files: list[Path]


def caption(module: ModuleType) -> str:
    """Return a script's ``CAPTION`` filled with what its function ``numbers()`` computes, if it has one."""
    text: str = module.CAPTION
    return text.format(**module.numbers()) if hasattr(module, "numbers") else text


def render(module: ModuleType, stem: str, out: Path, formats: Sequence[str] = FORMATS) -> Rendered:
    """Draw a script's figure and save it as ``out/stem.pdf`` and so on.

    Parameters
    ----------
    module : module
        A script of ``plots/``: ``TITLE``, ``CAPTION``, ``draw()`` and perhaps ``numbers()``.
    stem : str
        The files' name, by custom the script's.
    out : Path
        The folder; made if it is missing.
    formats : sequence of str
        As for `gradflow.study.figures.save.save`.
    """
    files = save(module.draw(), Path(out) / stem, formats)
    return Rendered(module.TITLE, caption(module), files)


def main(draw: Callable[[], Figure], file: str, arguments: Sequence[str] | None = None) -> int:
    """Run a script from the command line: save its figure, print the files and the caption.

    Returns
    -------
    int
        The exit code: 2, after one line on standard error, if the files cannot be written.
    """
    module = sys.modules[draw.__module__]
    parser = argparse.ArgumentParser(prog=Path(file).name, description=module.TITLE)
    parser.add_argument(
        "--out", metavar="DIR", type=Path, default=Path("figures"), help="default: %(default)s"
    )
    out = parser.parse_args(arguments).out
    try:
        rendered = render(module, Path(file).stem, out)
    except OSError as error:
        print(f"--out: cannot write to {str(out)!r}: {error.strerror or error}", file=sys.stderr)
        return 2
    for path in rendered.files:
        print(path)
    print(f"\n{rendered.title}. {rendered.caption}")
    return 0
