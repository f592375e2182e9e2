"""The starts that finite steps kill and the flow cannot, at growing rates of GD and Adam."""

from __future__ import annotations

import functools

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from gradflow.activity import DEAD, activity
from gradflow.descent import optimizer, train
from gradflow.figures import Diagram, Layer, phase_diagram
from gradflow.figures.script import main
from gradflow.figures.style import BLACK, ORANGE
from gradflow.outcome import CONSTANT, UNDECIDED
from gradflow.problem import Neuron, Problem
from gradflow.sweep import Axis, Sweep, run
from gradflow.theory.steps import killing_rates
from gradflow.theory.survival import survives_until

N, STEPS = 201, 5000
FINE = 1001
"""Points a side from which the outline of the exact set is drawn."""

FLOW = "gradient flow"
METHODS = {"gd": ("GD", (0.1, 0.3, 0.5, 0.7)), "adam": ("Adam", (0.01, 0.05, 0.1, 0.2, 0.4))}
PANELS: dict[str, tuple[str, float]] = {
    FLOW: ("flow", 0.0),
    **{f"{name} {rate:g}": (method, rate) for method, (name, rates) in METHODS.items() for rate in rates},
}

# Minutes without the extra `fast`: the report does without it.
REPORT = False

TITLE = "Steps kill what the flow cannot"
CAPTION = (
    "Outcome of training on the population loss (teacher ReLU(x), inputs uniform on [−1, 1]) against the "
    "initial biases, from w1 = w2 = 1, on {n} × {n} starts: the flow followed until its outcome is "
    "decided, GD and Adam (β = (0.9, 0.999), ε = 1e-8) after {steps} steps at the rates above the panels. "
    "Hatched: starts that are not dead and end dead. The flow cannot do that: Q = b1² ≥ 0 from all these "
    "starts (derivation 10), and {by_flow} of the {alive} living starts end dead under it. Outlined: the "
    "exact set that the first step of GD kills (derivation 12). Dashed: the walls between dead, balanced "
    "and hyperactive starts. Share of the living starts that are killed, and of these the part by the "
    "very first step: {shares}."
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
def outcomes(name: str, n: int = N) -> xr.DataArray:
    """Compute the outcomes of one panel."""
    method, rate = PANELS[name]
    sweep = Sweep(axes(n), method, hyper={"lr": rate}, steps=STEPS) if rate else Sweep(axes(n))
    return run(sweep)["outcome"]


@functools.cache
def lives(n: int = N) -> np.ndarray:
    """Return which starts are not dead."""
    return np.asarray(activity(starts(n)) != DEAD)


def killed(name: str, n: int = N) -> np.ndarray:
    """Return which starts are not dead, and end dead."""
    return np.asarray(lives(n) & (outcomes(name, n).values == CONSTANT))


def killed_at_once(name: str, n: int = N) -> np.ndarray:
    """Return which starts are not dead, and are after the first step."""
    method, rate = PANELS[name]
    after = train(starts(n), Problem(), optimizer(method, lr=rate), 1, events=False).final
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
            open_ = np.mean(outcomes(name).values == UNDECIDED)
            rest = f", {open_:.1%} of the square undecided" if open_ else ""
            shares.append(f"{name}: {np.mean(dead[alive]):.1%} ({first:.1%}{rest})")
    return {
        "n": N,
        "steps": STEPS,
        "alive": int(np.sum(alive)),
        "by_flow": int(np.sum(killed(FLOW))),
        "shares": "; ".join(shares),
    }


def diagram(name: str) -> Diagram:
    """Return one panel."""
    method, rate = PANELS[name]
    layers = [Layer("killed by steps", over(killed(name)), ORANGE, "//////")]
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
    raise SystemExit(main(draw, __file__))
