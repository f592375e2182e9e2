"""The limit of the stable rank, beside the paper's bound on it (derivation 25, part 6)."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradflow.networks.two_layer.data import Dataset, cone, in_plane
from gradflow.networks.two_layer.flow import gradient_flow
from gradflow.networks.two_layer.geometry import separation
from gradflow.networks.two_layer.losses import EXPONENTIAL, Objective
from gradflow.networks.two_layer.margins import cross_cosine, margin, rank_limit
from gradflow.networks.two_layer.network import balanced
from gradflow.networks.two_layer.watch import spectrum
from gradflow.study.claims.alignment.common import rounded
from gradflow.study.claims.ledger import Finding, by_rule
from gradflow.study.claims.words import each, finding

PUBLISHED_LIMSUP = 2.0

WIDTH, LOG_EPSILON = 20, -4.0

UNEVEN = Dataset(
    np.array([[1.0, 0.0, 0.2], [0.2, 1.0, 0.2], [-0.6, -0.6, 0.3]]), np.array([1.0, 1.0, -1.0]), "three data"
)
"""Data whose least cosine is not across labels."""

DATA = (in_plane([0.0, 60.0], [-105.0, -115.0]), cone(6, 0.2, 4), UNEVEN)


def measured(data: Dataset, times: tuple[float, ...]) -> dict[str, Any]:
    """Follow the flow for a long time; return the stable rank, and γ₊ V₊/ln t, at some times."""
    start = balanced(WIDTH, data.dimension, LOG_EPSILON, seed=1)
    path = gradient_flow(start, Objective(data, EXPONENTIAL), times[-1], times=np.array(times), rtol=1e-8)
    found = spectrum(path.network)
    last = [int(np.argmin(np.abs(path.t - time))) for time in times]
    square = np.where(path.outputs > 0.0, path.outputs * np.exp(path.log_scale), 0.0) ** 2
    begun = int(np.searchsorted(path.t, 1.0))
    grown = square[last].sum(axis=1) - square[begun].min(axis=0).sum()
    return {
        "set": data.name,
        "t": list(times),
        "stable_rank": np.asarray(found.stable_rank)[last],
        "limit": rank_limit(data),
        "bound_across": 2.0 / (1.0 + cross_cosine(data)),
        "bound_of_all_pairs": 2.0 / (1.0 + separation(data).mu),
        "growth": margin(data, 1).size * grown / np.log(times),
    }


def limit_of_rank(quick: bool) -> Finding:
    """Compare the stable rank of networks at long times with its limit."""
    times = (1e2, 1e4, 1e6) if quick else (1e3, 1e6, 1e9)
    rows = [measured(data, times) for data in DATA]
    gaps = np.array([np.abs(row["stable_rank"] - row["limit"]) for row in rows])
    nearer = bool(np.all(gaps[:, -1] < gaps[:, 0]) and np.all(gaps[:, -1] < 0.1))
    below = all(row["limit"] <= row["bound_across"] <= PUBLISHED_LIMSUP for row in rows)
    return finding(
        by_rule(open=not (nearer and below)),
        "The limit exists and is less: 2 (P + Q)/(P + Q + √((P − Q)² + 4 P Q c²)), where 1/P and 1/Q are the margins of the data of either label and c is the cosine of the directions that have them (derivation 25). Stable rank of {h} neurons at t = {times}, limit, 2/(1 + μ×) with the least cosine across labels, 2/(1 + μ) with that of all pairs: {table}.",
        {"published_limsup": PUBLISHED_LIMSUP, "sets": rounded(rows)},
        h=WIDTH,
        times=each("{0:.0e}", times),
        table=each("{set}: {ranks}; {limit:.4f}; {bound_across:.3f}; {bound_of_all_pairs:.3f}", [
            {**row, "ranks": each("{0:.4f}", row["stable_rank"].tolist())} for row in rows
        ], ". "),
    )  # fmt: skip
