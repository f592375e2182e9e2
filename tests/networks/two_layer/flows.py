"""The flow on plain w and v by SciPy: one neuron in the limit, and whole networks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.integrate import solve_ivp

from gradflow.networks.two_layer.data import Dataset
from gradflow.networks.two_layer.network import TwoLayer


def plain(network: TwoLayer) -> tuple[np.ndarray, np.ndarray]:
    """Return w (h, D) and v (h,) themselves."""
    scale = np.exp(network.log_scale)
    return scale[:, None] * network.weights, scale * network.outputs


def aligned(x: np.ndarray, y: np.ndarray, w: np.ndarray, v: float) -> bool:
    """Whether w is in S₊ (v > 0) or S₋ (v < 0), or in S_dead."""
    on = x @ w > 0.0
    return not on.any() or bool(np.array_equal(on, y == np.sign(v)))


def one_neuron(
    x: np.ndarray, y: np.ndarray, w: np.ndarray, v: float, time: float
) -> tuple[np.ndarray, float]:
    """Return w and v after a time of the limit flow, all pulls being y."""

    def field(_: float, state: np.ndarray) -> np.ndarray:
        at, out = state[:-1], state[-1]
        force = (y * (x @ at > 0.0)) @ x
        return np.append(out * force, at @ force)

    end = solve_ivp(field, (0.0, time), np.append(w, v), rtol=1e-10, atol=1e-14, max_step=0.05).y[:, -1]
    return end[:-1], float(end[-1])


def network_field(data: Dataset, h: int, loss: str) -> Callable[[float, np.ndarray], np.ndarray]:
    """Return the gradient flow's field on (w, v) flattened, for the sum of the losses."""
    x, y, d = data.inputs, data.labels, data.dimension

    def field(_: float, state: np.ndarray) -> np.ndarray:
        w, v = state[: h * d].reshape(h, d), state[h * d :]
        on = w @ x.T > 0.0
        f = v @ np.where(on, w @ x.T, 0.0)
        pull = y * (np.exp(-y * f) if loss == "exponential" else 2.0 / (1.0 + np.exp(y * f)))
        force = np.where(on, pull, 0.0) @ x
        return np.concatenate([(v[:, None] * force).ravel(), np.sum(w * force, axis=1)])

    return field


def full_flow(
    data: Dataset, network: TwoLayer, time: float, loss: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return w, v and the outputs f(x_i) after a time of the flow of a whole network."""
    w, v = plain(network)
    start = np.concatenate([w.ravel(), v])
    size = float(np.max(np.abs(start)))
    end = solve_ivp(network_field(data, v.size, loss), (0.0, time), start, rtol=1e-8, atol=1e-12 * size).y[
        :, -1
    ]
    w, v = end[: w.size].reshape(w.shape), end[w.size :]
    return w, v, v @ np.maximum(w @ data.inputs.T, 0.0)
