"""Independent oracles of the flow: plain parameters, SciPy's own events, gradient descent with tiny steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.integrate import solve_ivp

from gradflow.networks.two_layer.data import Dataset
from gradflow.networks.two_layer.losses import LOSSES, Objective
from gradflow.networks.two_layer.network import TwoLayer, as_network
from gradflow.networks.two_layer.path import NetworkPath
from gradflow.theory.solve import terminal


class Case(NamedTuple):
    w: np.ndarray
    v: np.ndarray
    objective: Objective

    @property
    def network(self) -> TwoLayer:
        return as_network(self.w, self.v)


def pull(name: str, y: np.ndarray, f: np.ndarray) -> np.ndarray:
    if name == "exponential":
        return np.asarray(y * np.exp(-y * f))
    return np.asarray(2 * y / (1 + np.exp(y * f)) if name == "logistic" else 2 * (y - f))


def random_case(seed: int, loss: str, mean: bool, scale: float = 0.5) -> Case:
    rng = np.random.default_rng(seed)
    n, d, h = int(rng.integers(2, 6)), int(rng.integers(2, 4)), int(rng.integers(1, 4))
    y = rng.choice([-1.0, 1.0], n) if loss != "squared" else rng.normal(size=n)
    objective = Objective(Dataset(rng.normal(size=(n, d)), y), LOSSES[loss], mean)
    return Case(scale * rng.normal(size=(h, d)), scale * rng.normal(size=h), objective)


def parameters(path: NetworkPath) -> np.ndarray:
    """The true (w, v) at the records, shape (T, h, D + 1)."""
    joined = np.concatenate([path.weights, path.outputs[..., None]], axis=-1)
    return np.asarray(np.exp(path.log_scale)[..., None] * joined)


def velocity(case: Case, theta: np.ndarray, gates: np.ndarray) -> np.ndarray:
    x, y = case.objective.data.inputs, case.objective.data.labels
    w, v = theta[:, :-1], theta[:, -1]
    f = v @ (gates * (w @ x.T))
    g = case.objective.weight * pull(case.objective.loss.name, y, f)
    force = (gates * g) @ x
    return np.concatenate([v[:, None] * force, np.sum(w * force, axis=1)[:, None]], axis=1)


def descend(case: Case, t_end: float, eta: float) -> np.ndarray:
    """Gradient descent with relu′(0) = 0; returns (w, v), shape (h, D + 1)."""
    theta = np.concatenate([case.w, case.v[:, None]], axis=1)
    for _ in range(round(t_end / eta)):
        theta = theta + eta * velocity(case, theta, theta[:, :-1] @ case.objective.data.inputs.T > 0)
    return theta


def integrate(
    case: Case, t_end: float, method: str = "DOP853"
) -> tuple[np.ndarray, list[tuple[float, int, int]]]:
    """Integrate with terminal events, always crossing; return the end and (t, neuron, datum) of crossings."""
    x = case.objective.data.inputs
    h, n = len(case.v), len(x)
    theta = np.concatenate([case.w, case.v[:, None]], axis=1)
    gates = theta[:, :-1] @ x.T > 0
    t = 0.0
    crossings: list[tuple[float, int, int]] = []
    while t < t_end:
        # The dead rest, maybe on a wall.
        alive = [k for k in range(h * n) if np.any(gates[k // n])]
        run = solve_ivp(
            _rate(case, gates), (t, t_end), theta.ravel(), method, rtol=1e-12, atol=1e-13, max_step=0.05,
            events=[_margin(x[k % n], k // n, h, bool(gates.flat[k])) for k in alive],
        )  # fmt: skip
        theta, t = run.y[:, -1].reshape(h, -1), float(run.t[-1])
        if run.status == 1:
            k = next(k for k, times in zip(alive, run.t_events, strict=True) if len(times))
            gates = gates.copy()
            gates.flat[k] = not gates.flat[k]
            crossings.append((t, k // n, k % n))
            assert len(crossings) < 100
    return theta, crossings


def _rate(case: Case, gates: np.ndarray) -> Callable[[float, np.ndarray], np.ndarray]:
    return lambda _, y: velocity(case, y.reshape(len(case.v), -1), gates).ravel()


def _margin(x: np.ndarray, neuron: int, h: int, active: bool) -> Callable[[float, np.ndarray], float]:
    @terminal
    def margin(_: float, y: np.ndarray) -> float:
        return float(y.reshape(h, -1)[neuron, :-1] @ x)

    margin.__dict__["direction"] = -1.0 if active else 1.0
    return margin
