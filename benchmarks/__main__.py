"""The command: measure gradflow and what a user would pick instead, in one run, on the same trajectories."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import machine, report, table
from benchmarks.harness import Say
from benchmarks.rows import adam, alignment, basins, flow, gpu, inputs, networks, samples, scaling, smooth

ROWS: dict[str, Callable[[bool, Say], table.Section]] = {
    module.ROW: module.run
    for module in (adam, gpu, samples, smooth, networks, flow, basins, scaling, inputs, alignment)
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rows that were asked for; print the table, write the files.

    Returns
    -------
    int
        0; 1 if an answer of gradflow disagreed; 2 after one line if the folder cannot be written;
        130 if interrupted.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", metavar="ROW", action="append", choices=[*ROWS], help=", ".join(ROWS))
    parser.add_argument("--quick", action="store_true", help="small sizes: whether it works, not how fast")
    parser.add_argument("--out", metavar="DIR", type=Path, default=Path("figures/benchmarks"))
    parser.add_argument("--json", action="store_true", help="print the results as JSON instead of the table")
    options = parser.parse_args(arguments)
    provenance = machine.provenance() | {"quick": options.quick}
    load = provenance["load average before"]
    if load > 0.5:
        print(f"warning: the load average is {load}: on a busy machine ratios mean little", file=sys.stderr)
    sections = []
    try:
        for name, run in ROWS.items():
            if options.only is None or name in options.only:
                sections.append(run(options.quick, _say(name)))
    except KeyboardInterrupt:
        print("interrupted: nothing was written", file=sys.stderr)
        return 130
    _say("")("")
    try:
        files = report.write(sections, provenance, options.out)
    except OSError as error:
        print(f"--out: cannot write to {str(options.out)!r}: {error.strerror or error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(report.as_json(sections, provenance), ensure_ascii=False))
    else:
        print(table.text(sections), "", *files, sep="\n")
    lines = [line for section in sections for line in section.lines]
    return int(any(line.error > line.tolerance for line in lines))


def _say(row: str) -> Say:
    """Return a function that shows on a terminal what is being done."""
    if not sys.stderr.isatty():
        return lambda _: None
    return lambda doing: print(f"\r\033[K{row}: {doing}" if doing else "\r\033[K", end="", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
