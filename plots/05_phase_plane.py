"""Trajectories of gradient flow and of Adam in the plane of breakpoint and output bias."""

from __future__ import annotations

import functools

import numpy as np
from matplotlib.figure import Figure

from gradflow.descent import Adam, train_arrays
from gradflow.ends.outcome import OUTCOMES, outcome
from gradflow.neuron.problem import PARAMETERS, Neuron, Problem
from gradflow.runs import gradient_flow
from gradflow.study.figures import DOUBLE, Trajectory, phase_plane
from gradflow.study.figures.script import main, signed

STEPS, RATE, T_END = 5000, 0.01, 200.0
B2 = (-2.5, -2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0, 2.5)
PROBLEM = Problem()

TITLE = "Gradient flow and Adam take different paths, some to different ends"
CAPTION = (
    "Trajectories on the population loss (inputs uniform on [−1, 1], teacher ReLU(x)) from w1 = w2 = 1, "
    "b1 = 0 and b2 = {starts}, projected on the (−b1/w1, b2) plane: gradient flow to t = {T_END:g} (solid) "
    "and Adam (rate {RATE}, β = (0.9, 0.999), ε = 1e-8, double precision), {STEPS} steps (dashed). "
    "Verticals: the walls at x = −1 and 1, beyond which no breakpoint is on the inputs, and (dotted) "
    "the teacher's breakpoint. Beyond the walls the axis is compressed: a breakpoint at ±s is drawn at "
    "±(2 − 1/s). Ends: {ends}."
)


@functools.cache
def trajectories() -> tuple[Trajectory, ...]:
    """Compute all trajectories, the flow's first."""
    solid = []
    for b2 in B2:
        run = gradient_flow(Neuron(1.0, 0.0, 1.0, b2), PROBLEM, t_end=T_END)
        solid.append(
            Trajectory(np.array([run[name] for name in PARAMETERS]), "flow", OUTCOMES[int(run["outcome"])])
        )
    start = Neuron(1.0, 0.0, 1.0, np.array(B2))
    adam = train_arrays(
        start, PROBLEM, Adam(lr=RATE), STEPS, record_every=5, events=False, first_change=False
    )
    names = [OUTCOMES[code] for code in outcome(adam.final, PROBLEM)]
    dashed = [Trajectory(adam.theta[:, :, i].T, "adam", name) for i, name in enumerate(names)]
    return (*solid, *dashed)


def numbers() -> dict[str, object]:
    """Return what the caption states."""
    ends = []
    for look, name in (("flow", "the flow"), ("adam", "Adam")):
        found = [t.outcome for t in trajectories() if t.look == look]
        parts = [f"{found.count(kind)} {kind}" for kind in OUTCOMES if kind in found]
        ends.append(f"{name} {', '.join(parts)}")
    return {
        "starts": ", ".join(signed(b2) for b2 in B2),
        "ends": "; ".join(ends),
    }


def draw() -> Figure:
    """Return the figure."""
    return phase_plane(trajectories(), PROBLEM, window=(-np.inf, 2.0), width=DOUBLE, height=3.6)


if __name__ == "__main__":
    raise SystemExit(main(globals()))
