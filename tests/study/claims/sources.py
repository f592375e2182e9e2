"""The table ``sources.toml``, and the comparison of a study with it.

``python -m tests.study.claims.sources`` checks all claims in full, in a process for each core, and compares
what it finds; ``python -m tests.study.claims.sources claims.json`` compares a study that `gradflow reproduce`
has written.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gradflow.cli.study import Study
from gradflow.study.claims import LEDGER

TABLE: dict[str, dict[str, Any]] = tomllib.loads(
    Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
)
VERDICT: dict[bool, dict[str, str]] = {
    quick: {name: verdicts[0 if quick else 1] for name, verdicts in TABLE["verdicts"].items()}
    for quick in (True, False)
}
"""The verdicts of quick checks and of full ones, by id."""

_NUMBER = re.compile(r"(?<![\w.^])[-−]?\d+(?:[ ,]\d{3})*(?:\.\d+)?(?:e[-−]?\d+)?")


def numbers(sentence: str) -> list[float]:
    """Return the numbers of a sentence, in order; digits that are part of a name (w1) are none."""
    return [float(re.sub("[ ,]", "", text.replace("−", "-"))) for text in _NUMBER.findall(sentence)]


def published(evidence: Any, path: str = "") -> dict[str, Any]:
    """Return what evidence says is published, by path: whatever has a name that starts so."""
    entries = evidence.items() if isinstance(evidence, Mapping) else enumerate(evidence)
    found = {}
    for name, value in entries:
        here = f"{path}{name}"
        if str(name).startswith("published"):
            found[here] = value
        elif isinstance(value, (Mapping, list, tuple)):
            found |= published(value, f"{here}.")
    return found


def held(code: str) -> Any:
    """Return what the code holds under a name of the table, "module:attribute.attribute"."""
    module, _, path = code.partition(":")
    value: Any = importlib.import_module(module)
    for name in path.split("."):
        value = value[name] if isinstance(value, Mapping) else getattr(value, name)
    return plain(value)


def plain(value: Any) -> Any:
    """Return a value as the table would hold it."""
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def differences(records: Iterable[Mapping[str, Any]], *, quick: bool) -> list[str]:
    """Return, in words, where entries of ``claims.json`` are not as the table says."""
    found = []
    for record in records:
        name, verdict = record["id"], VERDICT[quick].get(record["id"], "none")
        if record["verdict"] != verdict:
            found.append(f"{name}: {record['verdict']}, not {verdict}: {record['evidence']['summary']}")
        stated, read = published(record["evidence"]), TABLE["evidence"].get(name, {}).get("published", {})
        if stated != read:
            found.append(f"{name}: says that {stated} is published, the source says {read}")
    return found


def compare(study: Mapping[str, Any]) -> list[str]:
    """Return where a whole study, the content of a ``claims.json``, is not as the table says."""
    ids = [record["id"] for record in study["claims"]]
    missing = [f"{name}: not checked" for name in TABLE["verdicts"] if name not in ids]
    return missing + differences(study["claims"], quick=study["quick"])


def checked() -> dict[str, Any]:
    """Check all claims in full."""
    found = Study(LEDGER, [], False, None).run({})
    return {"claims": [found[claim.id] for claim in LEDGER], "quick": False}


def main(paths: list[str]) -> None:
    """Compare the studies at these paths, or one that is made here, and exit with 1 if they differ."""
    studies = [json.loads(Path(path).read_text(encoding="utf-8")) for path in paths] or [checked()]
    if found := [line for study in studies for line in compare(study)]:
        sys.exit("\n".join(found))
    print(f"{len(TABLE['verdicts'])} verdicts are those of the table")


if __name__ == "__main__":
    main(sys.argv[1:])
