"""The motion of a neuron under a constant force: hyperbolic, in closed form.

While the outputs f(x_i) are negligible the pulls are constants, and a neuron ẇ = v G, v̇ = w·G has G constant
within one activation pattern. Let Ĝ = G/‖G‖, P = σ w·Ĝ and V = |v| with σ = sign v, and τ = ‖G‖ t. Then
P' = V and V' = P, so

    P = A e^τ − B e^−τ,   V = A e^τ + B e^−τ,   A = (V₀ + P₀)/2,   B = (V₀ − P₀)/2,

V² − P² = q stays, and w moves by σ (P − P₀) Ĝ: along a ray that no time enters. The first wall on that ray is
found by a division; its time follows from L = P − P₀ alone, tanh(τ/2) = L/(V₀ + V).

`Frame` is for the limit ε → 0, to the last digit at any τ. `Split` is the plain formula for the flow at any
scale, and `direction_after` is what it makes of a balanced neuron's direction.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gradflow.networks.two_layer.network import TwoLayer

EPS = float(np.finfo(np.float64).eps)


class Frame(NamedTuple):
    """Motion along Ĝ, seen from the sign of v; arrays of shape (m,) or (m, D).

    Attributes
    ----------
    unit : array, shape (m, D)
        Ĝ; 0 where G = 0.
    size : array
        ‖G‖.
    along, output : array
        P₀ = σ w·Ĝ and V₀ = |v|.
    across : array
        ‖w − (w·Ĝ) Ĝ‖.
    constant : array
        q = V² − P² = (v² − ‖w‖²) + across².
    """

    unit: np.ndarray
    size: np.ndarray
    along: np.ndarray
    output: np.ndarray
    across: np.ndarray
    constant: np.ndarray


def polar(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return lengths (m,) and directions (m, D) of vectors; the direction of 0 is 0."""
    size = np.sqrt(np.einsum("md,md->m", vectors, vectors))
    return size, vectors / np.where(size > 0.0, size, 1.0)[:, None]


def frame(
    weights: np.ndarray,
    outputs: np.ndarray,
    sigma: np.ndarray,
    imbalance: np.ndarray,
    force: np.ndarray,
    slides: np.ndarray,
) -> Frame:
    """Return the frame of neurons (m, D), (m,) with v² − ‖w‖² = imbalance.

    q comes from the imbalance and not from V² − P²: a neuron nearly antiparallel to where it is pulled has
    a q that the difference would lose. One that is antiparallel to within rounding is taken as exactly so:
    one that slides along an edge often is, and its force, from linear equations, is known less well.
    """
    size, unit = polar(force)
    along = np.einsum("md,md->m", weights, unit)
    rest = weights - along[:, None] * unit
    across = np.sqrt(np.einsum("md,md->m", rest, rest))
    across = np.where(across <= np.where(slides, 1e-12, 32.0 * EPS) * np.abs(along), 0.0, across)
    constant = imbalance + across**2
    output = np.abs(outputs)
    along = np.where(constant == 0.0, np.copysign(output, along), along)
    return Frame(unit, size, sigma * along, output, across, constant)


def reach(motion: Frame) -> np.ndarray:
    """Return the L at which V vanishes, approached only if q = 0; inf where V never does."""
    root = np.sqrt(np.maximum(-motion.constant, 0.0))
    back = (motion.along < 0.0) & (motion.constant <= 0.0)
    sums = np.where(back, np.abs(motion.along) + root, 1.0)
    return np.where(back, motion.output**2 / sums, np.inf)


def output_after(motion: Frame, length: np.ndarray) -> np.ndarray:
    """Return V where P = P₀ + L; every branch adds terms of one sign."""
    start, output, constant = motion.along, motion.output, motion.constant
    end = start + length
    root = np.sqrt(np.abs(constant))
    far = reach(motion)
    room = np.where(np.isfinite(far), far, length) - length
    backwards = np.sqrt(np.maximum(room, 0.0) * (np.abs(end) + root))
    ahead = np.sqrt(output**2 + length * np.maximum(2.0 * start + length, 0.0))
    back = np.where(constant >= 0.0, np.hypot(end, root), backwards)
    return np.asarray(np.where(start >= 0.0, ahead, back))


def angle_after(motion: Frame, length: np.ndarray, output: np.ndarray) -> np.ndarray:
    """Return τ = ‖G‖ t at which P = P₀ + L and V is the given output."""
    start, first, constant = motion.along, motion.output, motion.constant
    end = start + length
    total = first + output
    half = length / np.where(total > 0.0, total, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        # e^τ = (P + V)/(P₀ + V₀), with A = q/(2 (V − P)) where V + P cancels.
        gained = (end + output) / (start + first)
        shrunk = (first - start) / (output - end)
        turned = (end + output) * (first - start) / constant
        ratio = np.where(start >= 0.0, gained, np.where(end <= 0.0, shrunk, turned))
        late = np.log(np.where(half > 0.5, ratio, 1.0))
    return np.where(half > 0.5, late, 2.0 * np.arctanh(np.minimum(half, 0.5)))


def travel(motion: Frame, tau: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return P, V and the part across G after τ, all divided by e^s, and s: no τ is too large."""
    start, first, constant = motion.along, motion.output, motion.constant
    turn = first + np.abs(start)
    small = constant / (2.0 * np.where(turn > 0.0, turn, 1.0))
    growing = np.where(start < 0.0, small, turn / 2.0)
    falling = np.where(start < 0.0, turn / 2.0, small)
    with np.errstate(divide="ignore"):
        up, down = np.log(np.abs(growing)) + tau, np.log(np.abs(falling)) - tau
        scale = np.maximum(np.maximum(up, down), np.log(motion.across))
    scale = np.where(np.isfinite(scale), scale, 0.0)
    rise, fall = np.sign(growing) * np.exp(up - scale), np.sign(falling) * np.exp(down - scale)
    # Scaled by no less than itself: nothing overflows.
    kept = np.exp(np.where(motion.across > 0.0, -scale, 0.0))
    return rise - fall, np.maximum(rise + fall, 0.0), kept, scale


class Split(NamedTuple):
    """Normalised neurons (h, D) in parts of the motion, seen with the sign of v left in.

    Attributes
    ----------
    network : TwoLayer
        The neurons at the start.
    unit, size : array, shapes (h, D) and (h,)
        Ĝ, 0 where G = 0, and ‖G‖.
    growing, shrinking : array, shape (h,)
        The parts of v that go as e^τ and e^−τ; σA and σB.
    across : array, shape (h, D)
        w − (w·Ĝ) Ĝ.
    """

    network: TwoLayer
    unit: np.ndarray
    size: np.ndarray
    growing: np.ndarray
    shrinking: np.ndarray
    across: np.ndarray

    def after(self, t: float) -> TwoLayer:
        """Return the neurons after a time t ≥ 0, not normalised: e^τ is in the log-scale."""
        shrunk = np.exp(-self.size * t)
        weights = (self.growing + self.shrinking * shrunk**2)[:, None] * self.unit
        # Where nothing pulls, `unit` is 0 and the output stays as it is.
        outputs = np.where(self.size > 0.0, self.growing - self.shrinking * shrunk**2, self.network.outputs)
        return TwoLayer(
            weights + shrunk[:, None] * self.across, outputs, self.network.log_scale + self.size * t
        )


def split(network: TwoLayer, force: np.ndarray) -> Split:
    """Return the parts of neurons under constant forces (h, D)."""
    size = np.linalg.norm(force, axis=1)
    unit = force / np.where(size > 0.0, size, 1.0)[:, None]
    along = np.sum(network.weights * unit, axis=1)
    growing, shrinking = 0.5 * (along + network.outputs), 0.5 * (along - network.outputs)
    return Split(network, unit, size, growing, shrinking, network.weights - along[:, None] * unit)


def direction_after(units: np.ndarray, force: np.ndarray, time: float) -> np.ndarray:
    """Return where u′ = F − (F·u) u takes unit vectors u, with constant F, both of shape (h, D)."""
    size = np.linalg.norm(force, axis=-1, keepdims=True)
    axis = force / np.where(size > 0.0, size, 1.0)
    along = np.sum(axis * units, axis=-1, keepdims=True)
    tau = np.minimum(size * time, 300.0)
    moved = units + (along * np.cosh(tau) + np.sinh(tau) - along) * axis
    return np.asarray(moved / np.linalg.norm(moved, axis=-1, keepdims=True))
