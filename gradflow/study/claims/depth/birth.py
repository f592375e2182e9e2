"""Born dead: the probability that a network is constant before training, and what initialisation does
about it."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradflow.networks.deep.born_dead import (
    Frequency,
    born_dead_bounds,
    born_dead_frequency,
    born_dead_probability,
)
from gradflow.study.claims.ledger import Finding, by_rule, throughout
from gradflow.study.claims.words import each, finding

LAYERS = 10
# Second-hand: "under 1% at width 10, over 10% at width 5, about 60% at width 3" for networks as of Lu, Shin,
# Su and Karniadakis (arXiv:1903.06733); which of their inputs is meant is not said.
PUBLISHED = {10: (0.0, 0.01), 5: (0.1, 1.0), 3: (0.55, 0.65)}
CONFIDENCE = 0.999

ONE = np.array([[1.0]])


def born_dead(quick: bool) -> Finding:
    """Draw networks of ten layers, and compare with the formula and with the published numbers."""
    trials = 4000 if quick else 100_000
    rows: list[dict[str, Any]] = []
    for width in PUBLISHED:
        widths = (width,) * LAYERS
        rows.append({
            "width": width,
            "one_input": born_dead_probability(widths),
            "one_input_drawn": born_dead_frequency(widths, ONE, trials=trials, confidence=CONFIDENCE),
            "bounds": born_dead_bounds(widths),
            "both_sides_drawn": born_dead_frequency(widths, trials=trials, seed=1, confidence=CONFIDENCE),
        })  # fmt: skip
    exact = all(_meets(row["one_input_drawn"], row["one_input"], row["one_input"]) for row in rows)
    bounded = all(_meets(row["both_sides_drawn"], row["bounds"].low, row["bounds"].high) for row in rows)
    inside, one_inside = (
        [_meets(row[f"{drawn}_drawn"], *PUBLISHED[row["width"]]) for row in rows]
        for drawn in ("both_sides", "one_input")
    )
    return finding(
        by_rule(open=not (exact and bounded), refuted=not any(inside), conditional=not all(inside)),
        "Ten hidden layers, He, biases 0. {told}. The formula is {exact} for one input and an upper bound for an interval on both sides of 0. The figures told of arXiv:1903.06733 (under 1%, over 10%, about 60% at widths 10, 5, 3) hold for "
        f"{sum(inside)} of {len(inside)} widths on both sides of 0, and for {sum(one_inside)} of {len(one_inside)} at one input.",
        {"published": PUBLISHED, "layers": LAYERS, "widths": rows},
        told=each(
            f"width {{width}}: one input {{one_input:.2%}} ({{one_input_drawn.share:.2%}} of {trials} drawn), both sides of 0 from {{bounds.low:.2%}} to {{bounds.high:.2%}} ({{both_sides_drawn.share:.2%}} drawn, "
            f"{CONFIDENCE:.1%} interval {{both_sides_drawn.low:.2%}} to {{both_sides_drawn.high:.2%}})",
            rows,
            "; ",
        ),
        exact="exact" if exact else "NOT met",
    )


def _meets(found: Frequency, low: float, high: float) -> bool:
    """Whether the interval of a frequency meets an interval."""
    return found.high >= low and found.low <= high


def asymmetric(quick: bool) -> Finding:
    """Compare RAI with He's initialisation, biases included."""
    trials = 1000 if quick else 10_000
    x = np.linspace(-1.0, 1.0, 21)[:, None]
    rows: list[dict[str, Any]] = [
        {
            "width": width,
            **{
                scheme: born_dead_frequency(
                    (width,) * LAYERS, x, trials=trials, scheme=scheme, confidence=CONFIDENCE
                )
                for scheme in ("he", "torch", "rai")
            },
        }
        for width in PUBLISHED
    ]
    fewer = [row["rai"].high < row["he"].low for row in rows]
    return finding(
        throughout(fewer),
        f"Share of networks of ten layers with a layer that is 0 at each of {len(x)} inputs in [−1, 1], {trials} drawn, {CONFIDENCE:.1%} intervals: {{told}}. The intervals of RAI lie below those of He at {sum(fewer)} of {len(fewer)} widths.",
        {"widths": rows},
        told=each(
            "width {width}: He {he.share:.2%}, torch's default {torch.share:.2%}, RAI {rai.share:.2%} ({rai.low:.2%} to {rai.high:.2%})",
            rows,
            "; ",
        ),
    )
