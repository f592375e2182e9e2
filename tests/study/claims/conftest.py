"""What claims find of altered inputs is compared as a whole: words, verdict and numbers.

The tests named ``FOLLOW`` give claims runs that ended in some way. Their findings, if they are not slow, have
fingerprints in ``findings.json``: of the words, and of the numbers, which are compared on the machine that
froze them (`tests.frozen`). `GRADFLOW_FINDINGS=write python -m pytest tests/study/claims` writes them anew,
after a change that is meant.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from gradflow.study.claims import words
from gradflow.study.claims.ledger import Finding
from tests.frozen.same import SAME

TABLE = Path(__file__).with_name("findings.json")
WRITES = os.environ.get("GRADFLOW_FINDINGS") == "write"
KNOWN: dict[str, dict[str, str]] = json.loads(TABLE.read_text(encoding="utf-8"))
FOLLOW = re.compile(
    r"test_(\w*verdicts?_\w*(follow|come)|one_altered_input|the_last_rate_follows|claims_on_\w*computed)\w*\.py"
)
NUMBER = re.compile(r"(nan|inf|[-+−]?\d[\d ,]*(\.\d+)?(e[-+]?\d+)?)")
SMALL = 1e-12
"""What is smaller is rounding."""


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Compare what a test's findings are with the table."""
    if not FOLLOW.fullmatch(pyfuncitem.path.name) or pyfuncitem.get_closest_marker("slow"):
        return (yield)
    made: list[Finding] = []

    def record(*given: Any) -> Finding:
        made.append(Finding(*given))
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(words, "Finding", record)
        result = yield
    if not made:
        return result
    test, _, case = pyfuncitem.nodeid.rpartition("/")[2].partition("[")
    case = hashlib.sha256(case.encode()).hexdigest()[:6]
    if WRITES:
        KNOWN.setdefault(test, {})[case] = fingerprint(made)
        return result
    known = KNOWN.get(test, {}).get(case, "").split()
    if known[: 1 + SAME] != fingerprint(made).split()[: 1 + SAME]:
        found = "\n".join(f"{one.verdict}: {one.summary}" for one in made)
        pytest.fail(f"findings are others than in {TABLE.name}; if it is meant, write it anew:\n{found}")
    return result


def pytest_sessionfinish() -> None:
    """Write the table if that is asked for."""
    if WRITES:
        TABLE.write_text(json.dumps(KNOWN, indent=0, sort_keys=True) + "\n", encoding="utf-8")


def fingerprint(findings: list[Finding]) -> str:
    """Return two digests: of verdicts and sentences without their numbers; of numbers to five digits."""
    said = repr([(one.verdict, NUMBER.sub("#", one.summary)) for one in findings])
    values = repr([rounded(one.values) for one in findings])
    return " ".join(hashlib.sha256(text.encode()).hexdigest()[:6] for text in (said, values))


def rounded(value: Any) -> Any:
    """Return nested values with numbers to five digits."""
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    if isinstance(value, float):
        return 0.0 if abs(value) < SMALL else float(f"{value:.5g}")
    return value
