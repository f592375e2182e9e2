"""Once at rest a long trajectory is continued in one step: by the rule for rest alone, and unchanged."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.flow import STATUSES, integrate
from gradflow.flow.record import Point
from gradflow.neuron.problem import Neuron, Problem
from gradflow.runs import gradient_flow
from gradflow.runs.records import limit

START = Neuron(b2=-1.2)


@pytest.mark.slow
def test_what_rests_reaches_any_time() -> None:
    runs = [gradient_flow(START, t_end=t_end) for t_end in (1e6, 1e300)]
    for run, t_end in zip(runs, (1e6, 1e300), strict=True):
        assert (str(run["status_name"].values), float(run["time"][-1])) == ("reached t_end", t_end)
        assert np.max(np.abs(run["energy_residual"].values)) < 1e-10
        assert np.all(np.diff(run["time"].values) > 0.0)
        for name in ("w1", "b1", "w2", "b2", "loss"):
            assert run[name].values[-1] == run[name].values[-2]
    assert np.array_equal(limit(runs[0]), limit(runs[1]))


def test_the_times_asked_for_are_recorded() -> None:
    times = np.array([0.0, 1.0, 1e5, 1e200, 1e300])
    run = gradient_flow(START, t_end=1e300, times=times)
    assert run["time"].values.tolist() == times.tolist()
    assert np.ptp(run["loss"].values[2:]) == 0.0


@pytest.mark.some(1)
@pytest.mark.parametrize("rests", [True, False])
def test_the_rule_alone_decides(rests: bool) -> None:
    asked: list[Point] = []

    def rule(point: Point) -> bool:
        asked.append(point)
        return rests

    run = integrate(START, Problem(), 1e300, rests=rule, max_steps=2250)
    assert STATUSES[run.status] == ("reached t_end" if rests else "too many steps")
    assert (len(asked), run.steps) == ((1, 2000) if rests else (3, 2250))
    if rests:
        assert run.last == asked[0]._replace(t=1e300)


def test_what_is_not_at_rest_is_followed_as_before() -> None:
    # Stiff and slow: many steps long before it rests.
    run = gradient_flow(Neuron(w1=1e4, b1=2e4), t_end=5.0)
    assert run.sizes["time"] > 2000
    assert np.min(np.diff(run["time"].values)[-20:]) < 0.2
    assert not np.any(np.isfinite(limit(run)))
