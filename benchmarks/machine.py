"""What a table must say about the machine and the programs it was measured with."""

from __future__ import annotations

import datetime
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import gradflow
from benchmarks.harness import cores

PROGRAMS = ("numpy", "scipy", "numba", "torch", "jax", "jaxlib", "diffrax", "heyoka")
SIMD = ("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512dq", "avx512vl", "asimd", "sve")


def provenance() -> dict[str, Any]:
    """Return versions, machine and date."""
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "gradflow": gradflow.__version__,
        "python": platform.python_version(),
        "programs": {name: _version(name) for name in PROGRAMS},
        "processor": _processor(),
        "cores used": len(cores()),
        "vector instructions": _flags(),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "system": platform.platform(),
        "load average before": round(os.getloadavg()[0], 2),
    }


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _fields() -> dict[str, str]:
    """Return the first processor's entries of /proc/cpuinfo."""
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return {}
    lines = (line.partition(":") for line in path.read_text().split("\n\n")[0].splitlines())
    return {name.strip(): value.strip() for name, _, value in lines}


def _processor() -> str:
    fields = _fields()
    known = [f"{name} {fields[name]}" for name in ("cpu family", "model") if name in fields]
    return ", ".join([fields.get("model name", platform.machine()), *known])


def _flags() -> list[str]:
    fields = _fields()
    present = (fields.get("flags") or fields.get("Features", "")).split()
    return [flag for flag in SIMD if flag in present]
