"""Work is bounded: a flow too stiff to follow ends as "too many steps" after seconds, none goes on and on."""

from __future__ import annotations

import numpy as np
import pytest

from gradflow.flow import STATUSES, integrate
from gradflow.flow import chart as charts
from gradflow.flow.ensemble import integrate_ensemble
from gradflow.neuron.activity import BALANCED
from gradflow.neuron.problem import Neuron, Problem, Uniform

START = Neuron(0.5, 0.3, 0.7, 0.2)
STIFF = {
    "wide": Problem(inputs=Uniform(-1e6, 1e6)),
    "steep teacher": Problem(Neuron(1e20, 0.0, 1.0, 0.0)),
    "steep activation": Problem(activation=(-1e20, 1e20)),
    "steep ReLU": Problem(activation=(0.0, 1e20)),
    "wide, to one side": Problem(inputs=Uniform(0.0, 1e4)),
}


@pytest.mark.parametrize(
    ("start", "t_end"), [(Neuron(1.0, -0.9, -1.0, 0.0), 1e300), (Neuron(0.5, 0.3, 0.7, 1e20), 200.0)]
)
def test_a_neuron_that_fades_takes_few_steps(start: Neuron, t_end: float) -> None:
    run = integrate(start, Problem(), t_end)
    assert run.last.t == t_end
    assert run.last.activity == BALANCED
    assert run.steps < 500
    assert run.last.theta[3] == pytest.approx(0.25, abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "method"),
    [
        *((name, "auto") for name in STIFF),
        *(("wide", "BDF"), ("steep teacher", "RK45"), ("steep ReLU", "BDF"), ("wide, to one side", "RK45")),
    ],
)
def test_one_trajectory_evaluates_the_field_so_often_at_most(
    name: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, gradient = 0, charts.gradient

    def counted(*args: object) -> object:
        nonlocal count
        count += 1
        return gradient(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(charts, "gradient", counted)
    run = integrate(Neuron(0.5, 3.0, 0.7, 0.2), STIFF[name], 200.0, method=method)
    assert STATUSES[run.status] in ("too many steps", "reached t_end", "step too small")
    assert run.status != 0 or run.last.t == 200.0
    assert count <= 200_000


@pytest.mark.slow
@pytest.mark.parametrize("name", STIFF)
def test_hopeless_lanes_are_given_up_after_a_thousand_steps(name: str) -> None:
    theta = np.random.default_rng(0).normal(size=(4, 6))
    for t_end in (200.0, 1e300):
        run = integrate_ensemble(theta, STIFF[name], t_end, backend="numpy", max_steps=2500)
        left = run.status == STATUSES.index("too many steps")
        # Of slopes of ±1e20 some run so close to w1 = b1 = 0 that time does not resolve their steps.
        stuck = run.status == STATUSES.index("step too small")
        assert np.all(left | stuck | (run.t == t_end))
        assert np.all(run.steps[stuck] < 1000)
        assert np.all(run.steps[left & (run.t < 1e-3)] == 1000)
