"""The record of a trajectory of one network, and how well it obeys what a gradient flow conserves."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from gradflow.networks.two_layer.network import TwoLayer
from gradflow.networks.two_layer.patterns import GATES, SLIDING


class Switch(NamedTuple):
    """A change of a gate; `kind` is one of `SWITCHES`."""

    t: float
    neuron: int
    datum: int
    kind: str


class NetworkPath(NamedTuple):
    """A trajectory of one network.

    Attributes
    ----------
    t : array, shape (T,)
        Recorded times; at a crossing's own time stands the pattern after it.
    weights, outputs, log_scale : arrays, shapes (T, h, D), (T, h) and (T, h)
        The network as a `TwoLayer`, normalised.
    loss : array, shape (T,)
        The objective.
    patterns : array of int8, shape (T, h, n)
        INACTIVE, ACTIVE or SLIDING, indices into `GATES`.
    crossings : list of Switch
        Every change of a gate, by time, recorded or not; those at t = 0 are slides that start there.
    status : int
        Index into `gradflow.networks.two_layer.status.STATUSES`.
    drift : float
        Largest change of ‖w‖² − v² of a neuron since the start, relative to its r² = ‖w‖² + v² at that time;
        of balanced neurons in one step: they are put right after each, because the imbalance of one that
        fades would grow beyond any tolerance.
    energy_error : float
        Largest |L(0) − L(t) − ∫‖∇L‖² dt| / L(0).
    rise : float
        Largest rise of the loss above an earlier value, relative to L(0).
    steps : int
        Accepted steps, with those that a crossing cut short.
    """

    t: np.ndarray
    weights: np.ndarray
    outputs: np.ndarray
    log_scale: np.ndarray
    loss: np.ndarray
    patterns: np.ndarray
    crossings: list[Switch]
    status: int
    drift: float
    energy_error: float
    rise: float
    steps: int

    @property
    def network(self) -> TwoLayer:
        """All recorded states, as networks with a leading axis of length T."""
        return TwoLayer(self.weights, self.outputs, self.log_scale)


def rebalanced(network: TwoLayer, start: TwoLayer) -> tuple[TwoLayer, float]:
    """Return a normalised network with balanced neurons balanced again, and the largest imbalance, over r².

    The imbalance is the change of ‖w‖² − v² since the start; of neurons that were balanced then, what has
    come up since they were put right.
    """
    first = np.sum(start.weights**2, axis=1) - start.outputs**2
    # Balanced but for rounding is balanced.
    exact = np.abs(first) < 1e-13
    kept = first * np.exp(np.minimum(2.0 * (start.log_scale - network.log_scale), 700.0))
    square = np.sum(network.weights**2, axis=1)
    moved = np.abs(square - network.outputs**2 - np.where(exact, 0.0, kept))
    there = exact & (square > 0.0) & (network.outputs != 0.0)
    size = np.where(there, np.sqrt(0.5 / np.where(there, square, 1.0)), 1.0)
    outputs = np.where(there, np.copysign(math.sqrt(0.5), network.outputs), network.outputs)
    return network._replace(weights=network.weights * size[:, None], outputs=outputs), float(np.max(moved))


def pack(network: TwoLayer, descended: float) -> np.ndarray:
    """Return the state of one network and ∫‖∇L‖² dt as one vector."""
    return np.concatenate(
        [np.ravel(network.weights), network.outputs, network.log_scale, np.array([descended])]
    )


def unpack(state: np.ndarray, h: int) -> TwoLayer:
    """Return the network in a vector of `pack`, as views."""
    cut = state.size - 2 * h - 1
    return TwoLayer(state[:cut].reshape(h, -1), state[cut : cut + h], state[cut + h : cut + 2 * h])


class Point(NamedTuple):
    """A state of `pack` at a time, its loss, and the gates."""

    t: float
    state: np.ndarray
    loss: float
    pattern: np.ndarray


@dataclass
class Recorder:
    """Collector of points, at every step or at given times; it measures what should be conserved."""

    times: np.ndarray | None
    most: int
    next: int = 0
    points: list[Point] = field(default_factory=list)
    drift: float = 0.0
    energy_error: float = 0.0
    rise: float = 0.0
    _start: Point | None = None
    _lowest: float = math.inf

    def step(self, point: Point) -> None:
        """Take the end of a step (or leg, or the start): measure it, and keep it unless times are asked."""
        if self._start is None:
            self._start = point
        self._measure(self._start, point)
        if self.times is None:
            if self.points and self.points[-1].t >= point.t:
                self.points.pop()
            self.points.append(point)

    def until(self, t: float, at: Callable[[float], Point]) -> None:
        """Keep the points at the given times up to `t`."""
        while self.times is not None and self.next < self.times.size and self.times[self.next] <= t:
            self.points.append(at(float(self.times[self.next])))
            self.next += 1

    def mark(self) -> tuple[int, int, float]:
        """Return the mark with which `rewind` comes back here."""
        return len(self.points), self.next, self._lowest

    def rewind(self, mark: tuple[int, int, float]) -> None:
        """Drop the points kept since `mark`."""
        del self.points[mark[0] :]
        self.next, self._lowest = mark[1:]

    def thin_records(self) -> None:
        """Drop every other point where there are more than twice too many; marks are void afterwards."""
        if self.times is None and len(self.points) > 2 * self.most:
            del self.points[1:-1:2]

    def _measure(self, start: Point, point: Point) -> None:
        scale = start.loss or 1.0
        error = abs(start.loss - point.loss - float(point.state[-1])) / scale
        self.energy_error = max(self.energy_error, error)
        self.rise = max(self.rise, (point.loss - self._lowest) / scale)
        self._lowest = min(self._lowest, point.loss)

    def path(self, crossings: list[Switch], status: int, steps: int, last: Point) -> NetworkPath:
        """Return the path; evenly thinned if every step was kept."""
        points = self.points
        if self.times is None and len(points) > self.most:
            chosen = np.round(np.linspace(0, len(points) - 1, self.most)).astype(int)
            points = [points[i] for i in chosen]
        h = len(last.pattern)
        states = np.array([point.state for point in points]).reshape(len(points), last.state.size)
        cut = last.state.size - 2 * h - 1
        return NetworkPath(
            np.array([point.t for point in points]),
            states[:, :cut].reshape(len(points), h, -1),
            states[:, cut : cut + h],
            states[:, cut + h : cut + 2 * h],
            np.array([point.loss for point in points]),
            np.array([point.pattern for point in points], dtype=np.int8).reshape(-1, *last.pattern.shape),
            crossings,
            status,
            self.drift,
            self.energy_error,
            self.rise,
            steps,
        )


def switches(t: float, before: np.ndarray, after: np.ndarray) -> list[Switch]:
    """Return the changes between two patterns (h, n)."""
    found = []
    for j, i in np.argwhere(before != after).tolist():
        kind = GATES[int(after[j, i])]
        found.append(Switch(t, j, i, f"leaves {kind}" if before[j, i] == SLIDING else kind))
    return found
