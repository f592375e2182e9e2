"""Training in compiled code is the training loop's, to the bit: states, losses and crossings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradflow as gf
from gradflow.descent import stepping
from gradflow.descent.schedules import Warmup, constant
from gradflow.networks import line
from gradflow.networks.line import evaluate, fast, machine
from gradflow.networks.line.task import task_of
from gradflow.networks.line.walls import Watch

STEPS: Any = gf.Steps([-1.0, -0.3, 0.2, 1.5], [1.0, 0.0, 3.0])
ABS = gf.Problem(target="abs")
CASES: dict[str, tuple[gf.Problem, Any]] = {
    "gd": (ABS, gf.GD(0.2)),
    "adam": (gf.Problem(gf.Neuron(1.0, 0.2, 0.7, 0.1)), gf.Adam(0.05)),
    "heavy ball": (gf.Problem(activation=(0.1, 1.0), law=STEPS), gf.HeavyBall(0.05, 0.9)),
    "too large a rate": (ABS, gf.GD(6.0)),
}


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n != "gd")) for n in CASES])
def test_of_a_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (problem, config), due = CASES[name], [0, 7, 60, 150]
    task, rows = task_of(problem), line.start("kernel", 4, 1, (3, 2)).rows
    rows[:, 0, 0] = 0.0
    keeps = np.zeros((13, 1, 1), dtype=bool)
    keeps[8:12] = name == "adam"
    watches = [Watch(rows, task) for _ in range(3)]
    schedule: Any = Warmup(100) if name == "adam" else constant
    with np.errstate(over="ignore", invalid="ignore"):
        known = stepping.descend(
            rows, evaluate.evaluator(task), config, due, schedule, keeps=keeps, observe=watches[0].observe
        )
        one = machine.compiled(rows, task, config, due, schedule, keeps=keeps, watch=watches[1], threads=1)
        monkeypatch.setattr(machine, "WORK", 500)
        monkeypatch.setattr(machine, "SEEN", 1)
        two = machine.compiled(rows, task, config, due, schedule, keeps=keeps, watch=watches[2], threads=4)
    assert one is not None
    assert two is not None
    assert (name == "too large a rate") == np.any(known.diverged)
    for found, watch in ((one, watches[1]), (two, watches[2])):
        assert np.array_equal(found.states, known.states)
        assert np.array_equal(found.losses, known.losses)
        assert np.array_equal(found.final, known.final)
        assert np.array_equal(found.diverged, known.diverged)
        assert watch.crossings == watches[0].crossings
    assert watches[0].crossings


def test_it_takes_over_without_a_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    start = line.start("uniform", 3, 2, (2,))
    plain = gf.train(start, ABS, gf.GD(0.2), 50)
    monkeypatch.setattr(fast, "WORTH", 1)
    seen: list[int] = []
    assert gf.train(start, ABS, gf.GD(0.2), 50, progress=seen.append).identical(plain)
    assert seen[-1] == 50
    rates = gf.GD(np.array([0.1, 0.2]))
    assert not machine.pays(start.rows, task_of(ABS), rates, 10**9)
    assert not machine.pays(start.rows, task_of(gf.Problem(target="sine")), gf.GD(), 10**9)
