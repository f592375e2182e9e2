"""The starts that finite steps kill and the flow cannot, at growing rates of GD and Adam."""

from __future__ import annotations

import functools

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from gradflow.descent import optimizer, train_arrays
from gradflow.ends.outcome import CONSTANT, UNDECIDED, outcome
from gradflow.neuron.activity import DEAD, activity, end_preactivations
from gradflow.neuron.problem import Neuron, Problem
from gradflow.study.figures import Diagram, Layer, phase_diagram
from gradflow.study.figures.script import main
from gradflow.study.figures.style import BLACK, PURPLE
from gradflow.sweeps.axes import Axis
from gradflow.sweeps.sweep import Sweep, run
from gradflow.theory.steps import killing_rates
from gradflow.theory.survival import survives_until

N, STEPS = 201, 5000
FINE = 1001
"""Points a side from which the outline of the exact set is drawn."""

FADED = 1e-12
"""The pre-activation at the nearest end of an input that a neuron approached and never jumped across."""

YELLOW = "#F0E442"
"""Lighter than the line's colour and darker than white, so that single cells read in grey too."""

FLOW = "gradient flow"
METHODS = {"gd": ("GD", (0.1, 0.3, 0.5, 0.7)), "adam": ("Adam", (0.01, 0.05, 0.1, 0.2, 0.4))}
PANELS: dict[str, tuple[str, float]] = {
    FLOW: ("flow", 0.0),
    **{f"{name} {rate:g}": (method, rate) for method, (name, rates) in METHODS.items() for rate in rates},
}

# Takes minutes: the report of a quick study does without it.
QUICK = False

TITLE = "Steps kill what the flow cannot"
CAPTION = (
    "Outcome of training on the population loss (teacher ReLU(x), inputs uniform on [−1, 1]) against the "
    "initial biases, from w1 = w2 = 1, on {N} × {N} starts: the flow followed until its outcome is "
    "decided, GD and Adam (β = (0.9, 0.999), ε = 1e-8) after {STEPS} steps at the rates above the panels. "
    "Striped: starts that are not dead and that steps carry into the dead set. The flow never makes them "
    "dead: Q = b1² ≥ 0 from all these starts (derivation 10); simulated, it ends at the best constant from "
    "{by_flow} of the {alive} living starts. Dotted: starts that end at the best constant without having "
    "been killed, the active part of the input shrinking to nothing (largest pre-activation within "
    "{FADED:g} of 0). Outlined: the exact set that the first step of GD kills (derivation 12). Dashed: the "
    "walls between dead, balanced and hyperactive starts. Share of the living starts that are killed, in "
    "brackets the part of these that the very first step kills, and what fades or is undecided: {shares}."
)


def axes(n: int) -> tuple[Axis, Axis]:
    """Return the axes of the grid."""
    return Axis("b1", -2.5, 2.5, n), Axis("b2", -3.0, 3.0, n)


def starts(n: int) -> Neuron:
    """Return the starts."""
    b1, b2 = np.meshgrid(*(axis.values for axis in axes(n)), indexing="ij")
    return Neuron(np.ones_like(b1), b1, np.ones_like(b1), b2)


def over(values: np.ndarray) -> xr.DataArray:
    """Return an array over the grid with its coordinates."""
    along = axes(values.shape[0])
    return xr.DataArray(values, {axis.name: axis.values for axis in along}, [axis.name for axis in along])


@functools.cache
def ends(name: str, n: int = N) -> tuple[np.ndarray, np.ndarray]:
    """Compute one panel: the outcomes, and the larger pre-activation of the input's ends at the last step.

    The flow's last state is not needed: there the second is NaN.
    """
    method, rate = PANELS[name]
    if method == "flow":
        codes = run(Sweep(axes(n)))["outcome"].values
        return codes, np.full(codes.shape, np.nan)
    after = train_arrays(
        starts(n), Problem(), optimizer(method, lr=rate), STEPS, events=False, first_change=False
    )
    largest = np.maximum(*map(np.asarray, end_preactivations(after.final)))
    return np.asarray(outcome(after.final, Problem(), after.diverged)), largest


def outcomes(name: str, n: int = N) -> xr.DataArray:
    """Return the outcomes of one panel."""
    return over(ends(name, n)[0])


@functools.cache
def lives(n: int = N) -> np.ndarray:
    """Return which starts are not dead."""
    return np.asarray(activity(starts(n)) != DEAD)


def extinct(name: str, n: int = N) -> np.ndarray:
    """Return which starts are not dead, and end at the best constant."""
    return np.asarray(lives(n) & (ends(name, n)[0] == CONSTANT))


def killed(name: str, n: int = N) -> np.ndarray:
    """Return which of these a step has carried into the dead set; rounding alone does not count."""
    return np.asarray(extinct(name, n) & (ends(name, n)[1] < -FADED))


def faded(name: str, n: int = N) -> np.ndarray:
    """Return which of these have approached the dead set instead."""
    return np.asarray(extinct(name, n) & (np.abs(ends(name, n)[1]) <= FADED))


def killed_at_once(name: str, n: int = N) -> np.ndarray:
    """Return which starts are not dead, and are after the first step."""
    method, rate = PANELS[name]
    after = train_arrays(starts(n), Problem(), optimizer(method, lr=rate), 1, events=False).final
    return np.asarray(lives(n) & (np.asarray(activity(after)) == DEAD))


def exact_set(rate: float, n: int = FINE) -> np.ndarray:
    """Return which living starts the first step of GD kills, by the theorem."""
    least, largest = killing_rates(starts(n))
    return np.asarray(lives(n) & (least <= rate) & (rate <= largest))


def numbers() -> dict[str, object]:
    """Return what the caption states."""
    alive = lives()
    if not np.all(np.isinf(survives_until(starts(N))[alive])):
        raise ValueError("starts: the flow is not proved to leave them alive")
    shares = []
    for name, (_, rate) in PANELS.items():
        if rate:
            dead = killed(name)
            first = np.sum(dead & killed_at_once(name)) / max(1, np.sum(dead))
            others = {"faded": faded(name), "undecided": ends(name)[0] == UNDECIDED}
            rest = [f", {np.mean(part[alive]):.1%} {word}" for word, part in others.items() if np.any(part)]
            shares.append(f"{name}: {np.mean(dead[alive]):.1%} ({first:.1%}){''.join(rest)}")
    return {
        "alive": int(np.sum(alive)),
        "by_flow": int(np.sum(extinct(FLOW))),
        "shares": "; ".join(shares),
    }


def diagram(name: str) -> Diagram:
    """Return one panel."""
    method, rate = PANELS[name]
    layers = [Layer("killed by steps", over(killed(name)), YELLOW, "//////")]
    layers.append(Layer("faded", over(faded(name)), PURPLE, "......"))
    if method == "gd":
        layers.append(Layer("by the first step", over(exact_set(rate)), outline=BLACK))
    return Diagram(name, outcomes(name), (-1.0, 1.0), layers)


def draw() -> Figure:
    """Return the figure."""
    return phase_diagram(
        [diagram(name) for name in PANELS],
        xlabel="initial $b_1$",
        ylabel="initial $b_2$",
        columns=5,
        height=3.6,
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
