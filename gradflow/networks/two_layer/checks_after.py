"""Checks of what is proved of the time after alignment (derivation 25)."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import expi, logsumexp

from gradflow.networks.two_layer import bounds
from gradflow.networks.two_layer.checks_before import lemma3_applies, theorem_applies
from gradflow.networks.two_layer.judged import Check, Run, alignment_times, compared, late, logged
from gradflow.networks.two_layer.network import log_norms, predict
from gradflow.networks.two_layer.patterns import IN_NEGATIVE, IN_POSITIVE
from gradflow.networks.two_layer.watch import memberships, spectrum

_BEGINNINGS = 20
"""From so many records bounds on the loss are followed."""


def after_alignment(run: Run, ordered: bool) -> tuple[Check, ...]:
    """Check growth, loss and rank; `ordered` says whether Assumption 1 and balance hold."""
    after = np.flatnonzero(run.t >= float(np.max(alignment_times(run))))
    return (*_growth(run, ordered, after), *_losses(run, ordered, after), *_ranks(run, ordered, after))


def _members(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Return which neurons end in S₊ with v > 0, and in S₋ with v < 0."""
    codes = memberships(run.path.patterns, run.objective.data.labels)[-1]
    return (codes == IN_POSITIVE) & (run.sign > 0.0), (codes == IN_NEGATIVE) & (run.sign < 0.0)


def _log_grown(run: Run, label: int) -> np.ndarray:
    """Return log Σ v_j² over the neurons that end in S₊ (label 1) or S₋, at the recorded times."""
    own = _members(run)[0 if label == 1 else 1]
    if not np.any(own):
        return np.full(run.t.size, -math.inf)
    return np.asarray(
        logsumexp(2.0 * (run.path.log_scale + np.log(np.abs(run.path.outputs)))[:, own], axis=-1)
    )


def _growth(run: Run, ordered: bool, after: np.ndarray) -> tuple[Check, ...]:
    """Check the bounds on t2, by when the neurons of a label have grown to V = mu/(16 rho^2 X_max)."""
    s, gain = run.s, run.gain
    target = s.mu / (16.0 * gain**2 * s.x_max)
    papers: list[tuple[float, float]] = []
    ours: list[tuple[float, float]] = []
    for label, count in ((1, s.positives), (-1, s.negatives)):
        logs = _log_grown(run, label)
        if not (count and after.size and target > 0.0 and logs[after[0]] > -math.inf):
            continue
        grown, since = logs >= math.log(target), float(run.t[after[0]])
        ends = since + bounds.fit_time(s, float(logs[after[0]]), target, label)
        papers += _by(run.t, grown, bounds.paper_fit_time(s, run.log_epsilon, label))
        ours += _by(run.t, grown, ends)
    statement = "neurons have grown to sum v^2 = mu/(16 X_max)"
    return (
        compared("growth (paper)", f"{statement} by the paper's t2", theorem_applies(run, ordered), papers),
        compared("growth (ours)", f"{statement} by t1 + acosh(sqrt(V/V1)) e^delta/|x+|", ordered, ours),
    )


def _by(t: np.ndarray, happened: np.ndarray, bound: float) -> list[tuple[float, float]]:
    """Return the pair for `compared` of something that happens between two records, or after the last."""
    if not happened[-1]:
        return late(float(t[-1]), bound)
    k = int(np.argmax(happened))
    if t[k] <= bound:
        return [(float(t[k]), bound)]
    return late(float(t[k - 1]), bound) if k else []


def _losses(run: Run, ordered: bool, after: np.ndarray) -> tuple[Check, ...]:
    """Check the bounds on the loss from every time after alignment."""
    s, gain = run.s, run.gain
    labels = [label for label, count in ((1, s.positives), (-1, s.negatives)) if count]
    parts = [np.exp(_log_grown(run, label)) for label in labels]
    occupied = all(bool(np.all(part[after] > 0.0)) for part in parts)
    losses = run.path.loss / run.objective.weight
    ours: list[float] = []
    papers: list[float] = []
    for i in after[: -1 : max(1, after.size // _BEGINNINGS)] if occupied else ():
        later = after[after > i]
        sizes = [float(part[i]) for part in parts]
        rate = bounds.decay_rate(s, sizes[0], sizes[1] if sizes[1:] else None, gain)
        grown = min(sizes) >= s.mu / (16.0 * gain**2 * s.x_max)
        for margins, a in ((ours, rate), *(((papers, bounds.paper_alpha(s)),) if grown else ())):
            limits = bounds.loss_bound(float(losses[i]), a, run.t[later] - run.t[i])
            margins.append(float(np.min(np.log(limits) - np.log(losses[later]))))
    slow = [margin for label in labels for margin in _slow(run, label, after)] if occupied else []
    return (
        logged("loss (ours)", "after alignment L <= L2/(1 + a L2 (t - t2)) from every t2", ordered, ours),
        logged(
            "loss (paper)", "L <= L2/(1 + alpha L2 (t - t2)) once the neurons have grown", ordered, papers
        ),
        logged(
            "loss (log)", "li(1/(rho L+)) grows at the rate rho mu X_min^2/X_max, and for L-", ordered, slow
        ),
    )


def _slow(run: Run, label: int, after: np.ndarray) -> list[float]:
    """Return by how much li R grows faster than it has to, in logarithms, from where R = 1/(ρ₀ L₊) > 1 on."""
    data, gain = run.objective.data, run.gain
    own = data.labels == label
    f = predict(run.path.network, data.inputs[own])[after]
    log_r = -np.log(gain * np.sum(run.objective.loss.value(data.labels[own], f), axis=-1))
    there = log_r > 0.0
    # Of numbers near 1 li is nearly −∞; a time of rounding's size has no growth to compare.
    t, li = run.t[after][there], expi(log_r[there])
    margins = []
    for i in range(0, t.size - 1, max(1, t.size // _BEGINNINGS)):
        needed = bounds.log_rate(run.s, gain) * (t[i + 1 :] - t[i])
        far = needed > 0.0
        grown = np.maximum(li[i + 1 :][far] - li[i], 1e-300)
        margins += (np.log(grown) - np.log(needed[far])).tolist()
    return margins


def _ranks(run: Run, ordered: bool, after: np.ndarray) -> tuple[Check, ...]:
    """Check the rank after alignment: the paper's bound where all are aligned by Lemma 3's time, and ours."""
    s, path = run.s, run.path
    singular = spectrum(path.network)
    log_excess = bounds.paper_log_rank_excess(s, run.log_epsilon)
    in_time = float(np.max(alignment_times(run))) <= bounds.lemma3_time(s, run.log_epsilon)
    with np.errstate(over="ignore", under="ignore"):
        limit = 2.0 + np.exp(log_excess - 2.0 * singular.log_largest)
    papers = [(float(singular.stable_rank[i]), float(limit[i])) for i in after]
    squares = logsumexp(2.0 * log_norms(path.network), axis=-1)
    cosine = opposite_cosines(run)
    ours = []
    for i in after:
        # In units of the largest singular value.
        begun = math.exp(squares[after[0]] - 2.0 * singular.log_largest[i])
        ours.append((float(singular.stable_rank[i]), 2.0 / (1.0 + float(cosine[i])) + begun))
    rank = "|W|_F^2 <= 2 |W|_2^2"
    return (
        compared(
            "rank (paper)",
            f"{rank} + 4 sqrt(h) eps W_max^2 after alignment, if that is within Lemma 3's time",
            ordered and lemma3_applies(run) and in_time,
            papers,
        ),
        compared("rank (ours)", f"{rank}/(1 + c) + |W(t1)|_F^2 after alignment", ordered, ours),
    )


def opposite_cosines(run: Run) -> np.ndarray:
    """Return c = |cos(W₊v₊, W₋v₋)| at the recorded times, 1 where S₊ or S₋ is empty."""
    path = run.path
    scale = path.log_scale - np.max(path.log_scale, axis=-1, keepdims=True)
    with np.errstate(under="ignore"):
        size = np.exp(2.0 * scale) * path.outputs
    first, second = (np.einsum("th,thd->td", size * own, path.weights) for own in _members(run))
    both = np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1)
    product = np.abs(np.sum(first * second, axis=-1))
    return np.where(both > 0.0, np.minimum(product / np.where(both > 0.0, both, 1.0), 1.0), 1.0)
