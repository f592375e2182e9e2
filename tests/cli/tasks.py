"""Tasks for worker processes; they are imported there by name."""

from __future__ import annotations

import time
from pathlib import Path

from gradflow.results import whole_file


def write_half(path: Path) -> None:
    """Write half a file, say so, and never come to the other half."""
    with whole_file(path) as temporary:
        temporary.write_text("half")
        path.with_suffix(".started").touch()
        time.sleep(600)


def note(path: Path) -> str:
    """Leave a file, and return its name."""
    path.touch()
    return path.name


def fail() -> None:
    """Fail."""
    raise ValueError("between: the outcome is global at both ends")
