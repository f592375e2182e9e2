"""Theorem 1 and its lemmas along computed flows: with their hypotheses, and with each broken on purpose."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from gradflow.networks.two_layer import bounds
from gradflow.networks.two_layer.checks import check_theory
from gradflow.networks.two_layer.data import Dataset, cone, equiangular, in_plane, toy_plane, two_points
from gradflow.networks.two_layer.flow import gradient_flow
from gradflow.networks.two_layer.geometry import angles, setting, zeta1
from gradflow.networks.two_layer.judged import Check
from gradflow.networks.two_layer.limit import limit_flow
from gradflow.networks.two_layer.losses import EXPONENTIAL, LOGISTIC, SQUARED, Loss, Objective
from gradflow.networks.two_layer.network import TwoLayer, as_network, balanced
from gradflow.study.claims.alignment.common import rounded
from gradflow.study.claims.ledger import Finding, Verdict, by_rule
from gradflow.study.claims.shared import remembered
from gradflow.study.claims.words import each, finding

WIDTH = 8
BELOW = 1e-2
"""Flows are followed until the sum of the losses is this small."""


class Case(NamedTuple):
    """One flow: data, loss, ln ε, seed of the start, and the ratio |v|/‖w‖ at the start."""

    data: Dataset
    loss: Loss = EXPONENTIAL
    log_epsilon: float = -14.0
    seed: int = 0
    ratio: float = 1.0


def start(case: Case) -> TwoLayer:
    """Return the network at the start."""
    network = balanced(WIDTH, case.data.dimension, case.log_epsilon, seed=case.seed)
    return as_network(network.weights, case.ratio * network.outputs, network.log_scale)


def checked(case: Case) -> tuple[Check, ...]:
    """Follow one flow and hold the theory against it."""
    objective = Objective(case.data, case.loss)
    until = 400.0
    if case.log_epsilon < -100.0:
        # So small a start does not fit in that time; the paper's t2 is to be seen.
        at = setting(case.data, start(case), case.log_epsilon)
        ends = [bounds.paper_fit_time(at, case.log_epsilon, label) for label in (1, -1)]
        until = 1.05 * max(end for end in ends if math.isfinite(end))
    path = gradient_flow(start(case), objective, until, below=BELOW, max_records=300)
    return check_theory(path, objective, case.log_epsilon)


def kept(quick: bool) -> list[Case]:
    """Return cases in which the hypotheses hold, first at ordinary ε, then at the ε that the paper's
    theorem needs."""
    sets = [
        two_points(0.5),
        toy_plane(6),
        cone(6, 0.3, 4),
        equiangular(4, 0.2),
        toy_plane(10, 1),
        cone(8, 0.6, 3, 2),
    ]
    losses = (EXPONENTIAL,) if quick else (EXPONENTIAL, LOGISTIC)
    chosen = sets[: 2 if quick else None]
    seeds = range(1 if quick else 2)
    ordinary = [
        Case(data, loss, log_epsilon, seed)
        for data in chosen
        for loss in losses
        for log_epsilon in ((-14.0,) if quick else (-40.0, -14.0, -6.0))
        for seed in seeds
    ]
    needed = [
        Case(data, loss, papers_epsilon(data, seed), seed)
        for data in chosen
        for loss in losses
        for seed in seeds
    ]
    return ordinary + [case for case in needed if case.log_epsilon > LEAST]


LEAST = -1e5
"""The smallest ln ε whose flow is followed to the paper's t1, of order −ln ε/n."""


def papers_epsilon(data: Dataset, seed: int) -> float:
    """Return ln of an ε that is small enough for the paper's theorem."""
    return (
        min(bounds.paper_log_epsilon(setting(data, start(Case(data, log_epsilon=0.0, seed=seed)), 0.0))) - 1.0
    )


@remembered
def results(quick: bool) -> list[tuple[Case, tuple[Check, ...]]]:
    """Return the checks of all cases with their hypotheses."""
    return [(case, checked(case)) for case in kept(quick)]


class CheckCounts(NamedTuple):
    """How one check fared: how often its hypotheses held, how often it did there, and its least margin."""

    covered: int
    held: int
    compared: int
    failed: int
    margin: float

    @property
    def kept(self) -> int:
        """How often it held, with its hypotheses or without."""
        return self.compared - self.failed

    @property
    def factor(self) -> float:
        """The factor that is left to the bound at the tightest."""
        return float(10**self.margin)

    @property
    def exceptions(self) -> float:
        """The largest number of exceptions in a flow."""
        return abs(self.margin)


def tally(name: str, quick: bool) -> CheckCounts:
    """Return how one check fared over all cases."""
    found = [check for _, checks in results(quick) for check in checks if check.name == name]
    seen = [check for check in found if check.holds is not None]
    covered = [check for check in seen if check.applies]
    held, failed = sum(bool(check.holds) for check in covered), sum(not check.holds for check in seen)
    margin = min((check.margin for check in covered or seen), default=math.nan)
    return CheckCounts(len(covered), held, len(seen), failed, margin)


def judged(
    names: tuple[str, ...], quick: bool, *, proved: bool = True
) -> tuple[Verdict, dict[str, CheckCounts]]:
    """Return the verdict on statements with hypotheses.

    One exception where they hold refutes, or contradicts a theorem and leaves it open. Where they are never
    met it is conditional if it holds all the same.
    """
    rows = {name: tally(name, quick) for name in names}
    excepted = any(row.held < row.covered for row in rows.values())
    # Exceptions where the hypotheses fail say nothing, and neither does agreement where some are compared
    # nowhere.
    holds = all(row.compared and (row.covered or not row.failed) for row in rows.values())
    covered = all(row.covered for row in rows.values())
    if excepted:
        return ("open" if proved else "refuted"), rows
    return by_rule(reproduced=covered, conditional=holds, open=True), rows


def exactly(quick: bool) -> str:
    """Return what was computed, in words."""
    cases = kept(quick)
    small = [case.log_epsilon for case in cases if case.log_epsilon < -100.0]
    ordinary = [case.log_epsilon for case in cases if case.log_epsilon >= -100.0]
    return (
        f"{len(cases)} flows of {WIDTH} balanced neurons on {len({id(c.data) for c in cases})} sets with mu > 0, "
        f"every activation change located: {len(ordinary)} with ln ε from {min(ordinary):g} to {max(ordinary):g} until L < {BELOW:g}, {len(small)} with the ε of the paper's theorem "
        f"(ln ε from {min(small, default=math.nan):.4g} to {max(small, default=math.nan):.4g}) until its t2"
    )


class Statement(NamedTuple):
    """A statement with hypotheses: its checks by the name in the evidence, what is found, and whether it is a
    theorem here."""

    checks: dict[str, str]
    says: str
    proved: bool = True


def along_flows(statement: Statement, quick: bool) -> Finding:
    """Hold a statement against computed flows."""
    verdict, found = judged(tuple(statement.checks.values()), quick, proved=statement.proved)
    rows = {name: found[check] for name, check in statement.checks.items()}
    return finding(verdict, statement.says, rounded(rows), flows=exactly(quick), rows=rows)


MONOTONE = Statement(
    {"monotone": "monotone", "once": "once", "living": "living"},
    "In {flows}: exceptions to monotone activation {rows[monotone].exceptions:.0f}, walls crossed twice {rows[once].exceptions:.0f}, neurons that die although active on a datum of their sign {rows[living].exceptions:.0f} (worst flow). Proved in "
    "derivation 22 for every scale and all times, not only for small ε and early ones.",
)
TRAPPED = Statement(
    {"trapped": "trapped"},
    "In {flows} the largest number of neurons that leave their set is {rows[trapped].exceptions:.0f}. Proved in derivation 22.",
)
LEMMAS = Statement(
    {"lemma 3": "lemma 3", "lemma 4": "lemma 4"},
    "In {flows}, where ε satisfies Lemma 3's condition: norms and outputs stay at least a factor {rows[lemma 3].factor:.1f} below Lemma 3's bounds up to its time, and directions move from record to record as in the limit but for Lemma 4's bound, a "
    "factor {rows[lemma 4].factor:.1f} within it. Both hold with smaller constants (derivation 24: half the bounds of Lemma 3, e − 1 for 2 in Lemma 4).",
)
DWELL = Statement(
    {"dwell": "dwell (paper)"},
    "In {flows}: in {rows[dwell].covered} of them ε is as small as the theorem's; the bound held in {rows[dwell].kept} of {rows[dwell].compared}, with a factor {rows[dwell].factor:.3g} to spare at the tightest. In the limit derivation 24 proves it "
    "with 2 acosh(1/√min(ζ, ξ)) for 4/min(ζ, ξ).",
    proved=False,
)
GROWTH = Statement(
    {"growth (paper)": "growth (paper)", "growth (ours)": "growth (ours)"},
    "In {flows}: the neurons of each label have grown to Σ v² = μ/(16 X_max) by the paper's t2 in {rows[growth (paper)].held} of the {rows[growth (paper)].covered} flows it covers, {rows[growth (paper)].factor:.3g} times earlier at the tightest, and by "
    "derivation 25's t1 + acosh√(V/V1) e^δ/|x₊| in {rows[growth (ours)].held} of {rows[growth (ours)].covered}, {rows[growth (ours)].factor:.3g} times. Both grow as log(1/ε) over the number of data of the label.",
)
RANK = Statement(
    {"rank": "rank (paper)"},
    "In {flows}: ‖W‖_F² <= 2‖W‖_2² + 4√h ε W_max² held at all recorded times after alignment in {rows[rank].held} of {rows[rank].covered} flows that are aligned within Lemma 3's time, as its proof needs, tightest factor {rows[rank].factor:.3g}. "
    "Derivation 25 proves limsup <= 2/(1 + μ×), μ× the least cosine across labels, and the limit itself (claim align.rank-limit).",
)


EARLIER_GAP = math.log(4.0)
"""A bound on `gap` that was found before the sharp one, ln(5/2)."""


def gap() -> float:
    """Return by how much derivation 23's time exceeds that of its four data at most, over all μ."""
    mu = np.linspace(1e-6, 1.0, 100_001)[:-1]
    return float(np.max(2.0 * np.arccosh(1.0 / mu) - 2.0 * np.arcsinh(np.sqrt(0.5 * (1.0 - mu)) / mu)))


def time_bound(quick: bool) -> Finding:
    """Compare the paper's and our bounds on the alignment time with the times."""
    proved, rows = judged(("time (ours)",), quick)
    verdict, papers = judged(("time (paper)",), quick, proved=False)
    examples = []
    for data in (two_points(0.1), toy_plane(10), equiangular(20, 0.1)):
        network = balanced(50, data.dimension, 0.0, seed=1)
        s = setting(data, network, 0.0)
        ours = bounds.alignment(s, angles(data, network))
        examples.append({
            "set": data.name,
            "t1_paper": bounds.paper_time(s),
            "t1_ours": ours.time,
            "log_epsilon_paper": min(bounds.paper_log_epsilon(s)),
            "log_epsilon_ours": ours.log_epsilon,
        })  # fmt: skip
    mine, theirs = rows["time (ours)"], papers["time (paper)"]
    contradicted = proved == "open" and mine.covered > 0
    return finding(
        "open" if contradicted else verdict,
        "In {flows}: in {theirs.covered} of them ε is as small as the theorem's; the paper's t1 was not exceeded in {theirs.kept} of {theirs.compared}, by a factor of {theirs.factor:.3g} at the tightest. Derivation 23 proves a time without n, "
        "[acosh(1/s) + acosh(1/μ)]/λ, for ε within reach: it held in {mine.held} of the {mine.covered} flows it covers, {mine.factor:.2g} times the time at the tightest. For four data the limit ε → 0 comes within {gap:.3f}/X_min of it for every μ (proved: ln(5/2) = {proved_gap:.3f}, earlier ln 4 = {earlier_gap:.3f}). Paper's and ours for 50 random neurons: {table}.",
        {
            "paper": rounded(theirs),
            "ours": rounded(rows),
            "examples": examples,
            "gap_to_four_data": {"largest": gap(), "proved": math.log(2.5), "earlier": EARLIER_GAP},
        },
        gap=gap(),
        proved_gap=math.log(2.5),
        earlier_gap=EARLIER_GAP,
        flows=exactly(quick),
        theirs=theirs,
        mine=mine,
        table=each(
            "{set}: t1 {t1_paper:.4g} and {t1_ours:.3g}, ln ε {log_epsilon_paper:.4g} and {log_epsilon_ours:.3g}",
            examples,
            "; ",
        ),
    )


def after(quick: bool) -> Finding:
    """Check the loss after alignment."""
    verdict, rows = judged(("loss (ours)", "loss (paper)"), quick)
    return finding(
        verdict,
        "In {flows}: L <= L2/(1 + a L2 (t − t2)) held from every t2 after alignment with a = ρ² μ X_min² V₊V₋/(V₊ + V₋) (derivation 25; tightest margin 10^{rows[loss (ours)].margin:.2g}), and with the paper's α once the neurons have grown "
        "(10^{rows[loss (paper)].margin:.2g}). The true order is 1/(t log t): followed to t = {tail[0]:.0e}, L t log t changes by {tail[1]:.0%} over the last factor of 10 in t, L t by {tail[2]:.0%}.",
        {**rounded(rows), "tail": list(tail_slope(quick))},
        flows=exactly(quick),
        rows=rows,
    )


@remembered
def tail_slope(quick: bool) -> tuple[float, float, float]:
    """Return a long time, and how much L t log t and L t change over its last decade."""
    until = 1e6 if quick else 1e9
    objective = Objective(toy_plane(6), EXPONENTIAL)
    path = gradient_flow(
        balanced(WIDTH, 2, -6.0, seed=1), objective, until, times=np.array([0.1 * until, until]), rtol=1e-8
    )
    t, loss = path.t, path.loss
    with_log = loss[-1] * t[-1] * math.log(t[-1]) / (loss[-2] * t[-2] * math.log(t[-2]))
    return until, float(abs(with_log - 1.0)), float(abs(loss[-1] * t[-1] / (loss[-2] * t[-2]) - 1.0))


def broken_cases(quick: bool) -> dict[str, list[Case]]:
    """Return cases with one hypothesis broken each."""
    seeds = range(1 if quick else 6)
    fan = in_plane([-60.0, 0.0, 60.0], [80.0, 200.0])
    return {
        "Assumption 1 (mu < 0)": [Case(fan, seed=k) for k in seeds],
        "balance (|v| = 0.2 |w|)": [Case(toy_plane(6), seed=k, ratio=0.2) for k in seeds],
        "small start (eps = 1)": [Case(toy_plane(6), log_epsilon=0.0, seed=k) for k in seeds],
        "the loss (squared)": [Case(toy_plane(6), SQUARED, seed=k) for k in seeds],
    }


def broken(quick: bool) -> Finding:
    """Break each hypothesis on purpose and see what fails."""
    rows: list[dict[str, Any]] = []
    for what, cases in broken_cases(quick).items():
        failed = Counter(check.name for case in cases for check in checked(case) if check.holds is False)
        rows.append({"what": what, "cases": len(cases), "failed": failed})
    told = "; ".join(
        f"without {row['what']}: "
        + each(f"{{label}} in {{0}} of {row['cases']}", row["failed"], none="nothing fails")
        for row in rows
    )
    return finding(
        by_rule(conditional=any(row["failed"] for row in rows), open=True),
        f"Checks that fail — {{told}}. ({WIDTH} neurons, ln ε = {Case(toy_plane()).log_epsilon:g} otherwise; the names are those of gradflow.networks.two_layer.checks.) What stands when a hypothesis is dropped is not proved there.",
        {"rows": rows},
        told=told,
    )


def slips(quick: bool) -> Finding:
    """Show with numbers which constants of the paper have to change."""
    data = two_points(0.3)
    network = balanced(WIDTH, 2, 0.0, seed=0)
    s = setting(data, network, 0.0)
    printed, needed = (bounds.paper_log_epsilon(s, first).first for first in (4.0, 8.0))
    # A neuron of S₋ close to x₋: the time to leave grows without bound, a max of the zetas does not see it.
    pair = in_plane([10.0], [160.0])
    rows = []
    for angle in (1e-1, 1e-5, 1e-9):
        w = pair.total(-1) / np.linalg.norm(pair.total(-1))
        # Turned away from the positive datum: in the plane the way round to S₊ leads past −K.
        w = math.cos(angle) * w + math.sin(angle) * np.array([w[1], -w[0]])
        one = as_network(w[None, :], np.array([1.0]))
        at = setting(pair, one, 0.0)
        with_max = bounds.paper_time(at._replace(zeta=max(at.zeta, zeta1(pair))))
        objective = Objective(pair)
        found = float(np.min(limit_flow(one, objective, record=False).entries[0, [0, 2]]))
        rows.append(
            {"angle": angle, "time": found, "bound_min": bounds.paper_time(at), "bound_max": with_max}
        )
    exceeded = any(row["time"] > row["bound_max"] for row in rows)
    kept_ = all(row["time"] <= row["bound_min"] for row in rows)
    return finding(
        # With the minimum it is a theorem; with the maximum one start beyond the bound is enough.
        by_rule(refuted=kept_ and exceeded, open=True),
        "ζ = max(ζ1, ζ2) as printed bounds t1 by a number that does not see how close a neuron starts to x₋. Alignment times: {table}. With min they are {no}bounded{told}. The first bound on ε needs 8 for 4 in the paper's own argument (ln "
        f"{needed:.3f} for {printed:.3f} here; with the sharper Lemma 3 of derivation 24 the printed 4 suffices). For n = 1 the printed t1 is 0.",
        {"rows": rounded(rows)},
        table=each(
            "start {angle:g} rad from x₋: {time:.2f}, bound with min {bound_min:.3g}, with max {bound_max:.3g}",
            rows,
            "; ",
        ),
        no="" if kept_ else "NOT ",
        told="" if exceeded else ", and with max they are not yet exceeded here",
    )
