"""Finished results of a long command, kept beside its output until all of it is done.

Every result is a file of its own, whole or absent. Results of another version of the code or of other
options are not used again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gradflow.base.files import to_json, write_text

FOLDER, CLAIMS, REPORT = "unfinished", "claims.json", "report.html"
_TEMPORARY = ".gradflow-"


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
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["source"].startswith("gradflow "):
            return names | {str(entry["id"]) for entry in content["claims"]}
        raise ValueError(f"source: {content['source']!r}")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"--out: {str(path)!r} is no study of gradflow, and would be replaced") from error


def keep_foreign(out: Path, stems: Iterable[str]) -> None:
    """Refuse a directory with files of others under the names of the report or of figures with these stems.

    Beside the claims.json of a study all is the study's.

    Raises
    ------
    ValueError
        If a file would be replaced that gradflow did not write.
    """
    if (out / CLAIMS).is_file():
        return
    from gradflow.study.figures.save import CREATOR, FORMATS
    from gradflow.study.report import GENERATOR

    figures = [out / "figures" / f"{stem}.{kind}" for stem in stems for kind in FORMATS]
    # Of any version: the name, without the number after it.
    marks = {out / REPORT: GENERATOR, **dict.fromkeys(figures, f"{CREATOR.split()[0]} ")}
    for path, mark in marks.items():
        if path.is_file() and mark.encode() not in path.read_bytes():
            raise ValueError(f"--out: {str(path)!r} is not of gradflow, and would be replaced")


def save(out: Path, header: dict[str, Any], name: str, result: Any) -> None:
    """Keep a result."""
    (out / FOLDER).mkdir(exist_ok=True)
    content = {"header": header, "name": name, "result": result}
    write_text(out / FOLDER / f"{name}.json", to_json(content))


def clear(out: Path) -> None:
    """Forget all results: the run is complete. What others have put beside them stays."""
    for path in (out / FOLDER).glob("*.json"):
        if path.name.startswith(_TEMPORARY) or _is_result(path):
            path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        (out / FOLDER).rmdir()


def _is_result(path: Path) -> bool:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and {"header", "name", "result"} <= content.keys()
