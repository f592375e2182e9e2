"""The motion of a neuron within one activation pattern, as ε → 0: hyperbolic, in closed form.

With constant pulls g_i a neuron ẇ = v G, v̇ = w·G within one activation pattern has G constant. Let Ĝ =
G/‖G‖, P = σ w·Ĝ and V = |v| with σ = sign v, and τ = ‖G‖ t. Then P' = V and V' = P, so

    P = A e^τ − B e^−τ,   V = A e^τ + B e^−τ,   A = (V₀ + P₀)/2,   B = (V₀ − P₀)/2,

V² − P² = q stays, and w moves by σ (P − P₀) Ĝ: along a ray that no time enters. The first wall on that ray is
found by a division; its time follows from L = P − P₀ alone, tanh(τ/2) = L/(V₀ + V).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

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
    size = np.sqrt(np.einsum("md,md->m", force, force))
    unit = force / np.where(size > 0.0, size, 1.0)[:, None]
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
