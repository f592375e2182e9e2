"""Finished results of a long command, kept beside its output until all of it is done.

Every result is a file of its own, whole or absent. Results of another version of the code or of other
options are not used again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from gradflow.base.files import to_json, write_text

FOLDER, CLAIMS = "unfinished", "claims.json"


def digest() -> str:
    """Return a fingerprint of the package's source files."""
    package = Path(__file__).resolve().parent.parent
    total = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        total.update(path.relative_to(package).as_posix().encode())
        total.update(path.read_bytes())
    return total.hexdigest()


def load(out: Path, header: dict[str, Any]) -> dict[str, Any]:
    """Return the results of an interrupted run with the same header, by name."""
    found = {}
    for path in sorted((out / FOLDER).glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(content, dict) and content.get("header") == header:
            found[str(content["name"])] = content["result"]
    return found


def studied(out: Path) -> set[str]:
    """Return the names of all that a directory has results of: those of its claims.json and unfinished ones.

    Raises
    ------
    ValueError
        If its claims.json is not one that `gradflow reproduce` wrote.
    """
    names, path = {unfinished.stem for unfinished in (out / FOLDER).glob("*.json")}, out / CLAIMS
    if not path.is_file():
        return names
    try:
        return names | {str(entry["id"]) for entry in json.loads(path.read_text(encoding="utf-8"))["claims"]}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"--out: {str(path)!r} is no study of gradflow, and would be replaced") from error


def save(out: Path, header: dict[str, Any], name: str, result: Any) -> None:
    """Keep a result."""
    (out / FOLDER).mkdir(exist_ok=True)
    content = {"header": header, "name": name, "result": result}
    write_text(out / FOLDER / f"{name}.json", to_json(content))


def clear(out: Path) -> None:
    """Forget all results: the run is complete."""
    shutil.rmtree(out / FOLDER, ignore_errors=True)
