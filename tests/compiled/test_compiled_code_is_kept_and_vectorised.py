"""Training is compiled once for all processes, into packed instructions."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradflow.compiled import jit
from gradflow.descent import GD, Adam
from gradflow.descent import compiled as fused
from gradflow.descent.compiled import block
from gradflow.descent.compiled.kernel import kernel, kinds
from gradflow.descent.prepared import prepare
from gradflow.neuron.problem import Neuron, Problem, grid

SCRIPT = """
from gradflow.compiled import jit
from gradflow.descent import GD
from gradflow.descent import compiled as fused
from gradflow.neuron.problem import Neuron, Problem
made = []
original = jit._entry
jit._entry = lambda *of: made.append(original(*of)) or made[-1]
run = fused.train(Neuron(b2=-1.2), Problem(), GD(0.05), 10)
hits, misses = (sum(sum(getattr(e.stats, n).values()) for e in made) for n in ("cache_hits", "cache_misses"))
print(hits, misses, run.final.tobytes().hex())
"""


def test_another_process_compiles_nothing() -> None:
    here = fused.train(Neuron(b2=-1.2), Problem(), GD(0.05), 10)
    files = {path: path.stat().st_mtime_ns for path in (jit.folder() / "compiled").glob("advance-*.nb?")}
    assert len(files) >= 2
    out = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=dict(os.environ), capture_output=True, text=True, check=True
    )
    assert out.stdout.split() == ["2", "0", here.final.tobytes().hex()]
    assert all(path.stat().st_mtime_ns == files[path] for path in files)


def instructions(problem: Problem, config: Any) -> tuple[dict[str, int], str]:
    """Return how many packed operations of double precision a step has, and its assembly."""
    theta, problem, config = prepare(Neuron(b2=np.zeros(64)), problem, config)
    step = kernel(theta, problem, config, True)
    text = jit.assembly(block.advance, kinds(step, "float64")[0], "float64", step.chosen)
    found = {
        operation: len(re.findall(rf"^\s+v?{operation}pd\s", text, flags=re.MULTILINE))
        for operation in ("sqrt", "div", "mul", "add", "sub")
    }
    return found, text


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the names are those of x86-64")
@pytest.mark.parametrize(
    ("problem", "config", "least"),
    [
        (Problem(), Adam(0.01), {"sqrt": 4, "div": 5, "mul": 50, "add": 20, "sub": 15}),
        (Problem(), Adam(np.full(64, 0.01)), {"sqrt": 4, "div": 5, "mul": 50, "add": 20, "sub": 15}),
        (Problem(activation="gelu"), GD(0.01), {"mul": 40, "add": 40}),
        (Problem(inputs=grid(100)), GD(0.01), {"mul": 10, "add": 5}),
        # Rows of the table are found and gathered lane by lane; the step itself is packed.
        (Problem(inputs=grid(300)), GD(0.01), {"mul": 15, "add": 10}),
    ],
)
def test_square_roots_divisions_and_products_are_packed(
    problem: Problem, config: Any, least: dict[str, int]
) -> None:
    found, text = instructions(problem, config)
    for operation, number in least.items():
        assert found[operation] >= number, operation
    # A masked store is slower than a division on some processors.
    assert "vmaskmov" not in text
    # Nothing is contracted.
    assert not re.search(r"^\s+vfn?m(add|sub)", text, flags=re.MULTILINE)


def test_compiling_is_announced_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    told = []
    for _ in range(2):
        jit._entry.cache_clear()
        assert jit.compiled(plus_one, ("int64",))(1) == 2
        told.append(capsys.readouterr().err)
    jit._entry.cache_clear()
    assert told[0].startswith("gradflow: compiling, once")
    assert told[0].count("\n") == 1
    assert told[1] == ""


def plus_one(x: int) -> int:
    """Return x + 1."""
    return x + 1
