"""gradflow itself, through its public functions."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

import gradflow as gf
from benchmarks import starts
from gradflow.base.arrays import to_numpy
from gradflow.compiled.gpu import library
from gradflow.descent import optimizer as by_name
from gradflow.ends import flow_run
from gradflow.flow.ensemble import integrate_ensemble
from gradflow.networks.two_layer.data import Dataset
from gradflow.networks.two_layer.losses import Objective
from gradflow.networks.two_layer.network import as_network
from gradflow.networks.two_layer.steps import train as gd_of_network
from gradflow.neuron.problem import Sample


def has_fused_flow() -> bool:
    """Whether this gradflow can integrate ensembles of flows in compiled code."""
    return "backend" in inspect.signature(integrate_ensemble).parameters


def adam(theta: np.ndarray, steps: int, lr: float, backend: str) -> Callable[[], np.ndarray]:
    """Adam on the population loss, final parameters of shape (4, n)."""
    return _train(theta, gf.Problem(), steps, gf.Adam(lr=lr), backend)


def adam_on_cupy(theta: np.ndarray, steps: int, lr: float) -> Callable[[], np.ndarray]:
    """Adam on the population loss by array code on a GPU, final parameters of shape (4, n)."""

    def go() -> np.ndarray:
        start = library().asarray(theta)
        return to_numpy(_final(start, gf.Problem(), steps, gf.Adam(lr=lr), "numpy"))

    return go


def steps(theta: np.ndarray, steps: int, optimizer: str) -> Callable[[], np.ndarray]:
    """Fused steps of an optimiser by name, rate 0.01, final parameters of shape (4, n)."""
    return _train(theta, gf.Problem(), steps, by_name(optimizer, lr=0.01), "numba")


def adam_on_sample(
    theta: np.ndarray, x: np.ndarray, steps: int, lr: float, backend: str
) -> Callable[[], np.ndarray]:
    """Adam on the loss of a sample, final parameters of shape (4, n)."""
    return _train(theta, gf.Problem(inputs=Sample(x)), steps, gf.Adam(lr=lr), backend)


def two_layer(
    weights: np.ndarray, outputs: np.ndarray, x: np.ndarray, y: np.ndarray, steps: int, lr: float
) -> Callable[[], np.ndarray]:
    """Gradient descent of a two-layer network on the mean exponential loss: w_j and v_j, (h, D + 1)."""
    objective = Objective(Dataset(x, y), mean=True)
    start = as_network(weights, outputs)

    def go() -> np.ndarray:
        final = gd_of_network(start, objective, gf.GD(lr=lr), steps).final
        size = np.exp(final.log_scale)
        return np.concatenate([final.weights * size[:, None], (final.outputs * size)[:, None]], axis=1)

    return go


def adam_smooth(theta: np.ndarray, steps: int, lr: float, backend: str) -> Callable[[], np.ndarray]:
    """Adam on the population loss of SiLU neurons and a SiLU teacher, final parameters of shape (4, n)."""
    return _train(theta, gf.Problem(activation="silu"), steps, gf.Adam(lr=lr), backend)


def _train(
    theta: np.ndarray, problem: gf.Problem, steps: int, optimizer: Any, backend: str
) -> Callable[[], np.ndarray]:
    return lambda: np.asarray(_final(theta, problem, steps, optimizer, backend))


def _final(theta: Any, problem: gf.Problem, steps: int, optimizer: Any, backend: str) -> Any:
    run = gf.train_arrays(theta, problem, optimizer, steps, events=False, first_change=False, backend=backend)
    return run.final


def adam_many(n: int, steps: int, lr: float, backend: str, show: int) -> Callable[[], np.ndarray]:
    """Adam from n starts drawn here; the answer is the first `show` final states only."""
    return _first(show, _train(starts.normal(n), gf.Problem(), steps, gf.Adam(lr=lr), backend))


def flow(theta: np.ndarray, t_end: float, rtol: float, backend: str) -> Callable[[], np.ndarray]:
    """The flow, parameters at `t_end`, shape (4, n)."""
    options: dict[str, Any] = {"backend": backend} if has_fused_flow() else {}
    if backend != "numpy" and not options:
        raise ValueError(f"backend: this gradflow integrates ensembles with NumPy only, got {backend!r}")
    return lambda: np.asarray(integrate_ensemble(theta, gf.Problem(), t_end, rtol=rtol, **options).final)


def flow_many(n: int, t_end: float, rtol: float, backend: str, show: int) -> Callable[[], np.ndarray]:
    """The flow from n starts drawn here; the answer is the first `show` final states only."""
    return _first(show, flow(starts.normal(n), t_end, rtol, backend))


def _first(count: int, go: Callable[[], np.ndarray]) -> Callable[[], np.ndarray]:
    def some() -> np.ndarray:
        return go()[:, :count].copy()

    return some


def basins(n: int) -> Callable[[], np.ndarray]:
    """Outcome codes of the flow on the grid of n × n starts, each followed until its outcome is decided."""
    theta = starts.plane(n)
    return lambda: np.asarray(flow_run(gf.Neuron(*theta), gf.Problem()).outcome)


def networks(
    rows: np.ndarray, steps: int, lr: float, x: np.ndarray | None = None
) -> Callable[[], np.ndarray]:
    """Gradient descent of networks that learn |x|, shape (3m + 1, n), on the population or inputs x."""
    problem = gf.Problem(target="abs", inputs=gf.Uniform() if x is None else Sample(x))

    def go() -> np.ndarray:
        run = gf.networks.line.train(rows, problem, gf.GD(lr=lr), steps, record_every=max(1, steps))
        last = run.isel(step=-1)
        hidden = [last[name].transpose("neuron", ...).values for name in ("w1", "b1", "w2")]
        return np.concatenate([*hidden, last["b2"].values[None]])

    return go
