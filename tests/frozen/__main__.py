"""Compute runs and write their results: `python -m tests.frozen`, all of them or those named.

The others keep what was frozen, and so does the machine that wrote it, which is that of all.
"""

from __future__ import annotations

import sys
import time

from tests.frozen.compare import differences, told
from tests.frozen.fixtures import FOLDER, MACHINE, facts, read, write
from tests.frozen.runs import RUNS
from tests.frozen.tasks import Run


def main(names: list[str]) -> None:
    """Write the files anew, and say what differs from those that were there."""
    unknown = set(names) - {run.name for run in RUNS}
    if unknown:
        raise SystemExit(f"no run is called {', '.join(sorted(unknown))}")
    if names and facts() != read(MACHINE):
        raise SystemExit("the other runs were computed elsewhere: compute all")
    results: dict[str, dict[str, object]] = {}
    for run in RUNS:
        results.setdefault(run.group, {})[run.name] = _result(run, not names or run.name in names)
    changes = 0
    for group, now in results.items():
        before = read(group)
        for name in [*now, *(name for name in before if name not in now)]:
            if name not in before:
                lines = ["new"]
            elif name not in now:
                lines = ["no run any more"]
            else:
                lines = differences(before[name], now[name])
            if lines:
                changes += 1
                print(f"{group}, {name}: {told(lines)}")
        write(group, now)
    write(MACHINE, facts())
    size = sum(path.stat().st_size for path in FOLDER.glob("*.json"))
    print(f"{len(RUNS)} runs, {changes} changed; {size / 1000:.0f} kB in all")


def _result(run: Run, again: bool) -> object:
    if not again:
        return read(run.group)[run.name]
    begin = time.process_time()
    result = run.result()
    print(f"{time.process_time() - begin:6.2f} s  {run.group}  {run.name}", flush=True)
    return result


if __name__ == "__main__":
    main(sys.argv[1:])
