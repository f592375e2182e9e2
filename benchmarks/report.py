"""Files of a run: results.json, table.md and two figures, each whole or absent."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figures import scaling, work_precision
from benchmarks.table import Section, markdown
from gradflow.base.files import whole_file
from gradflow.study.figures.save import save

FIGURES = {"work-precision": ("work_precision", work_precision), "scaling": ("scaling", scaling)}


def as_json(sections: Sequence[Section], provenance: dict[str, Any]) -> dict[str, Any]:
    """Return everything as plain data; numbers that are not finite become null."""
    plain: dict[str, Any] = _finite(
        {
            "provenance": provenance,
            "rows": [
                {
                    "row": section.row,
                    "title": section.title,
                    "lines": [{**line._asdict(), "met": line.met} for line in section.lines],
                    "measured": [
                        {
                            "peer": m.contender.peer,
                            "form": m.contender.form,
                            "seconds": list(m.seconds),
                            "setup seconds": m.setup,
                            "peak bytes": m.peak,
                            "problem": m.problem,
                        }
                        for m in section.measured
                    ],
                    "data": section.data,
                }
                for section in sections
            ],
        }
    )
    return plain


def write(sections: Sequence[Section], provenance: dict[str, Any], out: Path) -> list[Path]:
    """Write the files of a run and return their paths."""
    out.mkdir(parents=True, exist_ok=True)
    texts = {
        "results.json": json.dumps(as_json(sections, provenance), indent=1, ensure_ascii=False) + "\n",
        "table.md": markdown(sections, provenance),
    }
    written = []
    for name, content in texts.items():
        with whole_file(out / name) as temporary:
            Path(temporary).write_text(content, encoding="utf-8")
        written.append(out / name)
    for section in sections:
        for key, (stem, draw) in FIGURES.items():
            if section.data.get(key):
                written += save(draw(section.data[key]), out / stem, ("pdf", "png"))
    return written


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.integer):
        return int(value)
    return value
