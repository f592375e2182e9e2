"""Compute all runs and write their results: `python -m tests.frozen`."""

from __future__ import annotations

import time

from tests.frozen.compare import differences, told
from tests.frozen.fixtures import FOLDER, MACHINE, facts, read, write
from tests.frozen.runs import RUNS


def main() -> None:
    """Write the files anew, and say what differs from those that were there."""
    results: dict[str, dict[str, object]] = {}
    for run in RUNS:
        begin = time.process_time()
        results.setdefault(run.group, {})[run.name] = run.result()
        print(f"{time.process_time() - begin:6.2f} s  {run.group}  {run.name}", flush=True)
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


if __name__ == "__main__":
    main()
