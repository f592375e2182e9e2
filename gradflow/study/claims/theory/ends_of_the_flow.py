"""Where the flow ends: death in finite time, fading, the door between two basins, and what is known at once.

What is proved of them stands in derivations 30, 31, 35, 36, and 7, 8, 11, 13.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.stats import fisher_exact

from gradflow.ends.decision import THEOREMS, decide
from gradflow.ends.enclosure import EFFORTS, enclose
from gradflow.ends.follow import flow_outcomes
from gradflow.ends.outcome import CONSTANT, OUTCOMES, UNDECIDED, outcome
from gradflow.field import loss
from gradflow.field.baselines import lines
from gradflow.flow.ensemble import integrate_ensemble
from gradflow.neuron.activity import BALANCED, DEAD, activity, end_preactivations
from gradflow.neuron.problem import Neuron, Problem, Uniform
from gradflow.study.claims.evidence import count, share
from gradflow.study.claims.ledger import Finding, by_rule
from gradflow.study.claims.single_neuron.settings import POPULATION
from gradflow.study.claims.words import each, finding
from gradflow.theory.fading import fades, rate_at_the_end
from gradflow.theory.limits import door_margin
from gradflow.theory.origin import dies, dies_by

WIDTHS, LATE = (1.0, 2.0, 4.0), 10.0
"""Half-widths of the input, and the time by which a neuron that dies at the origin is dead."""

FAR = 1000.0
"""The time at which balanced starts are asked where they end."""

GLANCE = ((3e-3, 300),)
"""How far enclosures go in a quick check."""

DIES = Neuron(-0.194, 0.568, -1.0, -3.0)
"""A start that dies at the origin on the widest of the inputs."""

FADES = Neuron(1.0, -0.9, -1.0, 0.25)
"""A start that fades."""

EARLIER: dict[str, Any] = {
    "died": {"1": [0, 117], "2": [0, 133], "4": [5, 142]},
    "dead_at": 0.117,
    "end_constant": 0.249,
    "fading_rate": -1.5758,
    "door": [0.33, 0.73],
    "decided": 0.38,
}
"""Numbers found before there were proofs, from other starts: deaths of living starts by half-width, and the
rest; of the square, what theorems decided at that time."""


class Deaths(NamedTuple):
    """How many starts live at first, die by `LATE`, are known to at t = 0, and of these do not."""

    living: int
    died: int
    known: int
    wrong: int


def deaths(width: float, n: int) -> Deaths:
    """Follow n random starts near w1 = b1 = 0, on [−L, L]."""
    draw = np.random.default_rng(0)
    problem = Problem(inputs=Uniform(-width, width))
    w1, b1 = draw.uniform(-0.3, 0.3, (2, n))
    w2 = draw.choice([-1.0, 1.0], n) * draw.uniform(1.0, 2.0, n)
    theta = np.stack([w1, b1, w2, draw.uniform(-2.0, 2.0, n)])
    theta = theta[:, np.asarray(activity(theta, problem)) != DEAD]
    end = integrate_ensemble(theta, problem, LATE, rtol=1e-7, backend="numba").final
    gone, known = np.hypot(end[0], end[1]) == 0.0, np.asarray(dies(theta, problem))
    return Deaths(theta.shape[1], count(gone), count(known), count(known & ~gone))


def bend(width: float) -> float:
    """Return ∂²H/∂ϑ² in the direction of the wall, where ∂H/∂ϑ = 0: above 0 the direction attracts.

    H is that of derivation 30 for s w2 = −1, by quadrature. b2 is such that ∂H/∂ϑ = 0.
    """
    node, weight = np.polynomial.legendre.leggauss(8)
    x = np.concatenate([0.5 * width * (node - 1.0), 0.5 * width * (node + 1.0)])
    mean = np.concatenate([weight, weight]) / 4.0

    def of(level: float, factor: np.ndarray) -> float:
        return float(np.sum(mean * (level + np.maximum(x, 0.0)) * factor))

    # Of the residual's negative, level + ReLU(x); linear in the level.
    level = -of(0.0, 1.0 - width * x) / float(np.sum(mean * (1.0 - width * x)))
    height = of(level, x + width) / math.hypot(1.0, width)
    return level * math.hypot(1.0, width) ** 3 / (2.0 * width) - height


def death_at() -> float:
    """Return when the start `DIES` comes to w1 = b1 = 0, from its last sizes: they fall linearly there."""
    problem = Problem(inputs=Uniform(-WIDTHS[-1], WIDTHS[-1]))
    times = (0.1160, 0.1168)
    start = np.array([[value] for value in DIES])
    ends = [integrate_ensemble(start, problem, t, rtol=1e-9).final for t in times]
    first, last = (float(np.hypot(end[0, 0], end[1, 0])) for end in ends)
    return times[1] + last * (times[1] - times[0]) / (first - last)


def dies_in_finite_time(quick: bool) -> Finding:
    """Look for neurons that the flow kills in finite time, on inputs of several widths."""
    rows = {f"{width:g}": deaths(width, 100 if quick else 3000) for width in WIDTHS}
    problem = Problem(inputs=Uniform(-WIDTHS[-1], WIDTHS[-1]))
    chance = {
        width: float(fisher_exact([[few, of - few], [row.died, row.living - row.died]]).pvalue)
        for (width, (few, of)), row in zip(EARLIER["died"].items(), rows.values(), strict=True)
    }
    at, by = death_at(), float(dies_by(DIES, problem))
    width = float(brentq(bend, 1.2, 3.0, xtol=1e-12))
    narrow, wide = rows[f"{WIDTHS[0]:g}"], rows[f"{WIDTHS[-1]:g}"]
    false = narrow.died or any(row.wrong for row in rows.values()) or not at <= by
    return finding(
        by_rule(open=false or abs(width - math.sqrt(3.0)) > 1e-9, conditional=wide.died > 0),
        "Away from w1 = b1 = 0 it is so (derivation 10), and on [lo, hi] with −1 <= lo hi < 0 and a monotone teacher for almost all starts there too (derivation 30). On [−L, L] it is not so for wide inputs: with w1 and b1 in [−0.3, 0.3], |w2| in [1, 2] and b2 in [−2, 2] come to w1 = b1 = 0 by t = {late:g}: {died}; earlier, of other starts, {before} "
        "(by Fisher's test a difference as large has the probability {chance}). The trap of derivation 30 knows {wide.known} of the {wide.died} at t = 0 for the widest, and {wrong} wrongly. The direction of the wall turns from repelling to attracting at L = {width:.6f} (√3). An example on [−4, 4], ({example}), dies at t = {at:.4f} (earlier {earlier:g}), and by {by:.3f} at the latest by the trap.",
        {
            "half_widths": rows,
            "probability_of_the_difference": chance,
            "attracts_from": width,
            "example": {"dies_at": at, "at_the_latest": by},
            "earlier": {name: EARLIER[name] for name in ("died", "dead_at")},
        },
        late=LATE,
        wide=wide,
        wrong=sum(row.wrong for row in rows.values()) or "none",
        died=each("{died} of {living} for L = {label}", rows),
        before=each("{0[0]} of {0[1]} for L = {label}", EARLIER["died"]),
        chance=each("{0:.2g} for L = {label}", chance),
        example=each("{0:g}", DIES),
        width=width,
        at=at,
        by=by,
        earlier=EARLIER["dead_at"],
    )  # fmt: skip


def balanced_starts(n: int) -> np.ndarray:
    """Return n balanced starts, uniform in [−2, 2]⁴."""
    draw = np.random.default_rng(1).uniform(-2.0, 2.0, (4, 6 * n))
    return np.asarray(draw[:, np.asarray(activity(draw, POPULATION)) == BALANCED][:, :n])


def measured_rate() -> tuple[float, float]:
    """Return d log z_e/dt of the start `FADES` at a late time, and what derivation 31 says of that state."""
    start = np.array([[value] for value in FADES])
    times = (8.0, 10.0)
    ends = [integrate_ensemble(start, POPULATION, t, rtol=1e-11).final for t in times]
    logs = [math.log(max(float(end[0]) for end in end_preactivations(e, POPULATION))) for e in ends]
    return (logs[1] - logs[0]) / (times[1] - times[0]), -float(rate_at_the_end(ends[1], POPULATION)[0])


def fading(quick: bool) -> Finding:
    """Follow balanced starts until they rest: how many end constant, below which loss none does."""
    n = 100 if quick else 4000
    theta = balanced_starts(n)
    end = integrate_ensemble(theta, POPULATION, FAR, rtol=1e-7, backend="numba").final
    proved = np.asarray(decide(end, POPULATION).outcome)
    codes = np.where(proved == UNDECIDED, np.asarray(outcome(end, POPULATION)), proved)
    constant = codes == CONSTANT
    part = share(constant)
    error = math.sqrt(part * (1.0 - part) / n)
    low = np.asarray(loss(theta, POPULATION)) < float(lines(POPULATION).constant_loss.value)
    known = np.asarray(fades(theta, POPULATION))
    rate, predicted = measured_rate()
    wrong = count(known & ~constant & (codes != UNDECIDED))
    against = wrong or count(low & constant) or abs(rate / predicted - 1.0) > 1e-3
    off = abs(part - EARLIER["end_constant"]) / error if error else math.inf
    return finding(
        by_rule(open=against, conditional=np.any(constant)),
        "In finite time it is so on [−1, 1] (derivation 10, and 30 for almost all starts), and for ever where the loss starts below the best constant's (derivation 11): of {low} such starts {low_and_constant} end constant. But neurons fade: of {n} balanced starts in [−2, 2]⁴ {part:.1%} ± {error:.1%} end constant (by their states at t = {far:g}, where theorems decide them or else they rest; those that fade are dead there by rounding only; {undecided} are undecided); earlier {before:.1%}, of unknown starts, is {off:.1f} of these standard errors away, without its own{told}. "
        "The trap of derivation 31 knows {known} of the {constant} at t = 0, {wrong} wrongly. The pre-activation at the active end of ({example}) falls like exp({rate:.4f} t); derivation 31 says {predicted:.4f}, earlier {rate_before:.4f} was found.",
        {
            "starts": n,
            "end_constant": part,
            "standard_error": error,
            "outcomes": {name: count(codes == code) for code, name in enumerate(OUTCOMES)},
            "low": count(low),
            "low_and_constant": count(low & constant),
            "known": count(known),
            "known_wrongly": wrong,
            "rate": rate,
            "predicted_rate": predicted,
            "earlier": {name: EARLIER[name] for name in ("end_constant", "fading_rate")},
        },
        part=part,
        error=error,
        n=n,
        far=FAR,
        undecided=count(codes == UNDECIDED) or "none",
        before=EARLIER["end_constant"],
        off=off,
        told=", and not confirmed" if off > 3.0 else "",
        constant=count(constant),
        wrong=wrong or "none",
        example=each("{0:g}", FADES),
        predicted=predicted,
        rate_before=EARLIER["fading_rate"],
    )  # fmt: skip


def square(n: int) -> np.ndarray:
    """Return the centres of n × n cells of b1 in [−2.5, 2.5] and b2 in [−3, 3], with w1 = w2 = 1."""
    at = (np.arange(n) + 0.5) / n
    b1, b2 = np.meshgrid(5.0 * at - 2.5, 6.0 * at - 3.0, indexing="ij")
    return np.stack([np.ones_like(b1), b1, np.ones_like(b1), b2]).reshape(4, -1)


def decided_at_once(quick: bool) -> Finding:
    """Ask theorems about the starts of the square, enclose some, and compare both with their flows."""
    theta, few = square(60 if quick else 240), square(8 if quick else 40)
    found = decide(theta)
    codes, by = np.asarray(found.outcome), np.asarray(found.theorem)
    part = share(codes != UNDECIDED)
    each_by = {name: share(by == i) for i, name in enumerate(THEOREMS) if i and np.any(by == i)}
    ends = flow_outcomes(Neuron(*few), POPULATION, rtol=1e-7, theory=False)
    by_state = np.asarray(decide(few).outcome)
    held = enclose(few[:, by_state == UNDECIDED], efforts=GLANCE if quick else EFFORTS)
    said = by_state.copy()
    said[by_state == UNDECIDED] = held.outcome
    wrong = count((said != UNDECIDED) & (ends != UNDECIDED) & (said != ends))
    unclear = count(ends == UNDECIDED)
    by_end = {
        OUTCOMES[code]: {"of_the_square": share(ends == code), "decided": share(said[ends == code] == code)}
        for code in range(len(OUTCOMES))
        if np.any(ends == code)
    }
    return finding(
        by_rule(open=wrong > 0, refuted=part <= EARLIER["decided"]),
        "By theorems on the state itself of {part:.1%} of the square b1 in [−2.5, 2.5], b2 in [−3, 3] with w1 = w2 = 1, {before:.1%} earlier ({each_by}); together with enclosures of the flow (derivation 36), of {few} starts of {told:.1%}. Of these {wrong} end elsewhere than decided when they are followed until they rest, without theorems ({unclear} come to no end). Decided are {by_end}.",
        {
            "starts": theta.shape[1],
            "decided": part,
            "by_theorem": each_by,
            "followed": few.shape[1],
            "with_enclosures": share(said != UNDECIDED),
            "contradictions": wrong,
            "without_an_end": unclear,
            "by_outcome": by_end,
            "earlier": EARLIER["decided"],
        },
        part=part,
        before=EARLIER["decided"],
        each_by=each("{label} {0:.1%}", each_by),
        few=few.shape[1],
        told=share(said != UNDECIDED),
        wrong=wrong or "none",
        unclear=unclear or "none",
        by_end=each("{decided:.0%} of those that end {label} ({of_the_square:.0%} of these starts)", by_end),
    )  # fmt: skip


def door(quick: bool) -> Finding:
    """Compute the margin of the cone that both sides of the door share, for many levels Q."""
    Q = np.linspace(-2.0, 10.0, 121 if quick else 12_001)
    margin = np.asarray(door_margin(Q))
    least, most = float(np.min(margin)), float(np.max(margin))
    return finding(
        by_rule(open=not least > 0.0),
        "For Q = w1² + b1² − w2² from −2 to 10 the margin of (K) in derivation 35, the least curvature across the curve of best lines less that along it, on the balanced side, is between {least:.4f} and {most:.4f}: where it is above 0, the starts near the door that end at it are a Lipschitz graph, with the teacher's basin on its one side, and those farther from it are near each of them a surface that the flow takes to this graph; where it is not, nothing is proved (for the default problem (K) is proved at every Q). Earlier {before[0]:g} to {before[1]:g} was found, by a measure of its own that is not told.",
        {"levels": Q.size, "least": least, "most": most, "earlier": EARLIER["door"]},
        before=EARLIER["door"],
    )  # fmt: skip
