"""The spikes of Observation 3's figure: their onset, their delay and their distance, predicted and measured.

What is proved of them stands in ``derivations/20_waiting_and_spikes.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradflow.study.claims.ledger import Finding, by_rule, throughout, weakest
from gradflow.study.claims.single_neuron.silu import FROM, length, run, settings, shown, spike_values
from gradflow.study.claims.words import each, finding

# Read off the post's figure.
PUBLISHED_PEAK, PUBLISHED_FLOOR, PUBLISHED_ONSET = 1e-5, 1e-12, 13_000

ONSET_WITHIN, PERIODIC = 500, 0.2
"""How far the onset may be from the figure's, and the standard deviation of the distances over their mean."""


def spiking(quick: bool) -> Finding:
    """Predict the onset of the spikes, their delay and their distance."""
    values: dict[str, Any] = {}
    for label, problem, dtype in settings(quick):
        values[label] = spike_values(run(problem, dtype, length(quick)), problem, dtype)
    rows = list(values.values())
    if not all(v["spikes"] > 0 for v in rows):
        return Finding("refuted", "There are no spikes.", {"settings": values})
    onset = max(abs(v["predicted_crossing"] - v["crossing"]) for v in rows)
    following = max((abs(e) for v in rows for e in v["errors_of_next_crossings"]), default=np.inf)
    first = rows[0]
    alike = 0.3 < first["median_peak"] / PUBLISHED_PEAK < 3.0 and (
        0.3 < first["lowest_floor"] / PUBLISHED_FLOOR < 3.0
    )
    # "From step 13 000 on": the first passage of the limit, in every setting.
    begins = all(abs(v["crossing"] - PUBLISHED_ONSET) <= ONSET_WITHIN for v in rows)
    spreads = [v["spread_of_distances"] for v in rows]
    # A quick run ends before there are distances to compare.
    enough = None not in spreads
    judged = weakest(
        throughout((spread or 0.0) <= PERIODIC for spread in spreads),
        by_rule(conditional=not (alike and begins)),
    )
    medians = {
        label: [shown(v[of]) for of in ("median_distance", "model_distance")] for label, v in values.items()
    }
    distances = (
        f"Periodic means that the distances have a standard deviation of at most {PERIODIC:.0%} of their mean: it is {each('{spread_of_distances:.1%} ({label})', values)}; the median distance is {each('{0[0]}; {0[1]} on the quadratic ({label})', medians)}. The peaks are at "
        f"{first['median_peak']:.0e} and the floor sinks to {first['lowest_floor']:.0e} (the figure: {PUBLISHED_PEAK:.0e} and {PUBLISHED_FLOOR:.0e}, from step {PUBLISHED_ONSET} on)."
        if enough
        else f"The run ends before there are distances to compare; the first peak is {first['median_peak']:.0e}."
    )
    return finding(
        judged if onset <= 50.0 and following <= 50.0 and enough else "open",
        f"Adam with these moments is stable while the preconditioned sharpness is below {first['limit']:.0f} (derivation 16); while the gradient is small v decays and the sharpness grows by a factor e in 2000 steps. From v at step {FROM} and the Hessian at the teacher the limit is "
        f"passed at step {{passed}}; from rounding the instability needs {{delays}}. From the sharpness after a spike the next passage is predicted within {following:.0f} steps of the measured one. {{distances}}",
        {
            "settings": values,
            "largest_error_of_the_onset": onset,
            "largest_error_of_a_next_crossing": following,
            "published_peak": PUBLISHED_PEAK,
            "published_floor": PUBLISHED_FLOOR,
            "published_onset_near": PUBLISHED_ONSET,
        },
        passed=each("{predicted_crossing:.0f}, measured {crossing} ({label})", values),
        delays=each("{predicted_delay:.0f} steps to be seen, measured {delay} ({label})", values),
        distances=distances,
    )
