"""Filippov's solution on the walls x_k·w = 0: a neuron crosses them, slides along them or leaves them.

The flow at any scale (`walls.resolve`) and its limit ε → 0 (`limit_events.meet_walls`) both ask here.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from gradflow.networks.two_layer.motion import EPS

_ALMOST_OFF = 1e-3


def box_least_squares(
    quadratic: np.ndarray, linear: np.ndarray, start: np.ndarray, tolerance: np.ndarray
) -> np.ndarray:
    """Return λ in [0, 1]^r that minimises ½ λ·Hλ + h·λ with H positive semidefinite: an active-set method.

    Parameters
    ----------
    quadratic, linear : array, shapes (r, r) and (r,)
    start : array, shape (r,)
        A guess in the box.
    tolerance : array, shape (r,)
        How far a gradient at a bound may point outwards.

    Raises
    ------
    RuntimeError
        If no solution is found in 50 + 20 r steps.
    """
    values: np.ndarray = np.clip(np.asarray(start, dtype=float), 0.0, 1.0)
    free = (values > 0.0) & (values < 1.0)
    barred = np.zeros(values.size, dtype=bool)
    for _ in range(50 + 20 * values.size):
        gradient = quadratic @ values + linear
        if free.any():
            inside = np.flatnonzero(free)
            step = solve_semidefinite(quadratic[np.ix_(inside, inside)], -gradient[inside])
            target = values[inside] + step
            if np.all((target >= 0.0) & (target <= 1.0)):
                values[inside] = target
            else:
                with np.errstate(divide="ignore", invalid="ignore"):
                    room = np.where(step > 0.0, (1.0 - values[inside]) / step, -values[inside] / step)
                room = np.where(step == 0.0, np.inf, np.maximum(room, 0.0))
                which = int(np.argmin(room))
                values[inside] = np.clip(values[inside] + min(room[which], 1.0) * step, 0.0, 1.0)
                values[inside[which]] = 1.0 if step[which] > 0.0 else 0.0
                free[inside[which]] = False
                # One that was freed and goes straight back would be freed again: only rounding freed it.
                barred[inside[which]] = room[which] == 0.0
                continue
            gradient = quadratic @ values + linear
        outward = np.where(values <= 0.0, -gradient, gradient) - tolerance
        outward[free | barred] = -np.inf
        worst = int(np.argmax(outward))
        if not outward[worst] > 0.0:
            return values
        free[worst] = True
        barred[:] = False
    raise RuntimeError(f"box_least_squares: no solution of a problem of {values.size} gates was found")


def solve_semidefinite(quadratic: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return a solution of H s = r, the shortest where H is singular (data that depend on each other)."""
    factor, solution, failed = lapack.dposv(quadratic, right)
    pivots = np.diagonal(factor)
    if failed == 0 and np.min(pivots) > 1e-6 * np.max(pivots):
        return np.asarray(solution)
    return np.asarray(np.linalg.lstsq(quadratic, right, rcond=4.0 * EPS)[0])


def choose_gates(
    sigma: float,
    guess: np.ndarray,
    pulls: np.ndarray,
    rates: np.ndarray,
    gram: np.ndarray,
    tolerance: np.ndarray,
    *,
    through: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the gates of the walls that the neuron is on, and which of them slide.

    In the time s with ds = |v| dt a neuron climbs Φ(w) = σ Σ g_k relu(x_k·w). A wall with σ g_k < 0 is a
    concave ridge of Φ: the neuron crosses it or slides along it, with gates that minimise ‖G‖. One with
    σ g_k > 0 is a convex valley, which a neuron leaves: gate 1 where x_k·w rises and 0 where it falls. The
    minimum of ‖G‖² over the gates of the first kind is convex in those of the second, so changing one wrong
    gate at a time raises it, and ends. Where both gates are right (the wall repels to both sides) the guess
    decides.

    Parameters
    ----------
    sigma : float
        The sign of v, not 0.
    guess : array, shape (k,)
        The gates so far, in [0, 1].
    pulls : array, shape (k,)
        The g_k: how much of x_k the gate adds to G.
    rates : array, shape (k,)
        x_k·G for the G without these gates.
    gram : array, shape (k, k)
        x_k·x_l.
    tolerance : array, shape (k,)
        What of a rate is rounding, > 0.
    through : bool
        Whether the first thing to try is that all walls are crossed as they are met, so that a neuron passes
        through an edge. Otherwise the neuron leaves no side that it may keep.

    Raises
    ------
    RuntimeError
        If no solution is found in 100 + 20 k changes.
    """
    effect = gram * pulls
    leaves = sigma * pulls >= 0.0

    def speed(gates: np.ndarray) -> np.ndarray:
        return np.asarray(sigma * (rates + effect @ gates))

    def wrong(gates: np.ndarray) -> np.ndarray:
        s = speed(gates)
        return np.asarray(((gates < 1.0) & (s > tolerance)) | ((gates > 0.0) & (s < -tolerance)))

    if guess.size == 0:
        return guess, leaves
    gates = guess
    if through:
        gates = np.where(wrong(guess), np.where(speed(guess) > 0.0, 1.0, 0.0), guess)
        if not wrong(gates).any():
            return gates, (gates > 0.0) & (gates < 1.0)
    # With gates just above 0 the search starts at the shortest solution, where walls depend on each other.
    gates = np.where(leaves, np.round(gates), guess if through else _ALMOST_OFF)
    stays = np.flatnonzero(~leaves)
    quadratic = (pulls[:, None] * effect)[np.ix_(stays, stays)]
    for _ in range(100 + 20 * gates.size):
        if stays.size:
            others = rates + effect[:, leaves] @ gates[leaves]
            bound = tolerance[stays] * np.abs(pulls[stays])
            gates[stays] = box_least_squares(quadratic, (pulls * others)[stays], gates[stays], bound)
        off = np.where(wrong(gates) & leaves, np.abs(speed(gates)) / tolerance, 0.0)
        worst = int(np.argmax(off))
        if not off[worst] > 0.0:
            break
        gates[worst] = 1.0 - gates[worst]
    else:
        raise RuntimeError(f"choose_gates: no solution for {gates.size} data on their walls was found")
    # A gate that is rounding of 0 or 1 is none that slides.
    own = np.abs(np.diagonal(effect))
    least = np.where(own > tolerance, tolerance / np.where(own > tolerance, own, 1.0), 0.0)
    gates = np.where(gates <= least, 0.0, np.where(gates >= 1.0 - least, 1.0, gates))
    return gates, (gates > 0.0) & (gates < 1.0)
