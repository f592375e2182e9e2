"""A process that runs tests in forks of itself, so that what gradflow builds on is imported once.

Run in a tree, it reads a line at a time, JSON of a limit and of arguments for pytest, and answers with one:
the exit code (of a signal −1 times it), seconds of a processor, and the first test that failed. Nothing of
the tree is imported before the fork.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import tempfile

import pytest

BEFORE = (
    *("numpy", "scipy.integrate", "scipy.optimize", "scipy.special", "scipy.stats"),
    *("sympy", "mpmath", "xarray", "numba"),
)


def main() -> None:
    """Answer until there is no more to read."""
    for name in BEFORE:
        importlib.import_module(name)
    for line in sys.stdin:
        limit, arguments = json.loads(line)
        with tempfile.TemporaryFile("w+") as shown:
            child = os.fork()
            if not child:
                run(shown.fileno(), limit, arguments)
            _, status, used = os.wait4(child, 0)
            shown.seek(0)
            failed = [text for text in shown if text.startswith(("FAILED", "ERROR"))]
        killer = failed[0].split(" - ")[0].strip() if failed else ""
        print(
            json.dumps([os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, killer]), flush=True
        )


def run(shown: int, limit: int, arguments: list[str]) -> None:
    """Run tests, and leave."""
    # On the clock a machine that does other things would end tests.
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 10))
    nothing = os.open(os.devnull, os.O_RDONLY)
    for own, other in ((0, nothing), (1, shown), (2, shown)):
        os.dup2(other, own)
    code = 1
    try:
        code = int(pytest.main(arguments))
    finally:
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
