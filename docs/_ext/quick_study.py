"""The claims checked quickly, in worker processes: `python docs/_ext/quick_study.py FILE` writes what they say."""

from __future__ import annotations

import sys
from pathlib import Path

from gradflow.base.files import to_json, write_text
from gradflow.cli.resume import digest
from gradflow.cli.study import Study
from gradflow.study.claims import LEDGER


def main(path: Path) -> None:
    """Write entries like those of `claims.json`, and which code made them."""
    found = Study(LEDGER, [], quick=True, out=None).run({})
    document = {"claims": [found[claim.id] for claim in LEDGER], "quick": True, "code": digest()}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, to_json(document))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
