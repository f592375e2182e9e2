"""The spikes of Observation 3's figure: their onset, their delay and their distance, predicted and measured.

What is proved of them stands in ``derivations/20_waiting_and_spikes.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradflow.study.claims.ledger import Finding, Verdict, weakest
from gradflow.study.claims.single_neuron.silu import (
    FROM,
    QUICK_STEPS,
    STEPS,
    each,
    known,
    run,
    settings,
    shown,
    spike_values,
)

# Read off the post's figure.
PUBLISHED_PEAK, PUBLISHED_FLOOR, PUBLISHED_ONSET = 1e-5, 1e-12, 13_000

ONSET_WITHIN, PERIODIC = 500, 0.2
"""How far the onset may be from the figure's, and the standard deviation of the distances over their mean."""


def spiking(quick: bool) -> Finding:
    """Predict the onset of the spikes, their delay and their distance."""
    values: dict[str, Any] = {}
    for label, problem, dtype in settings(quick):
        values[label] = spike_values(run(problem, dtype, QUICK_STEPS if quick else STEPS), problem, dtype)
    found = all(v["spikes"] > 0 for v in values.values())
    if not found:
        return Finding("refuted", "There are no spikes.", {"settings": values})
    onset = max(abs(v["predicted_crossing"] - v["crossing"]) for v in values.values())
    following = max((abs(e) for v in values.values() for e in v["errors_of_next_crossings"]), default=np.inf)
    first = next(iter(values.values()))
    alike = 0.3 < first["median_peak"] / PUBLISHED_PEAK < 3.0 and (
        0.3 < first["lowest_floor"] / PUBLISHED_FLOOR < 3.0
    )
    predicted = onset <= 50.0 and following <= 50.0
    # "From step 13 000 on": the first passage of the limit, in every setting.
    begins = all(abs(v["crossing"] - PUBLISHED_ONSET) <= ONSET_WITHIN for v in values.values())
    spreads = [v["spread_of_distances"] for v in values.values()]
    # A quick run ends before there are distances to compare.
    enough = not any(spread is None for spread in spreads)
    periodic = [label for label, v in values.items() if (v["spread_of_distances"] or 0.0) <= PERIODIC]
    regular: Verdict = (
        "reproduced" if len(periodic) == len(values) else "conditional" if periodic else "refuted"
    )
    figure: Verdict = "reproduced" if alike and begins else "conditional"
    return Finding(
        weakest(regular, figure) if predicted and enough else "open",
        f"Adam with these moments is stable while the preconditioned sharpness is below {first['limit']:.0f} (derivation 16); while "
        f"the gradient is small v decays and the sharpness grows by a factor e in 2000 steps. From v at step {FROM} and the "
        "Hessian at the teacher the limit is passed at step "
        + each(values, lambda v: f"{v['predicted_crossing']:.0f}, measured {v['crossing']}")
        + "; from rounding the instability needs "
        + each(values, lambda v: f"{v['predicted_delay']:.0f} steps to be seen, measured {v['delay']}")
        + f". From the sharpness after a spike the next passage is predicted within {following:.0f} steps of the measured one. "
        + (
            f"Periodic means that the distances have a standard deviation of at most {PERIODIC:.0%} of their mean: it is "
            + each(values, lambda v: f"{v['spread_of_distances']:.1%}")
            + "; the median distance is "
            + each(
                values,
                lambda v: f"{shown(v['median_distance'])}; {shown(v['model_distance'])} on the quadratic",
            )
            + f". The peaks are at {first['median_peak']:.0e} and the floor sinks to {first['lowest_floor']:.0e} (the figure: "
            f"{PUBLISHED_PEAK:.0e} and {PUBLISHED_FLOOR:.0e}, from step {PUBLISHED_ONSET} on)."
            if enough
            else f"The run ends before there are distances to compare; the first peak is {first['median_peak']:.0e}."
        ),
        known(
            {
                "settings": values,
                "largest_error_of_the_onset": onset,
                "largest_error_of_a_next_crossing": following,
                "published_peak": PUBLISHED_PEAK,
                "published_floor": PUBLISHED_FLOOR,
                "published_onset_near": PUBLISHED_ONSET,
            }
        ),
    )
