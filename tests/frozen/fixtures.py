"""The files with the frozen results, and the machine that wrote them."""

from __future__ import annotations

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import llvmlite.binding
import numpy as np

FOLDER = Path(__file__).parent
MACHINE = "platform"
"""The file that says where the results were computed."""

_LIBRARIES = ("numpy", "scipy", "numba", "llvmlite", "sympy", "mpmath")


def facts() -> dict[str, Any]:
    """Return what the last bits may depend on, besides the code."""
    simd = np.show_config(mode="dicts").get("SIMD Extensions", {})
    return {
        "python": platform.python_version(),
        **{name: version(name) for name in _LIBRARIES},
        "machine": platform.machine(),
        "processor": llvmlite.binding.get_host_cpu_name(),
        "simd": [*simd.get("baseline", []), *simd.get("found", [])],
        "processors": os.cpu_count(),
        "libc": " ".join(platform.libc_ver()),
    }


def read(group: str) -> dict[str, Any]:
    """Return the frozen results of a group of runs by name; none if there is no file."""
    path = FOLDER / f"{group}.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def write(group: str, results: dict[str, Any]) -> None:
    """Write results, each part of a result on a line of its own."""
    text = ",\n".join(f"{json.dumps(name)}: {_lines(result)}" for name, result in results.items())
    (FOLDER / f"{group}.json").write_text(f"{{\n{text}\n}}\n", encoding="utf-8")


def _lines(result: Any) -> str:
    if not isinstance(result, dict):
        return _short(result)
    parts = ",\n".join(f"  {json.dumps(key)}: {_short(value)}" for key, value in result.items())
    return f"{{\n{parts}\n}}"


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
