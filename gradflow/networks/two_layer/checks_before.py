"""Checks of what is proved of the time before alignment (derivations 23 and 24)."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from gradflow.networks.two_layer import bounds
from gradflow.networks.two_layer.geometry import angles
from gradflow.networks.two_layer.judged import ROUNDING, Check, Run, alignment_times, compared, late, logged
from gradflow.networks.two_layer.motion import direction_after
from gradflow.networks.two_layer.network import TwoLayer, directions, log_norms
from gradflow.networks.two_layer.patterns import ACTIVE, INACTIVE, SLIDING
from gradflow.networks.two_layer.watch import log_largest_output

LONGEST = 2.0
"""Between records that are further apart, over 1/|x_a|, rounding has grown too much to compare directions."""


class Stay(NamedTuple):
    """A neuron's time in one pattern, active on some of the data; `until` is ∞ if it has not left it."""

    since: float
    until: float
    active: int


def before_alignment(run: Run, ordered: bool) -> tuple[Check, ...]:
    """Check the times, and Lemmas 3 and 4; `ordered` says whether Assumption 1 and balance hold."""
    return (*_times(run, ordered), *_dwells(run, ordered), *_lemma3(run), *_lemma4(run))


def _times(run: Run, ordered: bool) -> tuple[Check, ...]:
    """Check the bounds on the time to alignment."""
    s, reached = run.s, float(np.max(alignment_times(run)))
    start = TwoLayer(run.path.weights[0], run.path.outputs[0], run.path.log_scale[0])
    ours = bounds.alignment(s, angles(run.objective.data, start))

    def by(bound: float) -> list[tuple[float, float]]:
        # A run that ends before its bound says nothing of neurons that are still on their way.
        return [(reached, bound)] if math.isfinite(reached) else late(float(run.t[-1]), bound)

    return (
        compared(
            "time (paper)",
            "aligned by 16 log n/(min(zeta, xi) sqrt(mu) X_min)",
            theorem_applies(run, ordered),
            by(bounds.paper_time(s)),
        ),
        compared(
            "time (ours)",
            "aligned by (acosh(1/s) + acosh(1/mu))/lambda",
            ordered and run.log_epsilon <= ours.log_epsilon,
            by(ours.time),
        ),
    )


def theorem_applies(run: Run, ordered: bool) -> bool:
    """Return whether the paper's theorem covers a run: n ≥ 2, and ε is small enough."""
    return ordered and run.s.n >= 2 and run.log_epsilon <= bounds.paper_log_epsilon(run.s).least


def lemma3_applies(run: Run) -> bool:
    """Return whether Lemma 3 covers a run."""
    return lemmas_apply(run) and run.log_epsilon <= bounds.lemma3_log_epsilon(run.s)


def lemmas_apply(run: Run) -> bool:
    """Return whether loss and balance are those of Lemmas 3 and 4, which do not need Assumption 1."""
    return run.objective.loss.needs_signs and run.balanced


def _dwells(run: Run, ordered: bool) -> tuple[Check, ...]:
    """Check the bound on the time in one pattern: the paper's in its reach, and up to Lemma 3's time."""
    s, end = run.s, float(run.t[-1])
    until = bounds.lemma3_time(s, run.log_epsilon)
    papers: list[tuple[float, float]] = []
    ours: list[tuple[float, float]] = []
    for stay in stays(run):
        bound = bounds.paper_dwell(s, stay.active)
        if math.isinf(bound):
            continue
        left = min(stay.until, end) - stay.since
        papers += [(left, bound)] if stay.until <= end else late(left, bound)
        # Of a stay that is longer only what lies before Lemma 3's time counts.
        ours += (
            [(left, bound)] if stay.until <= min(end, until) else late(min(left, until - stay.since), bound)
        )
    statement = "a pattern lasts at most 4/(min(zeta, xi) sqrt(mu) X_min n_a)"
    enough = bounds.paper_log_epsilon(s, 4.0).first
    return (
        compared("dwell (paper)", statement, theorem_applies(run, ordered), papers),
        compared(
            "dwell (ours)",
            f"{statement}, up to Lemma 3's time, with 4 in the bound on eps",
            ordered and run.log_epsilon <= enough,
            ours,
        ),
    )


def stays(run: Run) -> list[Stay]:
    """Return the times of all neurons in patterns in which they are active and not aligned."""
    own_time = run.objective.weight * run.objective.loss.at_zero
    found = []
    for j, aligned in enumerate(alignment_times(run)):
        changes = [s for s in run.path.crossings if s.neuron == j]
        gates = run.first[j].copy()
        for before, now in pairwise([None, *changes, None]):
            active, since = int(np.sum(gates)), 0.0 if before is None else before.t * own_time
            if active and since < aligned:
                found.append(Stay(since, math.inf if now is None else now.t * own_time, active))
            if now is not None:
                gates[now.datum] = now.kind.endswith("on")
    return found


def _lemma3(run: Run) -> tuple[Check, ...]:
    """Check the bounds of Lemma 3 at the recorded states: the paper's, and half of them."""
    s, network = run.s, run.path.network
    early = run.t <= bounds.lemma3_time(s, run.log_epsilon)
    log_square, log_output = bounds.lemma3_logs(s, run.log_epsilon)
    squares = 2.0 * np.max(log_norms(network), axis=-1)[early]
    outputs = log_largest_output(network, run.objective)[early]
    margins = np.concatenate([log_square - squares, log_output - outputs])
    statement = "norms and outputs stay below their bounds up to T"
    return (
        logged("lemma 3", statement, lemma3_applies(run), margins.tolist()),
        logged(
            "lemma 3 (ours)",
            f"{statement}, and below half of them",
            lemma3_applies(run),
            (margins - math.log(2.0)).tolist(),
        ),
    )


def _lemma4(run: Run) -> tuple[Check, ...]:
    """Check Lemma 4 between recorded states: how far the directions are from where the limit takes them."""
    found = departures(run)
    statement = "directions move as in the limit, but for"

    def margins(factor: float) -> list[float]:
        return [math.log((factor * allowed + ROUNDING) / moved) for moved, allowed in found if moved > 0.0]

    ours, covered = 0.5 * (math.e - 1.0), lemmas_apply(run)
    return (
        logged("lemma 4", f"{statement} 2 n X_max max|f|", covered, margins(1.0)),
        logged("lemma 4 (ours)", f"{statement} (e - 1) n X_max max|f|", covered, margins(ours)),
    )


def departures(run: Run) -> list[tuple[float, float]]:
    """Return how far directions are, at a record, from the limit's flow since the record before, and a bound.

    While a pattern lasts, the limit's flow is in closed form (derivation 22, part 2), and two solutions of
    u′ = σ P x_a depart by exp(|x_a| t) at most; so an error of the velocity of at most 2 n X_max F makes at
    most 2 n X_max F (exp(|x_a| t) − 1)/|x_a|.

    Returns
    -------
    list of (distance, bound)
        For every neuron and neighbouring records between which it keeps its pattern and max|f| ≤ 1.
    """
    s, path, data = run.s, run.path, run.objective.data
    units, times = directions(path.network), np.diff(run.t)
    crossed = crossed_between(run)
    largest = largest_between(run, crossed)
    found: list[tuple[float, float]] = []
    for k in np.flatnonzero(largest <= 1.0):
        gates = path.patterns[k]
        force = run.sign[:, None] * ((gates == ACTIVE) @ data.signed)
        size = np.linalg.norm(force, axis=-1)
        keeps = ~crossed[k] & np.all(gates != SLIDING, axis=-1) & (size * times[k] <= LONGEST)
        gone = np.linalg.norm(units[k + 1] - direction_after(units[k], force, float(times[k])), axis=-1)
        safe = np.where(size > 0.0, size, 1.0)
        spread = np.where(size > 0.0, np.expm1(np.minimum(size * times[k], LONGEST)) / safe, times[k])
        allowed = 2.0 * s.n * s.x_max * largest[k] * spread
        found += zip(gone[keeps].tolist(), allowed[keeps].tolist(), strict=True)
    return found


def crossed_between(run: Run) -> np.ndarray:
    """Return which neurons change their pattern strictly between neighbouring records, shape (T − 1, h)."""
    path = run.path
    crossed = np.zeros((path.t.size - 1, run.sign.size), dtype=bool)
    for switch in path.crossings:
        k = int(np.searchsorted(path.t, switch.t)) - 1
        if 0 <= k < crossed.shape[0] and switch.t != path.t[k + 1]:
            crossed[k, switch.neuron] = True
    return crossed


def largest_between(run: Run, crossed: np.ndarray) -> np.ndarray:
    """Return bounds of max|f| between neighbouring records, ∞ where there is none up to 1; shape (T − 1,).

    While max|f| ≤ F, a neuron with the data on that make A = Σ |x_i| has |G| ≤ κ A, κ = exp(F): |w|² changes
    at the rate 2 κ A |w|² at most, and f at 2 X_max κ Σ A |w|²; no time is further from a record than half
    the way. What this makes of F is a bound if it is ≤ F.
    """
    s, path, times = run.s, run.path, np.diff(run.t)
    on = path.patterns != INACTIVE
    either = on[:-1] | on[1:] | crossed[..., None]
    sizes = either @ np.linalg.norm(run.objective.data.inputs.astype(np.float64), axis=1)
    with np.errstate(over="ignore", under="ignore"):
        f = np.exp(log_largest_output(path.network, run.objective))
        squares = np.exp(2.0 * log_norms(path.network))
        ends, square = np.maximum(f[:-1], f[1:]), np.maximum(squares[:-1], squares[1:])
        bound = np.full_like(times, np.inf)
        for factor in (1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 100.0):
            tried = np.minimum(factor * ends, 1.0)
            rate = np.exp(tried)[:, None] * sizes
            whole = square * np.exp(np.minimum(rate * times[:, None], 300.0))
            reached = ends + s.x_max * times * np.sum(rate * whole, axis=-1)
            bound = np.where((reached <= tried) & np.isinf(bound), reached, bound)
    return bound
