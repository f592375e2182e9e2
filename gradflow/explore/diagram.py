"""The ground behind the trajectories: the outcome of every start of a plane, or its loss."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from gradflow.ends.outcome import OUTCOMES
from gradflow.explore.state import State, hyper_of
from gradflow.explore.tasks import is_bent, is_general, problem, start, steps
from gradflow.networks.either import loss
from gradflow.networks.line.network import Network
from gradflow.neuron.problem import PARAMETERS, Neuron
from gradflow.sweeps.grids import basins

REACH = {"w1": (-3.0, 3.0), "b1": (-2.5, 2.5), "w2": (-3.0, 3.0), "b2": (-3.0, 3.0)}
"""The part of the plane that is drawn, by parameter."""

FINE, COARSE = 48, 12
"""Starts along an axis, at most and at least."""

WORK = {True: 5e6, False: 3e5}
"""Updates of one neuron that a diagram may take, by whether the student is piecewise linear."""

FLOWS = {True: FINE, False: 16}
"""Flows along an axis, by the same."""


class Diagram(NamedTuple):
    """Outcomes or losses on a plane of starts.

    Attributes
    ----------
    x, y : array, shape (n,)
        The starts' parameters, of the horizontal and the vertical axis.
    values : array, shape (n, n)
        Codes of `gradflow.ends.outcome.OUTCOMES`, or log10 of the loss; y runs first.
    of : str
        What is shown: the name of the method whose outcomes these are, or "loss".
    """

    x: np.ndarray
    y: np.ndarray
    values: np.ndarray
    of: str


def kind(state: State) -> str:
    """Return what can be shown behind a state's trajectories: what it asks for, or the loss."""
    if is_general(state) or state.backdrop == "loss":
        return "loss"
    return state.optimizer if state.backdrop == "optimizer" else state.backdrop


def fineness(state: State) -> int:
    """Return how many starts along an axis a diagram has."""
    of, bent = kind(state), is_bent(state)
    if of == "loss":
        return FINE
    if of == "flow":
        return FLOWS[bent]
    return max(COARSE, min(FINE, math.isqrt(int(WORK[bent] / steps(state)))))


def depends_on(state: State) -> tuple[Any, ...]:
    """Return what a diagram depends on: two states of the same have the same."""
    across, up = state.axes
    of = kind(state)
    fixed = tuple(
        getattr(state, name)[name in (across, up) :] if name != "b2" else ("b2" in (across, up) or state.b2)
        for name in PARAMETERS
    )
    method: tuple[Any, ...] = ()
    if of not in ("flow", "loss"):
        method = (state.lr, steps(state), state.hyper if of == state.optimizer else "")
    task = state.teacher, state.interval, state.activation, state.teacher_activation, state.target, state.law
    return of, state.plane, fixed, task, method


def diagram(state: State) -> Diagram:
    """Return what lies behind the trajectories of a state."""
    across, up = state.axes
    of, n = kind(state), fineness(state)
    x, y = (np.linspace(*REACH[name], n) for name in (across, up))
    if of == "loss":
        with np.errstate(divide="ignore"):
            values = np.log10(np.maximum(_losses(state, x, y), 1e-12))
        return Diagram(x, y, values, of)
    begin = start(state)
    assert isinstance(begin, Neuron)
    given: dict[str, Any] = {up: (*REACH[up], n), across: (*REACH[across], n)}
    if of != "flow":
        given |= {"lr": state.lr, "steps": steps(state)}
        given |= hyper_of(state.hyper) if of == state.optimizer else {}
    found = basins(problem(state), begin, method=of, progress=lambda done: None, **given)
    return Diagram(x, y, found["outcome"].transpose(up, across).values.astype(np.float64), of)


def _losses(state: State, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the loss on the plane; of several neurons the first one's parameters vary."""
    parts = {name: np.array(getattr(state, name), dtype=np.float64) for name in PARAMETERS}
    plane = dict(zip(state.axes, np.meshgrid(x, y), strict=True))
    for name, part in parts.items():
        grid = np.broadcast_to(part[..., None, None], (*part.shape, y.size, x.size)).copy()
        if name in plane:
            grid[(0,) if name != "b2" else ...] = plane[name]
        parts[name] = grid
    if is_general(state):
        return np.asarray(loss(Network(**parts), problem(state)))
    neuron = Neuron(*(part if name == "b2" else part[0] for name, part in parts.items()))
    return np.asarray(loss(neuron, problem(state)))


def at(shown: Diagram, x: float, y: float) -> str:
    """Return what a diagram says of the start nearest to a place."""
    value = shown.values[np.argmin(np.abs(shown.y - y)), np.argmin(np.abs(shown.x - x))]
    return f"loss {10.0**value:.3g}" if shown.of == "loss" else OUTCOMES[int(value)]
