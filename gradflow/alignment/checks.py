"""The theory of early alignment held against one computed trajectory: what holds, and by what margin."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from gradflow.alignment import bounds
from gradflow.alignment.geometry import Setting, angles, setting
from gradflow.alignment.losses import Objective
from gradflow.alignment.network import TwoLayer, directions, log_norms, predict
from gradflow.alignment.path import KINDS, NetworkPath
from gradflow.alignment.watch import Entries, entries, log_largest_output, memberships, spectrum

ROUNDING = 1e-6
"""Relative slack of comparisons with computed trajectories, well above their tolerance."""


class Check(NamedTuple):
    """One statement about one trajectory.

    Attributes
    ----------
    name : str
        Short and stable.
    statement : str
        What is claimed.
    applies : bool
        Whether its hypotheses hold here; if not, `holds` says what happened all the same.
    holds : bool or None
        None if there was nothing to compare.
    margin : float
        log10 of bound over value at the tightest place, positive if it holds; for counts, minus the number of
        exceptions. NaN if there was nothing to compare.
    """

    name: str
    statement: str
    applies: bool
    holds: bool | None
    margin: float


class Run(NamedTuple):
    """A trajectory and what the checks need of it; times are those of the sum of the losses."""

    path: NetworkPath
    objective: Objective
    s: Setting
    t: np.ndarray
    sign: np.ndarray
    first: np.ndarray
    entered: Entries
    log_epsilon: float
    balanced: bool


def check_theory(path: NetworkPath, objective: Objective, log_epsilon: float) -> tuple[Check, ...]:
    """Check everything that is proved of early alignment on a trajectory of the flow.

    Parameters
    ----------
    path : NetworkPath
        Of `gradflow.alignment.flow.gradient_flow`, recorded densely enough to compare.
    objective : Objective
        Its data and loss; labels ±1, exponential or logistic loss for the hypotheses to hold.
    log_epsilon : float
        ln ε, W(0) = ε W0.

    Returns
    -------
    tuple of Check

    Raises
    ------
    ValueError
        If a label is not ±1, or a weight is 0.
    """
    run = prepare(path, objective, log_epsilon)
    separated = run.s.mu > 0.0 and objective.loss.needs_signs
    ordered = separated and run.balanced
    return (
        _counted("balanced", "||w||^2 - v^2 is conserved", True, int(path.drift > ROUNDING)),
        _counted("monotone", "neurons only gain data of their sign and lose others", ordered, backward(run)),
        _counted("once", "no neuron crosses a wall twice", ordered, repeated(run)),
        _counted("trapped", "S+, S- and S_dead are not left", ordered, left(run)),
        _counted("living", "who is active on a datum of its sign does not die", ordered, died(run)),
        *_times(run, ordered),
        *_small(run),
        *_growth(run, ordered),
        *_afterwards(run, ordered),
    )


def prepare(path: NetworkPath, objective: Objective, log_epsilon: float) -> Run:
    """Return a trajectory with what the checks need."""
    start = TwoLayer(path.weights[0], path.outputs[0], path.log_scale[0])
    return Run(
        path,
        objective,
        setting(objective.data, start, log_epsilon),
        path.t * objective.weight * objective.loss.at_zero,
        np.sign(start.outputs),
        path.patterns[0] == KINDS.index("on"),
        entries(path.patterns[0], path.crossings, objective.data.labels),
        log_epsilon,
        bool(np.all(np.abs(start.outputs**2 - 0.5) < ROUNDING)),
    )


def backward(run: Run) -> int:
    """Count the changes by which a neuron loses a datum of its sign, gains another, or slides."""
    own = run.sign[:, None] * run.objective.data.labels > 0.0
    good = {True: "on", False: "off"}
    return sum(s.kind != good[bool(own[s.neuron, s.datum])] for s in run.path.crossings)


def repeated(run: Run) -> int:
    """Count the walls that one neuron crosses more than once."""
    counts = Counter((s.neuron, s.datum) for s in run.path.crossings)
    return sum(count > 1 for count in counts.values())


def left(run: Run) -> int:
    """Count the neurons that leave the set of their sign, or S_dead, after they have entered it."""
    codes = memberships(run.path.patterns, run.objective.data.labels)
    own = np.where(run.sign > 0.0, 1, 2)
    gone = [np.any(inside[:-1] & ~inside[1:], axis=0) for inside in (codes == own, codes == 3)]
    return int(np.sum(gone[0] | gone[1]))


def died(run: Run) -> int:
    """Count the neurons that were active on a datum of their sign and are dead at the end."""
    own = run.sign[:, None] * run.objective.data.labels > 0.0
    dead = ~np.any(run.path.patterns[-1] != KINDS.index("off"), axis=-1)
    return int(np.sum(np.any(run.first & own, axis=-1) & dead))


def alignment_times(run: Run) -> np.ndarray:
    """Return when each neuron entered S₊, S₋ (by its sign) or S_dead; inf for never. Shape (h,)."""
    own = np.where(run.sign > 0.0, run.entered.positive, run.entered.negative)
    return np.asarray(np.minimum(own, run.entered.dead) * run.objective.weight * run.objective.loss.at_zero)


def _times(run: Run, ordered: bool) -> tuple[Check, ...]:
    """Check the bounds on the time to alignment, and on the time in one pattern."""
    s, reached = run.s, float(np.max(alignment_times(run)))
    start = TwoLayer(run.path.weights[0], run.path.outputs[0], run.path.log_scale[0])
    ours = bounds.alignment(s, angles(run.objective.data, start))
    in_reach = ordered and run.log_epsilon <= min(bounds.paper_log_epsilon(s))

    def by(bound: float) -> list[tuple[float, float]]:
        # A run that ends before its bound says nothing of neurons that are still on their way.
        if math.isfinite(reached):
            return [(reached, bound)]
        return [(float(run.t[-1]), bound)] if run.t[-1] >= bound else []

    stays = [(duration, bounds.paper_dwell(s, count)) for duration, count in dwells(run)]
    return (
        _compared(
            "time (paper)",
            "aligned by 16 log n/(min(zeta, xi) sqrt(mu) X_min)",
            in_reach,
            by(bounds.paper_time(s)),
        ),
        _compared(
            "time (ours)",
            "aligned by (acosh(1/s) + asinh(1/mu))/lambda",
            ordered and run.log_epsilon <= ours.log_epsilon,
            by(ours.time),
        ),
        _compared(
            "dwell (paper)",
            "a pattern lasts at most 4/(min(zeta, xi) sqrt(mu) X_min n_a)",
            in_reach,
            [pair for pair in stays if math.isfinite(pair[1])],
        ),
    )


def dwells(run: Run) -> list[tuple[float, int]]:
    """Return how long neurons kept each pattern that they left, and on how many data it was active."""
    own_time = run.objective.weight * run.objective.loss.at_zero
    found = []
    for j in range(run.first.shape[0]):
        changes = [s for s in run.path.crossings if s.neuron == j]
        gates = run.first[j].copy()
        for before, now in pairwise([None, *changes]):
            count, since = int(np.sum(gates)), 0.0 if before is None else before.t
            if now is not None and count:
                found.append(((now.t - since) * own_time, count))
            if now is not None:
                gates[now.datum] = now.kind.endswith("on")
    return found


def _small(run: Run) -> tuple[Check, ...]:
    """Check Lemmas 3 and 4 at the recorded states, with the velocities that the equations give them."""
    s, network = run.s, run.path.network
    covered = run.objective.loss.needs_signs and run.balanced
    early = run.t <= bounds.lemma3_time(s, run.log_epsilon)
    log_square, log_bound = bounds.lemma3_logs(s, run.log_epsilon)
    squares = 2.0 * np.max(log_norms(network), axis=-1)[early]
    outputs = log_largest_output(network, run.objective)
    lemma3 = np.concatenate([log_square - squares, log_bound - outputs[early]])
    # Where f is below rounding there is nothing to see.
    gaps = direction_gaps(run)
    seen = (outputs <= 0.0) & (outputs > math.log(1e-13)) & (gaps > 0.0)
    lemma4 = math.log(2.0 * s.n * s.x_max) + outputs[seen] - np.log(gaps[seen])
    small = run.log_epsilon <= bounds.lemma3_log_epsilon(s)
    return (
        _logged(
            "lemma 3", "norms and outputs stay below their bounds up to T", covered and small, lemma3.tolist()
        ),
        _logged(
            "lemma 4", "directions move as in the limit, but for 2 n X_max max|f|", covered, lemma4.tolist()
        ),
    )


def direction_gaps(run: Run) -> np.ndarray:
    """Return the largest ‖d(w/‖w‖)/dt − σ P_w x_a(w)‖ at the recorded times, in the time of the sum."""
    data, network = run.objective.data, run.path.network
    f = predict(network, data.inputs)
    scale = run.objective.loss.at_zero
    # The pull less its value at f = 0, without cancellation.
    if run.objective.loss.name == "exponential":
        change = data.labels * np.expm1(-data.labels * f)
    elif run.objective.loss.name == "logistic":
        change = -data.labels * np.tanh(0.5 * data.labels * f)
    else:
        change = (run.objective.loss.pull(data.labels, f) - scale * data.labels) / scale
    active = run.path.patterns == KINDS.index("on")
    extra = np.einsum("thn,tn,nd->thd", active, change, data.inputs)
    units = directions(network)
    extra -= np.sum(extra * units, axis=-1, keepdims=True) * units
    return np.asarray(np.max(np.linalg.norm(extra, axis=-1), axis=-1))


def _log_grown(run: Run, label: int) -> np.ndarray:
    """Return log Σ v_j² over the neurons that end in S₊ (label 1) or S₋, at the recorded times."""
    codes = memberships(run.path.patterns, run.objective.data.labels)[-1]
    own = codes == (1 if label == 1 else 2)
    if not np.any(own):
        return np.full(run.t.size, -math.inf)
    return np.asarray(
        logsumexp(2.0 * (run.path.log_scale + np.log(np.abs(run.path.outputs)))[:, own], axis=-1)
    )


def _growth(run: Run, ordered: bool) -> tuple[Check, ...]:
    """Check the bounds on t2, by when the neurons of a label have grown to V = mu/(16 rho^2 X_max)."""
    s, gain = run.s, bounds.GAIN.get(run.objective.loss.name, math.nan)
    after = np.flatnonzero(run.t >= float(np.max(alignment_times(run))))
    target = s.mu / (16.0 * gain**2 * s.x_max)
    papers, ours = [], []
    for label, count in ((1, s.positives), (-1, s.negatives)):
        logs = _log_grown(run, label)
        if not (count and after.size and target > 0.0 and logs[after[0]] > -math.inf):
            continue
        grown = logs >= math.log(target)
        if grown[-1]:
            reached = float(run.t[int(np.argmax(grown))])
            papers.append((reached, bounds.paper_fit_time(s, run.log_epsilon, label)))
            since = float(run.t[after[0]])
            ours.append((reached, since + bounds.fit_time(s, float(logs[after[0]]), target, label)))
    in_reach = ordered and run.log_epsilon <= min(bounds.paper_log_epsilon(s))
    told = "neurons have grown to sum v^2 = mu/(16 X_max)"
    return (
        _compared("growth (paper)", f"{told} by the paper's t2", in_reach, papers),
        _compared("growth (ours)", f"{told} by t1 + acosh(sqrt(V/V1)) e^delta/|x+|", ordered, ours),
    )


def _afterwards(run: Run, ordered: bool) -> tuple[Check, ...]:
    """Check the loss and the rank after alignment."""
    s, path = run.s, run.path
    after = np.flatnonzero(run.t >= float(np.max(alignment_times(run))))
    both = ((1, s.positives), (-1, s.negatives))
    parts = [np.exp(_log_grown(run, label)) for label, count in both if count]
    occupied = all(bool(np.all(part[after] > 0.0)) for part in parts)
    gain = bounds.GAIN.get(run.objective.loss.name, math.nan)
    losses = path.loss / run.objective.weight
    ours: list[float] = []
    papers: list[float] = []
    for i in after[: -1 : max(1, after.size // 20)] if occupied else ():
        later = after[after > i]
        sizes = [float(part[i]) for part in parts]
        rate = bounds.decay_rate(s, sizes[0], sizes[1] if sizes[1:] else None, gain)
        for rates, a in ((ours, rate), (papers, bounds.paper_alpha(s))):
            limits = bounds.loss_bound(float(losses[i]), a, run.t[later] - run.t[i])
            rates.append(float(np.min(np.log(limits) - np.log(losses[later]))))
        if min(sizes) < s.mu / (16.0 * gain**2 * s.x_max):
            papers.pop()
    singular = spectrum(path.network)
    log_excess = bounds.paper_log_rank_excess(s, run.log_epsilon)
    with np.errstate(over="ignore", under="ignore"):
        limit = 2.0 + np.exp(log_excess - 2.0 * singular.log_largest)
    ranks = [(float(singular.stable_rank[i]), float(limit[i])) for i in after]
    rank = "|W|_F^2 <= 2 |W|_2^2 + 4 sqrt(h) eps W_max^2 after alignment"
    return (
        _logged("loss (ours)", "after alignment L <= L2/(1 + a L2 (t - t2)) from every t2", ordered, ours),
        _logged(
            "loss (paper)", "L <= L2/(1 + alpha L2 (t - t2)) once the neurons have grown", ordered, papers
        ),
        _compared("rank (paper)", rank, ordered, ranks),
    )


def _counted(name: str, statement: str, applies: bool, exceptions: int) -> Check:
    return Check(name, statement, applies, exceptions == 0, 0.0 - exceptions)


def _compared(name: str, statement: str, applies: bool, pairs: list[tuple[float, float]]) -> Check:
    """Return a check of value <= bound for all pairs of the two, values and bounds positive."""
    return _logged(
        name,
        statement,
        applies,
        [math.log(bound / value) if bound > 0.0 else -math.inf for value, bound in pairs if value > 0.0],
    )


def _logged(name: str, statement: str, applies: bool, margins: list[float]) -> Check:
    """Return a check whose margins are natural logarithms of bound over value."""
    if not margins:
        return Check(name, statement, applies, None, math.nan)
    least = min(margins)
    return Check(name, statement, applies, least >= -ROUNDING, least / math.log(10.0))
