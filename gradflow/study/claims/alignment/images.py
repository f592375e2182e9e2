"""Alignment on images: MNIST's zeros and ones as in the paper, SGD, frozen outputs, and a harder pair."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from gradflow.data import digits
from gradflow.descent import GD
from gradflow.networks.two_layer.data import Dataset, centred, digits_data, garments_data
from gradflow.networks.two_layer.losses import EXPONENTIAL, Objective
from gradflow.networks.two_layer.network import TwoLayer, as_network, gaussian
from gradflow.networks.two_layer.steps import train
from gradflow.study.claims.alignment.common import LOG_SCALE, RATE, H, rounded
from gradflow.study.claims.evidence import share
from gradflow.study.claims.ledger import Finding, by_rule, throughout
from gradflow.study.claims.shared import remembered
from gradflow.study.claims.words import each, finding

STEPS = 15_000
ALIGNED = 0.9
"""A neuron counts as aligned from this cosine with x₊ (if v > 0 at the end) or x₋ on."""

PUBLISHED = {"aligned": 2000, "dropped": 3000}
"""Iterations, read off the text and the figure: "after about"."""

PUBLISHED_BATCH = (2000, 12665)
BATCH = PUBLISHED_BATCH[0] / PUBLISHED_BATCH[1]
"""The data in a batch of the paper's SGD, of how many, and their share."""

SETS: dict[str, Callable[[bool], Dataset]] = {
    "digits": lambda quick: digits_data(60 if quick else None),
    "t-shirt, trouser": lambda quick: thinned(garments_data("t-shirt", "trouser"), quick),
    "t-shirt, shirt": lambda quick: thinned(garments_data("t-shirt", "shirt"), quick),
}

EARLY = (1, 2, 3, 5, 10, 20)
"""Steps that are recorded besides every fiftieth."""


def thinned(data: Dataset, quick: bool) -> Dataset:
    """Return every fifth datum, centred again, in a quick run."""
    return Dataset(centred(data.inputs[::5]), data.labels[::5], data.name) if quick else data


class Course(NamedTuple):
    """Events of one run; steps are the paper's.

    Attributes
    ----------
    aligned : float
        The first recorded step by which nine of ten neurons are aligned; inf for never.
    share : float
        The largest share of aligned neurons.
    dropped : float
        The first recorded step with a loss below half of the first; inf for never.
    grown : float
        The first with a tenth of the growth of the largest ‖w‖.
    loss, stable_rank : float
        At the end.
    rank_aligned, loss_aligned : float
        The stable rank, and the loss over that at the start, when the neurons are aligned (NaN for never).
    """

    aligned: float
    share: float
    dropped: float
    grown: float
    loss: float
    stable_rank: float
    rank_aligned: float
    loss_aligned: float


@remembered
def history(kind: str, quick: bool, *, batch: bool = False, frozen: bool = False) -> xr.Dataset:
    """Return the course of one network from N(0, (1e-6)²), in a quick run with steps five times as large."""
    data = SETS[kind](quick)
    larger, steps = (5, 5_000) if quick else (1, STEPS)
    network = gaussian(H, data.dimension, LOG_SCALE, seed=0)
    if frozen:
        network = with_outputs_one(network)
    run = train(
        network,
        Objective(data, EXPONENTIAL, mean=True),
        GD(larger * RATE),
        steps // larger,
        batch_size=max(1, round(BATCH * data.n)) if batch else None,
        freeze_outputs=frozen,
        record_every=50 // larger,
        record_at=EARLY,
    )
    return run.history.assign_coords(step=run.history["step"] * larger)


def with_outputs_one(network: TwoLayer) -> TwoLayer:
    """Return the same w_j with v_j = ±1."""
    scale = np.exp(network.log_scale)[..., None]
    return as_network(network.weights * scale, np.where(network.outputs < 0.0, -1.0, 1.0))


def course(run: xr.Dataset) -> Course:
    """Return when a network aligned, grew and learned."""
    step, loss = run["step"].values.astype(float), run["loss"].values
    cosines = np.where(
        run["output_sign"].values[-1] > 0, run["cos_positive"].values, run["cos_negative"].values
    )
    share = np.mean(cosines >= ALIGNED, axis=-1)
    size = np.exp(np.max(run["log_norm"].values, axis=-1))
    aligned = first(step, share >= 0.9)
    rank = run["stable_rank"].values
    return Course(
        aligned,
        float(np.max(share)),
        first(step, loss < 0.5 * loss[0]),
        first(step, size - size[0] >= 0.1 * (size[-1] - size[0])),
        float(loss[-1]),
        float(rank[-1]),
        float(rank[step == aligned][0]) if math.isfinite(aligned) else math.nan,
        float(loss[step == aligned][0] / loss[0]) if math.isfinite(aligned) else math.nan,
    )


def in_two_phases(found: Course) -> bool:
    """Whether the neurons align before the loss has fallen by more than a hundredth."""
    return found.loss_aligned > 0.99


def first(step: np.ndarray, holds: np.ndarray) -> float:
    """Return the first recorded step at which something holds, inf for never."""
    return float(step[int(np.argmax(holds))]) if np.any(holds) else math.inf


def aligns(found: Course) -> bool:
    """Whether nine of ten neurons were aligned at some time: without that there is nothing to compare."""
    return math.isfinite(found.aligned)


def as_text(found: Course) -> str:
    """Return a course in words."""
    if math.isfinite(found.aligned):
        aligned = f"nine of ten neurons aligned at step {found.aligned:.0f}, the loss then {found.loss_aligned:.4f} of the first, the stable rank {found.rank_aligned:.3f}"
    else:
        aligned = f"never nine of ten neurons aligned ({found.share:.0%} at most)"
    halved = f"loss halved at {found.dropped:.0f}" if math.isfinite(found.dropped) else "loss never halved"
    return f"{aligned}; a tenth of the growth of the largest ‖w‖ at {found.grown:.0f}; {halved}, {found.loss:.3g} at the end; stable rank {found.stable_rank:.3f} at the end"


def mnist(quick: bool) -> Finding:
    """Follow the digits as the paper does."""
    data, found = SETS["digits"](quick), course(history("digits", quick))
    close = all(0.5 <= getattr(found, name) / theirs <= 1.5 for name, theirs in PUBLISHED.items())
    ordered = in_two_phases(found) and found.aligned < found.grown <= found.dropped
    return finding(
        by_rule(refuted=not ordered, conditional=not close),
        f"On {data.name} (mean image subtracted): {as_text(found)}. Published: aligned after about {PUBLISHED['aligned']}, the drop after about {PUBLISHED['dropped']} iterations. Aligned means a cosine of {ALIGNED:g} with x₊ or x₋; the recorded steps are 50 "
        f"apart. Active on exactly the data of one label are at most {_exactly(history('digits', quick))} of {H} neurons at any recorded step.",
        {"course": rounded(found), "published": PUBLISHED, "images": data.n},
    )


def _exactly(run: xr.Dataset) -> int:
    """Return the largest number of neurons in S₊ and S₋ together."""
    return int(np.max((run["count_positive"] + run["count_negative"]).values))


def cosines(data: Dataset) -> np.ndarray:
    """Return the cosines of all pairs of y_i x_i."""
    z = data.signed / np.linalg.norm(data.signed, axis=1, keepdims=True)
    return np.asarray((z @ z.T)[np.triu_indices(data.n, 1)])


def assumption(quick: bool) -> Finding:
    """See how far images are from Assumption 1, and what centring does."""
    rows: list[dict[str, Any]] = []
    for kind, make in SETS.items():
        data = make(quick)
        pairs, plus, minus = cosines(data), data.total(1), data.total(-1)
        opposite = float(plus @ minus / np.linalg.norm(plus) / np.linalg.norm(minus))
        rows.append({"set": kind, "mu": np.min(pairs), "positive": share(pairs > 0.0), "opposite": opposite})
    images, digit = digits()
    raw = cosines(Dataset(images[: 60 if quick else None], 2.0 * digit[: 60 if quick else None] - 1.0))
    holds = [bool(row["mu"] > 0.0) for row in rows]
    return finding(
        throughout(holds),
        f"Assumption 1 holds on {sum(holds)} of {len(holds)} sets: {{table}}. It is nearly met by pairs, not by all: on the digits {{rows[0][positive]:.0%}} of the pairs are positive, without the centring {{not_centred[positive]:.0%}} "
        "(μ = {not_centred[mu]:.2f}). With the mean of all images subtracted x₊ + x₋ = 0, so the two sums are exactly opposite, whatever the images show.",
        rounded({"rows": rows, "not_centred": {"mu": np.min(raw), "positive": share(raw > 0.0)}}),
        table=each(
            "{set}: μ = {mu:.2f}, {positive:.1%} of the pairs positive, cos(x₊, x₋) = {opposite:.4f}",
            rows,
            "; ",
        ),
    )


def low_rank(quick: bool) -> Finding:
    """Follow the stable rank on the digits."""
    run = history("digits", quick)
    found, rank = course(run), run["stable_rank"].values
    late = rank[run["step"].values >= found.aligned]
    below = bool(late.size) and bool(np.all(late < 2.0)) and bool(np.min(late) < 1.1)
    return finding(
        by_rule(open=not late.size, refuted=not below),
        f"The stable rank is {rank[0]:.1f} at the start, {found.rank_aligned:.4f} when the neurons are aligned, {np.min(rank):.4f} at its least and {rank[-1]:.4f} at the end: near 1, not only below 2, because x₊ and x₋ are opposite and the neurons of both "
        "labels lie on one line (derivation 25). It rises again while the loss falls: the direction turns towards what separates the labels best.",
        rounded({"start": rank[0], "aligned": found.rank_aligned, "least": np.min(rank), "end": rank[-1]}),
    )


def stochastic(quick: bool) -> Finding:
    """See the two phases under SGD."""
    full, batch = (course(history("digits", quick, batch=b)) for b in (False, True))
    return finding(
        by_rule(reproduced=in_two_phases(batch), refuted=aligns(batch), open=True),
        f"SGD with {BATCH:.0%} of the data in a batch (the paper: {PUBLISHED_BATCH[0]} of {PUBLISHED_BATCH[1]}): {as_text(batch)}. Full batch: aligned at {full.aligned:.0f}, loss halved at {full.dropped:.0f}.",
        {"batches": rounded(batch), "full": rounded(full)},
    )


FROZEN_RATES = (RATE, 1e-2 * RATE, 1e-4 * RATE)
"""Rates for frozen outputs, from the paper's down to steps smaller than ‖w(0)‖."""


@remembered
def frozen(rate: float, quick: bool) -> tuple[Course, float]:
    """Return the early course of one network with v = ±1 at a rate, and by what factor its ‖w‖ grow in a
    step."""
    data = SETS["digits"](quick)
    start = with_outputs_one(gaussian(H, data.dimension, LOG_SCALE, seed=0))
    objective = Objective(data, EXPONENTIAL, mean=True)
    run = train(start, objective, GD(rate), 400, freeze_outputs=True, record_every=10, record_at=range(11))
    logs = run.history["log_norm"].values
    return course(run.history), float(np.exp(np.median(logs[1] - logs[0])))


def frozen_outputs(quick: bool) -> Finding:
    """See whether there are two phases if the outputs stay ±1, at several rates."""
    rows = {rate: frozen(rate, quick) for rate in FROZEN_RATES}
    two = {rate: in_two_phases(found) for rate, (found, _) in rows.items()}
    known = all(aligns(found) for found, _ in rows.values())
    return finding(
        by_rule(open=not known, refuted=two[RATE], conditional=any(two.values())),
        f"With v frozen at ±1: {{table}}. At the paper's rate the first step makes ‖w‖ {rows[RATE][1]:.0f} times as large (median), so the neurons turn, grow and fit in it at once; with steps of the size of ‖w(0)‖ and less they turn first here too, in a time "
        "that shrinks with ε. What is lost with v frozen is the long wait: the growth is no longer exponential, so the turn and the fit are not log(1/ε) apart.",
        rounded(
            {
                "rows": [
                    {"rate": rate, "growth": jump, **found._asdict()} for rate, (found, jump) in rows.items()
                ]
            }
        ),
        table=each(
            "rate {label:g}: nine of ten neurons aligned at step {0[0].aligned:.0f}, the loss then {0[0].loss_aligned:.4f} of the first",
            rows,
            "; ",
        ),
    )


def harder(quick: bool) -> Finding:
    """Follow pairs of garments."""
    rows = {kind: course(history(kind, quick)) for kind in ("t-shirt, trouser", "t-shirt, shirt")}
    return finding(
        throughout(in_two_phases(found) for found in rows.values()),
        "Fashion-MNIST, 150 images of each class. {told}",
        rounded(rows),
        told=" ".join(f"{kind}: {as_text(found)}." for kind, found in rows.items()),
    )
