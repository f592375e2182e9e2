"""Problems for tests of what holds for any: intervals wide, shifted and one-sided, slopes of any sign.

`problems` is a strategy of hypothesis, `VARIED` a table in few rows of which any two of these features meet.
A test of what holds for any problem takes one of the two; the default problem is in both.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from gradflow.neuron.problem import Neuron, Problem, Uniform, grid
from tests.covering import Row, covering, named

INTERVALS = {"[-1,1]": (-1.0, 1.0), "wide": (-1.0, 30.0), "shifted": (-7.0, -5.0), "one-sided": (0.5, 2.0)}
TURNS = {"rising": (1.0, 1.0), "falling": (-1.0, 1.0), "downwards": (1.0, -1.5), "upwards": (-2.0, -0.7)}
PLACES = {"bent": 0.4, "early": 0.05, "straight": 1.5}
"""Where the teacher's breakpoint is, as a part of the way from lo to hi: beyond 1 the teacher is a line."""
SLOPES = {"relu": (0.0, 1.0), "leaky": (0.1, 1.0), "steep": (0.0, 1.7), "both": (-0.5, 2.0)}
FEATURES = {
    "interval": list(INTERVALS),
    "turn": list(TURNS),
    "place": list(PLACES),
    "slopes": list(SLOPES),
}


def made(row: Row, sampled: bool = False, b2: float = 0.3) -> Problem:
    """Return the problem of a row of choices, on the population or on 33 equidistant inputs."""
    (lo, hi), (w1, w2) = INTERVALS[row["interval"]], TURNS[row["turn"]]
    at = lo + PLACES[row["place"]] * (hi - lo)
    inputs: Any = grid(33, lo, hi) if sampled else Uniform(lo, hi)
    return Problem(Neuron(w1, -w1 * at, w2 * 2.0 / (hi - lo), b2), inputs, SLOPES[row["slopes"]])


VARIED = {"default": Problem(), **{named(row): made(row) for row in covering(FEATURES)}}
"""The default problem, and problems in which every two choices meet, by name."""


@st.composite
def problems(draw: st.DrawFn, *, sampled: bool | None = None) -> Problem:
    """Draw a problem, the default one first; on a sample, on the population or on either (None)."""
    if draw(st.integers(0, 4)) == 0:
        return Problem(inputs=grid(33)) if sampled else Problem()
    row = {feature: draw(st.sampled_from(choices)) for feature, choices in FEATURES.items()}
    on_sample = draw(st.booleans()) if sampled is None else sampled
    return made(row, on_sample, draw(st.floats(-2.0, 2.0)))
