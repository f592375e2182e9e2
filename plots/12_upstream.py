"""Dead neurons behind a layer that learns: a small rate delays their return, a large one picks others."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradflow.study.figures.panels import letters, new_figure
from gradflow.study.figures.script import main
from gradflow.study.figures.style import BLACK, BLUE, DOUBLE, GREEN, GREY, PURPLE, SMALL, VERMILLION, styled
from gradflow.theory.upstream import UNIFORM, Network, limit, preactivation, revival_steps, revival_time

N = 1000
RATES = (1e-4, 1e-3, 1e-2, 0.1, 0.5)
LONGEST, HORIZON = 100_000, 40.0
UNDER = "#C8C8C8"
LINES = {
    1e-4: (BLUE, ":"),
    1e-3: (GREEN, "-."),
    1e-2: (VERMILLION, "--"),
    0.1: (PURPLE, (0, (5, 1, 1, 1, 1, 1))),
}
LAST = ((BLACK, (0, (1, 0.6))), (GREY, (0, (3, 1, 1, 1))))
"""Of the largest rate: networks whose limit is stable at it, and the others."""

# Half a minute, and the report has its numbers from the claims.
QUICK = False

TITLE = "A small rate delays what a large rate changes"
CAPTION = (
    "Dead neurons behind an upstream layer that is trained through a second path, f(u) = w2 ReLU(w1 x + "
    "b1) + d x, x = a u + c, with u uniform of mean 0 and variance 1 and the teacher ReLU(u): the share "
    "of {N} random dead neurons that are active again under gradient descent. (a) Against the number of "
    "steps; (b) against rate times steps, with the gradient flow in closed form (derivation 18), under "
    "which {ever:.1%} ever come back (the wide grey line). At rate 0.0001 {early:.1%} are back after 300 "
    "steps and {late:.1%} after {LONGEST}. At rate {fast:g} the limit of {stable:.0%} of the networks is "
    "stable, and these are drawn apart from the others, each as a share of its kind; {gained} of them "
    "come back that the flow leaves dead, and {lost} stay dead that it brings back."
)


@functools.cache
def networks() -> Network:
    """Return random networks whose neuron is dead."""
    many = Network(*np.random.default_rng(12).normal(size=(6, 8 * N)))
    dead = np.flatnonzero(preactivation(many, UNIFORM) < 0.0)[:N]
    return Network(*(np.asarray(value)[dead] for value in many))


@functools.cache
def returns(rate: float) -> np.ndarray:
    """Return the steps to the return of each, ∞ where it is not seen."""
    steps = revival_steps(networks(), UNIFORM, rate, min(LONGEST, round(HORIZON / rate)))
    return np.where(steps > 0, steps, np.inf)


@functools.cache
def flow_times() -> np.ndarray:
    """Return the flow's times of return."""
    return revival_time(networks(), UNIFORM)


@functools.cache
def is_stable() -> np.ndarray:
    """Return whether the limit of each network is stable at the largest rate."""
    end = limit(networks(), UNIFORM)
    stable: np.ndarray = 1.0 / (end.a**2 + end.c**2 + end.d**2) > RATES[-1]
    return stable


def numbers() -> dict[str, object]:
    """Return what the caption states."""
    back, stable = np.isfinite(flow_times()), is_stable()
    fast = np.isfinite(returns(RATES[-1]))
    slow = returns(RATES[0])
    return {
        "ever": float(np.mean(back)),
        "early": float(np.mean(slow <= 300)),
        "late": float(np.mean(slow <= LONGEST)),
        "fast": RATES[-1],
        "stable": float(np.mean(stable)),
        "gained": int(np.sum(stable & fast & ~back)),
        "lost": int(np.sum(stable & ~fast & back)),
    }


def steps_up(axes: Axes, times: np.ndarray, end: float, **options: Any) -> None:
    """Draw the share of times that are over, until `end`."""
    over = np.sort(times[np.isfinite(times)])
    x = np.concatenate([over, [max(end, float(over[-1]))]])
    y = np.arange(1, over.size + 1) / times.size
    axes.step(x, np.append(y, y[-1]), where="post", **options)


@styled
def draw() -> Figure:
    """Return the figure."""
    figure, (left, right) = new_figure(2, (1, 2), (DOUBLE, 2.6), sharey=True)
    # Below the others, and wider, so that those that follow it stay in sight.
    steps_up(right, flow_times(), HORIZON, color=UNDER, linewidth=4.0, label="gradient flow", zorder=1)
    every = np.ones(flow_times().size, dtype=bool)
    groups: list[tuple[float, np.ndarray, str, tuple[str, Any]]] = [
        (rate, every, f"rate {rate:g}", LINES[rate]) for rate in RATES[:-1]
    ]
    for which, name, looks in zip((is_stable(), ~is_stable()), ("stable", "unstable"), LAST, strict=True):
        groups.append((RATES[-1], which, f"rate {RATES[-1]:g}, {name}", looks))
    for rate, which, label, (color, line) in groups:
        longest = min(LONGEST, round(HORIZON / rate))
        options = {"color": color, "linestyle": line, "linewidth": 1.2, "label": label}
        steps_up(left, returns(rate)[which], longest, **options)
        steps_up(right, rate * returns(rate)[which], rate * longest, **options)
    left.set(xscale="log", xlim=(1, LONGEST), ylim=(0, None), xlabel="steps", ylabel="share active again")
    # No label at the left end, where it would touch the other panel's last one.
    right.set(xscale="log", xlim=(2e-3, HORIZON), xlabel="rate × steps")
    ever = float(np.mean(np.isfinite(flow_times())))
    left.axhline(ever, color=BLACK, linewidth=0.7)
    left.text(0.8 * LONGEST, ever + 0.008, "gradient flow, ever", fontsize=SMALL, ha="right")
    letters([left, right])
    figure.legend(*right.get_legend_handles_labels(), loc="outside right center", fontsize=SMALL)
    return figure


if __name__ == "__main__":
    raise SystemExit(main(globals()))
