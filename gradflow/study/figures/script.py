"""Parts that scripts in ``plots/`` share: caption, numbers in it, files and command line.

A script has ``TITLE``, ``CAPTION``, ``draw()``, and ``numbers()`` if its caption states what is computed. It
is given as the mapping of its names, ``globals()`` or ``vars(module)``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gradflow.study.figures.save import FORMATS, save

Script = Mapping[str, Any]


class Rendered(NamedTuple):
    """A script's title and caption, and the files that were written."""

    title: str
    caption: str
    files: list[Path]


def caption(script: Script) -> str:
    """Return ``CAPTION`` filled with the script's constants, by their names, and with its ``numbers()``."""
    constants = {name: value for name, value in script.items() if name.isupper()}
    computed = script["numbers"]() if "numbers" in script else {}
    text: str = script["CAPTION"]
    return text.format(**constants | computed)


def signed(value: float, form: str = "g") -> str:
    """Return a number as a caption has it, with a minus sign and not a hyphen."""
    return f"{value:{form}}".replace("-", "−")


def tidy(value: float) -> str:
    """Return a number without zeros in its exponent."""
    return f"{value:g}".replace("e-0", "e-")


def render(script: Script, out: Path, formats: Sequence[str] = FORMATS) -> Rendered:
    """Draw a script's figure and save it under the script's name, in a folder that is made if it is missing.

    Formats are those of `gradflow.study.figures.save.save`.
    """
    files = save(script["draw"](), Path(out) / Path(script["__file__"]).stem, formats)
    return Rendered(script["TITLE"], caption(script), files)


def main(script: Script, arguments: Sequence[str] | None = None) -> int:
    """Run a script from the command line: save its figure, print the files and the caption.

    Returns
    -------
    int
        The exit code: 2, after one line on standard error, if the files cannot be written.
    """
    parser = argparse.ArgumentParser(prog=Path(script["__file__"]).name, description=script["TITLE"])
    parser.add_argument(
        "--out", metavar="DIR", type=Path, default=Path("figures"), help="default: %(default)s"
    )
    out = parser.parse_args(arguments).out
    try:
        rendered = render(script, out)
    except OSError as error:
        print(f"--out: cannot write to {str(out)!r}: {error.strerror or error}", file=sys.stderr)
        return 2
    for path in rendered.files:
        print(path)
    print(f"\n{rendered.title}. {rendered.caption}")
    return 0
