"""What is copied from the explorer, run, gives the numbers of its picture."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradflow.explore.recipe import as_command, as_python
from gradflow.explore.state import State
from gradflow.explore.trajectories import Run, runs
from gradflow.neuron.problem import PARAMETERS

NETWORK = State(w1=(1.0, -0.8), b1=(0.1, 0.2), w2=(0.4, 0.3), t_end=2.0, lr=0.1)
STATES = {
    "default": State(t_end=5.0, b2=-1.2),
    "everything": State(
        w1=(0.5,), b1=(-0.25,), w2=(2.0,), b2=1e-3, teacher=(1.0, 0.5, -1.0, 0.25), interval=(-2.0, 1.5),
        activation="leaky-relu=0.1", teacher_activation="relu", optimizer="rmsprop",
        hyper="eps=0.001,centered=true", lr=0.02, t_end=2.0,
    ),
    "smooth": State(activation="silu", b2=-1.0, t_end=2.0, optimizer="sign", lr=0.1),
    "network": State(**{**vars(NETWORK), "target": "abs"}),
    "knots": State(**{**vars(NETWORK), "target": "-1,0.5;0.25,-1;1,2", "optimizer": "nesterov"}),
    "normal": State(law="normal", b2=0.5, t_end=2.0, lr=0.1),
}  # fmt: skip

SHORT = ("network", "normal", "knots")
LONG = tuple(name for name in STATES if name not in SHORT)
"""Those whose training is compiled."""


def rows(run: Any) -> np.ndarray:
    """Return the last state of a dataset, as the explorer has it."""
    axis = "time" if "time" in run.dims else "step"
    return np.concatenate([np.atleast_1d(run[name].isel({axis: -1}).values) for name in PARAMETERS])


def same(run: Run, theta: np.ndarray, loss: float, outcome: str) -> None:
    """Assert that a run has these last numbers, to what a recorded flow differs from one that is not."""
    np.testing.assert_allclose(run.theta[:, -1], theta, rtol=1e-8, atol=1e-9)
    assert float(run.loss[-1]) == pytest.approx(loss, rel=1e-6, abs=1e-15)
    assert run.outcome == outcome


@pytest.mark.parametrize("name", [*SHORT, *(pytest.param(n, marks=pytest.mark.slow) for n in LONG)])
def test_python(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    state, found = STATES[name], dict[str, Any]()
    exec(as_python(state), found)
    expected = runs(state)
    assert [run.name for run in expected] == list(found["runs"])
    for run, printed in zip(expected, capsys.readouterr().out.splitlines(), strict=True):
        other = found["runs"][run.name]
        same(run, rows(other), float(other.loss[-1]), str(other.outcome_name.item()))
        assert printed.split()[::2] == [run.name, run.outcome]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(STATES))
def test_commands(name: str, tmp_path: Path) -> None:
    state = STATES[name]
    script = as_command(state)
    command = shlex.join([sys.executable, "-m", "gradflow"])
    lines = [
        f"{command}{line[8:]} --json" if line.startswith("gradflow ") else line
        for line in script.splitlines()
    ]
    done = subprocess.run(
        ["sh", "-e", "-c", "\n".join(lines)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    decoder, text, reports = json.JSONDecoder(), done.stdout.strip(), []
    while text:
        report, end = decoder.raw_decode(text)
        reports.append(report)
        text = text[end:].strip()
    for run, report in zip(runs(state), reports, strict=True):
        theta = np.concatenate([np.atleast_1d(report["final"][name]) for name in PARAMETERS])
        same(run, theta, report["loss"], report["outcome"])
