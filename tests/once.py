"""What is expensive and many tests look at: done once a run, for all its processes.

It is kept in the cache of the run (`own_cache` in ``conftest.py``). Whoever comes while another process is at
it waits for that process.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STUDY = "GRADFLOW_STUDY"
"""The variable with the folder of a quick study that somebody has made of this tree already, as CI has."""


@contextmanager
def place(name: str) -> Iterator[Path]:
    """Give a path in the run's cache, to nobody else meanwhile."""
    path = Path(os.environ["XDG_CACHE_HOME"]) / "once" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield path


def quick_study() -> Path:
    """Return the folder that `gradflow reproduce --quick --out` writes."""
    if STUDY in os.environ:
        return Path(os.environ[STUDY])
    with place("study") as folder:
        if not (folder / "claims.json").exists():
            command = (sys.executable, "-W", "error", "-m", "gradflow", "reproduce", "--quick", "--out")
            subprocess.run([*command, str(folder)], check=True, stdout=subprocess.DEVNULL)
    return folder
