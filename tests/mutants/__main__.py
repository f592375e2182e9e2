"""Mutants, on demand: `python -m tests.mutants faults [PART OF A NAME]` and `… sample COUNT [SEED [REACH]]`.

faults  puts in each fault of ``faults.toml``, one at a time, and runs the tests named there
sample  puts in random mutants of the core by cosmic-ray (extra `mutants`), and runs the tests of their
        folder; given a file that `tests/mutants/reach.py` has written, those that reach it, cheap ones first

Both work in a copy of the tree and print a table: what killed each mutant, and in how many seconds of a
processor. The exit code is the number of survivors.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from tests.mutants.reach import read
from tests.mutants.sample import sample
from tests.mutants.tree import copied

FAULTS: dict[str, dict[str, str | list[str]]] = tomllib.loads(
    Path(__file__).with_name("faults.toml").read_text(encoding="utf-8")
)


def faults(part: str) -> int:
    """Put in the faults whose names have this part; return how many survive."""
    survivors = 0
    with copied() as tree:
        for name, fault in FAULTS.items():
            if part not in name:
                continue
            path = tree.path / str(fault["file"])
            text = path.read_text(encoding="utf-8")
            path.write_text(altered(text, str(fault["old"]), str(fault["new"])), encoding="utf-8")
            found = tree.judge(list(fault["tests"]))
            path.write_text(text, encoding="utf-8")
            survivors += not found.killer
            print(f"{name} | {found.killer or 'SURVIVES'} | {found.seconds:.0f} s", flush=True)
    return survivors


def altered(text: str, old: str, new: str) -> str:
    """Return a text with a part that it has once replaced."""
    if text.count(old) != 1:
        raise SystemExit(f"expected {old!r} once, found it {text.count(old)} times")
    return text.replace(old, new)


def main(arguments: list[str]) -> int:
    """Do what is asked; return the exit code."""
    match arguments:
        case ["faults"]:
            return faults("")
        case ["faults", part]:
            return faults(part)
        case ["sample", count]:
            return sample(int(count), 0)
        case ["sample", count, seed]:
            return sample(int(count), int(seed))
        case ["sample", count, seed, file]:
            return sample(int(count), int(seed), read(file))
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
