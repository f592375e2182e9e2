"""Gradient descent of one large network by its margins, with one product for all neurons of a pattern.

The margins Z = W Xᵀ of all neurons move by Z_j += η v_j (A_j ∘ g) K, where A_j is the pattern of neuron j, g
are the pulls and K = X Xᵀ; v_j moves by η Σ_i g_i relu(Z_ji). So the inputs' dimension is gone, and neurons
of the same pattern share (A_j ∘ g) K. Neurons of almost the same pattern share it too, and differ by a few
rows of K. After the alignment two products are left, whatever the number of neurons.

What the w_j have gained is kept as coefficients of the inputs, W = W₀ + C X, and the margins are computed
anew from W every so many steps. All is exact up to rounding.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradflow.base.arrays import Array, device, is_array, namespace, to_numpy
from gradflow.descent import GD
from gradflow.networks.two_layer.losses import Objective
from gradflow.networks.two_layer.network import TwoLayer, binary_exponent, normalize, on_device

# Margins are computed anew, neurons grouped and scales brought back to 1 after so many steps.
REFRESH = {"float64": 64, "float32": 8}
# The Gram matrix of more inputs than that is too large.
MOST = 4096
# Below so many products a step, the calls cost more than the products.
LEAST = 2_000_000
# Patterns that differ in less than this share of the data make a group; more groups than these are not kept.
NEAR, GROUPS = 0.1, 8
# With differences in more than this share of the data, one product over all neurons is faster.
FEW = 0.4


def takes(optimizer: object) -> bool:
    """Whether `Grouped` knows an optimiser: GD at one rate, without weight decay."""
    if not isinstance(optimizer, GD) or is_array(optimizer.lr):
        return False
    return not is_array(optimizer.weight_decay) and optimizer.weight_decay == 0


def pays(network: TwoLayer, objective: Objective, optimizer: object) -> bool:
    """Whether `Grouped` can train this network, and is faster than products over all neurons and inputs."""
    if not takes(optimizer) or not isinstance(network.weights, np.ndarray):
        return False
    if network.weights.ndim != 2:
        return False
    (h, dimension), n = network.weights.shape, objective.data.n
    return n <= MOST and h * n * dimension >= LEAST and n <= 2 * dimension * max(1, h // GROUPS)


class Grouped:
    """One network under GD on all data; see `gradflow.networks.two_layer.steps.Stepper`."""

    def __init__(self, network: TwoLayer, objective: Objective, lr: float, frozen: bool) -> None:
        xp = namespace(network.weights)
        self.objective, self.lr, self.frozen = objective, lr, frozen
        self.x, self.y = on_device(objective, network)
        transposed = xp.permute_dims(self.x, (1, 0))
        self.transposed = transposed
        self.gram = xp.matmul(self.x, transposed)
        # Of the Gram matrix and the inputs: what a step multiplies by.
        self.largest = 1.0 + float(xp.max(xp.sum(self.x * self.x, axis=1)))
        self.start, self.outputs = network.weights, network.outputs
        self.log_scale = xp.astype(network.log_scale, xp.float64)
        self.shift = xp.zeros_like(self.log_scale)
        self.z = xp.matmul(self.start, transposed)
        self.gained = xp.zeros_like(self.z)
        self.refresh = REFRESH[str(to_numpy(self.outputs).dtype)]
        self.bound = float(xp.finfo(self.z.dtype).max) ** (1 / 3)
        self.count, self.stopped = 0, False
        self.active = self.z > 0.0
        self._moves: list[tuple[Array, Array]] = []
        self._group()

    def advance(self, rate: float, batch: Array | None) -> Array | bool:
        """Take one step; see `Stepper`."""
        xp = namespace(self.z)
        if self.stopped:
            return xp.zeros((), dtype=xp.bool)
        if self.count % self.refresh == 0 and self.count:
            self._refresh()
        self.count += 1
        self._update_patterns()
        hidden = xp.maximum(self.z, xp.zeros_like(self.z[:1, :1]))
        size = xp.exp(2.0 * (self.log_scale + math.log(2.0) * self.shift))
        mixing = self.outputs * xp.astype(size, self.outputs.dtype, copy=False)
        f = xp.matmul(mixing[None, :], hidden)[0, :]
        pull = self.objective.weight * self.objective.loss.pull(self.y, f)
        if not bool(xp.all((xp.abs(f) <= self.bound) & (xp.abs(pull) <= self.bound))):
            self.stopped = True
            return xp.zeros((), dtype=xp.bool)
        moves = (self.lr * rate) * self.outputs
        raised = (self.lr * rate) * xp.matmul(hidden, pull[:, None])[:, 0]
        # A step that overflows is not taken.
        reach = xp.max(xp.abs(moves)) * xp.sum(xp.abs(pull)) * self.largest
        if not bool(xp.isfinite(reach) & xp.isfinite(xp.sum(xp.abs(raised)))):
            self.stopped = True
            return xp.zeros((), dtype=xp.bool)
        if not self.frozen:
            self.outputs = self.outputs + raised
        self._move(moves, pull)
        self._moves.append((moves, pull))
        return True

    def _move(self, moves: Array, pull: Array) -> None:
        xp = namespace(self.z)
        if self.flips is None:
            self.z += xp.matmul(moves[:, None] * xp.where(self.active, pull, xp.zeros_like(pull)), self.gram)
            return
        left, right = self.of * moves[:, None], xp.matmul(self.bases * pull, self.gram)
        if self.flips.shape[1]:
            flipped = self.flips * xp.take(pull, self.odd)
            left = xp.concat([left, flipped * moves[:, None]], axis=1)
            right = xp.concat([right, self.rows], axis=0)
        self.z += xp.matmul(left, right)

    def _update_patterns(self) -> None:
        """Take the patterns as they are now, if any has changed since the last step."""
        xp = namespace(self.z)
        active = self.z > 0.0
        if bool(xp.all(active == self.active)):
            return
        self._collect_gains()
        self.active = active
        if self.flips is not None:
            self._find_differences()

    def _collect_gains(self) -> None:
        """Add the gains of the steps with the patterns so far to the coefficients."""
        if self._moves:
            xp = namespace(self.z)
            moves = xp.stack([move for move, _ in self._moves], axis=1)
            gained = xp.matmul(moves, xp.stack([pull for _, pull in self._moves], axis=0))
            self.gained += xp.where(self.active, gained, xp.zeros_like(gained))
            self._moves = []

    def _refresh(self) -> None:
        """Compute the margins from the weights, bring scales back to 1 (by powers of 2: exactly), group."""
        xp = namespace(self.z)
        self.start = self._weights()
        self.gained = xp.zeros_like(self.gained)
        if not self.frozen:
            largest = xp.maximum(xp.max(xp.abs(self.start), axis=-1), xp.abs(self.outputs))
            exponent = binary_exponent(largest)
            scale = 2.0**-exponent
            self.start, self.outputs = self.start * scale[:, None], self.outputs * scale
            self.shift = self.shift + xp.astype(exponent, self.shift.dtype)
        self.z = xp.matmul(self.start, self.transposed)
        self.active = self.z > 0.0
        self._group()

    def _weights(self) -> Array:
        self._collect_gains()
        return self.start + namespace(self.z).matmul(self.gained, self.x)

    def _group(self) -> None:
        """Choose the patterns that neurons share."""
        xp = namespace(self.z)
        chosen = leaders(to_numpy(self.active))
        self.flips: Array | None = None
        if chosen is None:
            return
        of, bases = chosen
        like: Any = {"dtype": self.z.dtype, "device": device(self.z)}
        self.bases = xp.asarray(bases.astype(float), **like)
        self.of = xp.asarray(of.astype(float), **like)
        self.expected = xp.asarray(bases[np.argmax(of, axis=1)], device=device(self.z))
        self.odd: Array | None = None
        self._find_differences()

    def _find_differences(self) -> None:
        """Note on which data a neuron's pattern is not that of its group."""
        xp = namespace(self.z)
        odd = xp.nonzero(xp.any(self.active != self.expected, axis=0))[0]
        if odd.shape[0] > FEW * self.z.shape[1]:
            self.flips = None
            return
        if self.odd is None or odd.shape != self.odd.shape or not bool(xp.all(odd == self.odd)):
            self.odd, self.rows = odd, xp.take(self.gram, odd, axis=0)
        now, expected = (
            xp.astype(xp.take(pattern, odd, axis=1), self.z.dtype) for pattern in (self.active, self.expected)
        )
        self.flips = now - expected

    def network(self) -> TwoLayer:
        """Return the network as it is."""
        xp = namespace(self.z)
        scales = xp.astype(self.log_scale + math.log(2.0) * self.shift, self.outputs.dtype, copy=False)
        found = TwoLayer(self._weights(), self.outputs, scales)
        return found if self.frozen else normalize(found)


def leaders(active: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return groups of similar patterns: which group each neuron is in, (h, g), and its patterns, (g, n).

    None if there would be more than a few. A group's pattern is what most of its neurons are active on.
    """
    ones = active.astype(np.float32)
    counts = ones.sum(axis=1)
    distance = counts[:, None] + counts[None, :] - 2.0 * (ones @ ones.T)
    free = np.ones(active.shape[0], dtype=bool)
    columns: list[np.ndarray] = []
    bases: list[np.ndarray] = []
    while np.any(free):
        if len(columns) == GROUPS:
            return None
        inside = free & (distance[np.argmax(free)] <= NEAR * active.shape[1])
        columns.append(inside)
        bases.append(active[inside].mean(axis=0) > 0.5)
        free &= ~inside
    return np.stack(columns, axis=1), np.stack(bases)
