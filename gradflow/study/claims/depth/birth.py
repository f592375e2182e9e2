"""Born dead: the probability that a network is constant before training, and what initialisation does
about it."""

from __future__ import annotations

import numpy as np

from gradflow.networks.deep.born_dead import (
    Frequency,
    born_dead_bounds,
    born_dead_frequency,
    born_dead_probability,
)
from gradflow.study.claims.depth.runs import ASKED, evidence
from gradflow.study.claims.ledger import Claim, Finding

LAYERS = 10
# Second-hand: "under 1% at width 10, over 10% at width 5, about 60% at width 3" for networks as of Lu, Shin,
# Su and Karniadakis (arXiv:1903.06733); which of their inputs is meant is not said.
PUBLISHED = {10: (0.0, 0.01), 5: (0.1, 1.0), 3: (0.55, 0.65)}
CONFIDENCE = 0.999

ONE = np.array([[1.0]])


def born_dead(quick: bool) -> Finding:
    """Draw networks of ten layers, and compare with the formula and with the published numbers."""
    trials = 4000 if quick else 100_000
    rows = []
    for width in PUBLISHED:
        widths = (width,) * LAYERS
        one = born_dead_frequency(widths, ONE, trials=trials, confidence=CONFIDENCE)
        both = born_dead_frequency(widths, trials=trials, seed=1, confidence=CONFIDENCE)
        rows.append((width, born_dead_probability(widths), one, born_dead_bounds(widths), both))
    exact = all(one.low <= p <= one.high for _, p, one, _, _ in rows)
    bounded = all(both.high >= bounds.low and both.low <= bounds.high for *_, bounds, both in rows)
    inside = [_meets(both, *PUBLISHED[width]) for width, *_, both in rows]
    one_inside = [_meets(one, *PUBLISHED[width]) for width, _, one, *_ in rows]
    told = "; ".join(
        f"width {width}: one input {p:.2%} ({one.share:.2%} of {trials} drawn), both sides of 0 from {bounds.low:.2%} to {bounds.high:.2%} ({both.share:.2%} drawn, "
        f"{CONFIDENCE:.1%} interval {both.low:.2%} to {both.high:.2%})"
        for width, p, one, bounds, both in rows
    )
    return Finding(
        "open"
        if not (exact and bounded)
        else "reproduced"
        if all(inside)
        else "conditional"
        if any(inside)
        else "refuted",
        f"Ten hidden layers, He, biases 0. {told}. The formula is {'exact' if exact else 'NOT met'} for one input and an upper bound for an interval on both "
        f"sides of 0. The figures told of arXiv:1903.06733 (under 1%, over 10%, about 60% at widths 10, 5, 3) hold for {sum(inside)} of {len(inside)} widths on both sides of 0, "
        f"and for {sum(one_inside)} of {len(one_inside)} at one input.",
        evidence(
            {
                "published": {str(width): list(PUBLISHED[width]) for width in PUBLISHED},
                "layers": LAYERS,
                "widths": [
                    {
                        "width": w,
                        "one_input": p,
                        "one_input_drawn": one._asdict(),
                        "bounds": bounds._asdict(),
                        "both_sides_drawn": both._asdict(),
                    }
                    for w, p, one, bounds, both in rows
                ],
            }
        ),
    )


def _meets(found: Frequency, low: float, high: float) -> bool:
    """Whether the interval of a frequency meets an interval."""
    return found.high >= low and found.low <= high


def asymmetric(quick: bool) -> Finding:
    """Compare RAI with He's initialisation, biases included."""
    trials = 1000 if quick else 10_000
    x = np.linspace(-1.0, 1.0, 21)[:, None]
    rows: list[tuple[int, Frequency, Frequency, Frequency]] = []
    for width in PUBLISHED:
        widths = (width,) * LAYERS
        he, torch, rai = (
            born_dead_frequency(widths, x, trials=trials, scheme=scheme, confidence=CONFIDENCE)
            for scheme in ("he", "torch", "rai")
        )
        rows.append((width, he, torch, rai))
    fewer = [rai.high < he.low for _, he, _, rai in rows]
    told = "; ".join(
        f"width {width}: He {he.share:.2%}, torch's default {torch.share:.2%}, RAI {rai.share:.2%} ({rai.low:.2%} to {rai.high:.2%})"
        for width, he, torch, rai in rows
    )
    return Finding(
        "reproduced" if all(fewer) else "conditional" if any(fewer) else "refuted",
        f"Share of networks of ten layers with a layer that is 0 at each of {len(x)} inputs in [−1, 1], {trials} drawn, {CONFIDENCE:.1%} intervals: {told}. The intervals "
        f"of RAI lie below those of He at {sum(fewer)} of {len(fewer)} widths.",
        evidence(
            {
                "widths": [
                    {"width": w, "he": a._asdict(), "torch": b._asdict(), "rai": c._asdict()}
                    for w, a, b, c in rows
                ]
            }
        ),
    )


CLAIMS = (
    Claim(
        "depth.born-dead",
        ASKED,
        "A deep narrow ReLU network is born dead with probability at most 1 - prod(1 - 2^-N): for ten layers under 1% at width 10, over 10% at width 5, about 60% at width 3.",
        born_dead,
    ),
    Claim(
        "depth.rai",
        ASKED,
        "Randomised asymmetric initialisation makes a network less likely to be born dead.",
        asymmetric,
    ),
)
