"""Code is compiled once for all processes, into packed instructions."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gradflow.compiled.python_source import python_source
from gradflow.compiled.store import load, write
from gradflow.descent import GD, Adam
from gradflow.descent.compiled.step import record_step
from gradflow.descent.prepared import prepare
from gradflow.neuron.activations import GELU
from gradflow.neuron.problem import Neuron, Problem, grid

pytest.importorskip("numba")
from numba import types

from gradflow.compiled import store
from gradflow.compiled.numba_runner import compiled

SCRIPT = """
from gradflow.descent import compiled as fused
from gradflow.descent import GD
from gradflow.compiled import store
from gradflow.neuron.problem import Neuron, Problem
modules = []
original = store.load
store.load = lambda source: modules.append(original(source)) or modules[-1]
run = fused.train(Neuron(b2=-1.2), Problem(), GD(0.05), 10)
stats = modules[0].advance.stats
print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()), run.final.tobytes().hex())
"""


def test_the_second_process_compiles_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}

    def process() -> list[str]:
        out = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
        )
        return out.stdout.split()

    first = process()
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    second = process()
    assert first[:2] == ["0", "1"]
    assert second[:2] == ["1", "0"]
    assert first[2] == second[2]
    compiled = [path for path in files if path.suffix in (".py", ".nbc", ".nbi")]
    assert len(compiled) == 3
    assert all(path.stat().st_mtime_ns == files[path] for path in compiled)


def test_a_damaged_module_is_written_again(tmp_path: Path) -> None:
    path = write("x = 1\n", tmp_path)
    path.write_text("x = ", encoding="utf-8")
    assert write("x = 1\n", tmp_path) == path
    assert path.read_text(encoding="utf-8") == "x = 1\n"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_on_a_terminal_compiling_is_announced_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    source = "from numba import njit\n\n\n@njit(cache=True)\ndef advance(x):\n    return x + 1\n"
    told = []
    for _ in range(2):
        load.cache_clear()
        assert store.compiled(source, (types.int64,))(1) == 2
        told.append(capsys.readouterr().err)
    assert told[0].startswith("gradflow: compiling, once")
    assert told[0].count("\n") == 1
    assert told[1] == ""


def test_damaged_compiled_code_is_compiled_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    theta, problem, config = prepare(Neuron(b2=np.zeros(3)), Problem(), GD(0.01))
    program = replace(record_step(theta, problem, config, False).program, statements=(), stores=())
    load.cache_clear()
    compiled(program)
    (file,) = tmp_path.rglob("*.nbc")
    file.write_bytes(b"not a pickle")
    load.cache_clear()
    compiled(program)
    assert file.stat().st_size > 1000


def test_without_a_writable_cache_it_still_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert load("x = 2\n").x == 2


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the names are those of x86-64")
def test_square_roots_divisions_and_products_are_packed() -> None:
    theta, problem, config = prepare(Neuron(b2=np.zeros(64)), Problem(), Adam(0.01))
    program = record_step(theta, problem, config, True).program
    # A comment makes it another module: compiled code that comes from the disk has no assembly to show.
    kernel = load(python_source(program) + f"\n# {os.getpid()}\n").advance
    blocks = np.zeros((1, program.slots * 128))
    none = np.zeros(0), np.zeros((0, 0))
    kernel(blocks, 0, 1, 16, np.zeros(program.fixed), np.zeros((0, program.columns)), *none)
    (assembly,) = kernel.inspect_asm().values()
    expected = {"sqrt": 4, "div": 5, "mul": 50, "add": 25, "sub": 12}
    for operation, least in expected.items():
        packed = re.findall(rf"^\s+v?{operation}pd\s", assembly, flags=re.MULTILINE)
        assert len(packed) >= least, operation
    assert not re.search(r"^\s+vfn?m(add|sub)", assembly, flags=re.MULTILINE)


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the names are those of x86-64")
@pytest.mark.parametrize("problem", [Problem(activation="gelu"), Problem(inputs=grid(100))])
def test_sums_over_nodes_are_packed(problem: Problem) -> None:
    theta, problem, config = prepare(Neuron(b2=np.zeros(64)), problem, Adam(0.01))
    step = record_step(theta, problem, config, True)
    kernel = load(python_source(step.program) + f"\n# {os.getpid()}\n").advance
    blocks = np.zeros((1, step.program.slots * 128))
    table = np.zeros((0, step.program.columns))
    kernel(blocks, 0, 1, 16, np.zeros(step.program.fixed), table, step.inputs, step.sums)
    (assembly,) = kernel.inspect_asm().values()
    # The loop over nodes is a function of its own, or part of one.
    adam = Counter(statement.op for statement in step.program.statements)
    least = {"mul": 40, "add": 40} if problem.activation == GELU else {"mul": 6, "add": 1}
    for operation in least:
        packed = re.findall(rf"^\s+v?{operation}pd\s", assembly, flags=re.MULTILINE)
        assert len(packed) >= adam[operation] + least[operation], operation
    assert not re.search(r"^\s+vfn?m(add|sub)", assembly, flags=re.MULTILINE)
