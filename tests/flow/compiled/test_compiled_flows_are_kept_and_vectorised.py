"""The flow is compiled once for all processes, into packed instructions; it is chosen where it pays."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gradflow.compiled import gpu, jit
from gradflow.ends import flow_run
from gradflow.flow import ensemble
from gradflow.flow.compiled import numba as flow_numba
from gradflow.flow.compiled import run as runner
from gradflow.flow.compiled.driver import advance
from gradflow.flow.ensemble import States, integrate_ensemble
from gradflow.neuron.problem import Neuron, Problem

SCRIPT = """
from gradflow.flow.ensemble import integrate_ensemble
from gradflow.flow.compiled.numba import compiled
from gradflow.neuron.problem import Neuron
run = integrate_ensemble(Neuron(b2=-1.2), t_end=5.0, backend="numba")
stats = compiled((0.0, 1.0)).stats
print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()), run.final.tobytes().hex())
"""


@pytest.mark.slow
def test_another_process_compiles_nothing() -> None:
    here = integrate_ensemble(Neuron(b2=-1.2), t_end=5.0, backend="numba")
    out = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=dict(os.environ), capture_output=True, text=True, check=True
    )
    assert out.stdout.split() == ["1", "0", here.final.tobytes().hex()]


def scalar_operations(text: str) -> dict[str, int]:
    """Return how often the functions of a step, which take a block at once, do arithmetic lane by lane.

    A height's knots are 17: the last one is looked at by itself.
    """
    most, every = {"look_at_knots"}, {"begin", "start", "stage", "step", "error", "norm", "decide", "look"}
    found: dict[str, int] = {}
    seen = set()
    for body in re.split(r"^(?=_ZN\S+:$)", text, flags=re.MULTILINE):
        names = re.match(r"_ZN\S*?compiled\d+[a-z]+\d+([a-z_]+)_[0-9a-f]{32}", body)
        if names is None or names[1] not in most | every:
            continue
        seen.add(names[1])
        packed, scalar = (
            len(re.findall(rf"^\s+v?(?:add|sub|mul|div|sqrt){kind}\s", body, flags=re.MULTILINE))
            for kind in ("pd", "sd")
        )
        if packed == 0 or (scalar > 0 and names[1] in every):
            found[names[1]] = scalar
    assert seen == most | every
    return found


def masked_stores(text: str) -> set[str]:
    """Return the functions that store only some of a vector's numbers."""
    bodies = re.split(r"^(?=_ZN\S+:$)", text, flags=re.MULTILINE)
    found = [
        re.match(r"_ZN\S*?compiled\d+[a-z]+\d+([a-z_]+)_[0-9a-f]{32}", b) for b in bodies if "vmaskmov" in b
    ]
    return {name[1] if name else "?" for name in found}


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the names are those of x86-64")
def test_stages_velocities_and_errors_are_packed() -> None:
    text = jit.assembly(advance, flow_numba.SIGNATURE, chosen=flow_numba.choice((0.0, 1.0)))
    expected = {"sqrt": 6, "div": 10, "mul": 500, "add": 400, "sub": 15}
    for operation, least in expected.items():
        packed = re.findall(rf"^\s+v?{operation}pd\s", text, flags=re.MULTILINE)
        assert len(packed) >= least, operation
    assert scalar_operations(text) == {}
    # A masked store is slower than a division on some processors; the stop rule's are few.
    assert masked_stores(text) <= {"apply_stop_rule"}
    # Nothing is contracted; −a b, where the sign of a zero is free, is −(a b) − 0, which rounds once as well.
    assert not re.search(r"^\s+v(fn?madd|fmsub)", text, flags=re.MULTILINE)


def test_slopes_that_are_neither_zero_nor_one_share_one_text() -> None:
    assert flow_numba.choice((0.1, 1.0)) == flow_numba.choice((-0.3, 1.0)) != flow_numba.choice((0.0, 1.0))


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many trajectories compiled code was asked for; it does nothing else."""
    calls: list[int] = []

    def run(setting: Any, start: Any, n: int, *rest: Any) -> None:
        calls.append(n)
        raise InterruptedError

    monkeypatch.setattr(runner, "run", run)
    return calls


def test_large_batches_are_compiled_and_others_are_not(
    chosen: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ensemble, "WORTH", 20)
    many, few = Neuron(b2=np.linspace(-2.0, 1.0, 20)), Neuron(b2=np.linspace(-2.0, 1.0, 19))

    def never(states: States) -> np.ndarray:
        return np.zeros(states.t.shape, dtype=bool)

    with pytest.raises(InterruptedError):
        integrate_ensemble(many, t_end=0.1)
    assert chosen == [20]
    single = Neuron(*(np.float32(value) * np.ones(20, np.float32) for value in (1.0, 0.1, 1.0, 0.2)))
    integrate_ensemble(few, t_end=0.1)
    integrate_ensemble(many, t_end=0.1, stop=never)
    integrate_ensemble(many, t_end=0.1, backend="numpy")
    integrate_ensemble(single, t_end=0.1, rtol=1e-4)
    assert chosen == [20]


@pytest.mark.parametrize(
    ("backend", "dtype", "message"),
    [
        ("numba", "float32", "neuron: the compiled flow takes NumPy arrays in float64"),
        ("torch", "float64", "backend: expected numpy, numba or cupy, got 'torch'"),
    ],
)
def test_what_cannot_be_compiled_is_named(backend: str, dtype: str, message: str) -> None:
    start = np.ones((4, 3), dtype=dtype)
    with pytest.raises(ValueError, match=f"^{message}$"):
        integrate_ensemble(start, rtol=1e-4, backend=backend)


def test_on_a_gpu_the_array_code_runs_there_and_back(monkeypatch: pytest.MonkeyPatch) -> None:
    there: list[int] = []

    def asarray(values: Any) -> np.ndarray:
        there.append(np.ndim(values))
        return np.asarray(values)

    pretended = SimpleNamespace(asarray=asarray, cuda=SimpleNamespace(is_available=lambda: True))
    monkeypatch.setattr(gpu, "library", lambda: pretended)
    start, problem = Neuron(b2=np.linspace(-2.0, 1.0, 5)), Problem(Neuron(b1=np.linspace(0.0, 0.2, 5)))
    run = integrate_ensemble(start, problem, 1.0, backend="cupy")
    for a, b in zip(run, integrate_ensemble(start, problem, 1.0, backend="numpy"), strict=True):
        np.testing.assert_array_equal(a, b)
    # θ, the teacher and the ends of the input.
    assert sorted(there) == [0, 0, 0, 0, 0, 1, 2]


def test_without_a_gpu_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "available", lambda: False)
    with pytest.raises(ValueError, match=r"^backend: cupy is not installed or finds no GPU [^\n]*$"):
        integrate_ensemble(Neuron(), Problem(), 1.0, backend="cupy")


@pytest.mark.parametrize("theory", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_basins_are_the_same(theory: bool) -> None:
    n = 16 if theory else 8
    b1, b2 = np.meshgrid(np.linspace(-2.5, 2.5, n), np.linspace(-3.0, 3.0, n))
    starts = Neuron(1.0, b1, 1.0, b2)
    run = flow_run(starts, Problem(), theory=theory, backend="numba")
    expected = flow_run(starts, Problem(), theory=theory, backend="numpy")
    assert set(np.unique(expected.outcome)) == {0, 1, 2}
    for values, wanted in zip(run, expected, strict=True):
        np.testing.assert_allclose(values, wanted, rtol=1e-12)
