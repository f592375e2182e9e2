"""What is expensive and many tests look at: done once a run, for all its processes.

Whoever comes while another process is at it waits for that process.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STUDY = "GRADFLOW_STUDY"
"""The variable with the folder of a quick study that somebody has made of this tree already, as CI has."""


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Let nobody else be at a path meanwhile."""
    import fcntl  # it is not everywhere

    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def quick_study(run_folder: Path) -> Path:
    """Return the folder that `gradflow reproduce --quick --out` writes, in that of a run."""
    if STUDY in os.environ:
        return Path(os.environ[STUDY])
    folder = run_folder / "study"
    with alone(folder):
        if not (folder / "claims.json").exists():
            command = (sys.executable, "-W", "error", "-m", "gradflow", "reproduce", "--quick", "--out")
            subprocess.run([*command, str(folder)], check=True, stdout=subprocess.DEVNULL)
    return folder
