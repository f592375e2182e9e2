"""Two and three neurons learn one: both laws of decay, the slow direction, and the breakpoints."""

from __future__ import annotations

import functools

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradflow.networks.line.critical import critical_point
from gradflow.networks.line.decay import cubic_limit
from gradflow.networks.line.field import cut, gradient_of, loss_of
from gradflow.study.claims.networks.cubic import STARTS, TASK, followed
from gradflow.study.figures.script import main
from gradflow.study.figures.style import BLACK, BLUE, DOUBLE, GREY, SMALL, VERMILLION, styled

END, LOWEST = 1e5, 1e-18
ONE, TWO, THREE = STARTS["1"][0], STARTS["2"][0], STARTS["3"][0]
FIELD = (-0.3, 0.3)
"""The part of the plane of two biases that is drawn."""

TITLE = "Several neurons learn one at the rate t⁻³"
CAPTION = (
    "Networks that face the teacher's way learn max(x, 0) under the gradient flow, inputs uniform on [−1,"
    " 1]. (a) The loss of one neuron falls exponentially, that of two and of three like t⁻³; dotted, "
    "twice the limit that derivation 33 proves for two, 1/(6 s₁s₂K³t³) with the last weights; at t = "
    "{END:g} the loss is {quotient:.4f} of it. (b) The breakpoints of the two neurons come to the "
    "teacher's, 0, as slowly as 1/t; dotted, what h = 1/(Kt) gives. (c) Two neurons with w₁ = 1, w₂ = ½ "
    "each and b₂ = 0: the loss (the darker the smaller) and the flow of their two biases alone. All "
    "states come to the line b₁,₁ + b₁,₂ = 0 (dashed) at once, and to 0 along it slowly: there the loss "
    "is cubic. (d) The spectrum of the Hessian of the two neurons at t = {END:g}: one direction more than"
    " the {symmetries} along which the graph stays the same has an eigenvalue near 0."
)


@functools.cache
def runs() -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return times, losses and last state of one, two and three neurons."""
    times = np.geomspace(0.1, END, 120)
    return {name: followed(rows, times) for name, rows in (("1", ONE), ("2", TWO), ("3", THREE))}


@functools.cache
def spectrum() -> tuple[np.ndarray, int]:
    """Return the Hessian's eigenvalues at the last state of two neurons, and how many symmetries explain."""
    found = critical_point(runs()["2"][2], rest=1e-3)
    # At the limit both breakpoints are one.
    last = runs()["2"][2].copy()
    last[2:4] = 0.0
    return found.eigenvalues, critical_point(last, rest=1e-3).symmetries


def numbers() -> dict[str, object]:
    """Return what the caption states."""
    times, losses, last = runs()["2"]
    return {
        "quotient": float(times[-1] ** 3 * losses[-1] / cubic_limit(last).loss),
        "symmetries": spectrum()[1],
    }


@styled
def draw() -> Figure:
    """Return the figure."""
    figure = Figure(figsize=(DOUBLE, 4.6), layout="constrained")
    (losses, places), (plane, spectra) = figure.subplots(2, 2)
    _losses(losses)
    _places(places)
    _plane(plane)
    _spectrum(spectra)
    for axes, letter in zip((losses, places, plane, spectra), "abcd", strict=True):
        axes.set_title(f"({letter})", loc="left")
    return figure


def _losses(axes: Axes) -> None:
    looks = {"1": (BLUE, "--"), "2": (BLACK, "-"), "3": (VERMILLION, "-.")}
    for name, (color, line) in looks.items():
        times, values, _ = runs()[name]
        shown = values > LOWEST
        label = f"{name} neuron" + ("s" if name != "1" else "")
        axes.loglog(times[shown], values[shown], color=color, linestyle=line, label=label)
    times, _, last = runs()["2"]
    late = times > 100.0
    axes.loglog(times[late], 2.0 * cubic_limit(last).loss / times[late] ** 3, color=GREY, linestyle=":")
    axes.text(2e3, 2.5e-7, "twice the limit", color=GREY, fontsize=SMALL)
    axes.set(xlabel="time $t$", ylabel="loss", ylim=(LOWEST, 1.0))
    axes.legend(loc="lower left")


def _places(axes: Axes) -> None:
    times, _, last = runs()["2"]
    states = followed_states()
    w, b, _ = states[:6].reshape(3, 2, -1)
    for place, (color, line) in zip(-b / w, ((BLACK, "-"), (VERMILLION, "--")), strict=True):
        axes.semilogx(times, place, color=color, linestyle=line)
    s = (last[:2] * last[4:6])[:, None]
    late = times > 20.0
    h = 1.0 / (cubic_limit(last).rate * times[late])
    sign = np.sign((-b / w)[:, -1])[:, None]
    for place in sign * h / s:
        axes.semilogx(times[late], place, color=GREY, linestyle=":")
    axes.axhline(0.0, color=GREY, linewidth=0.6, zorder=1)
    axes.set(xlabel="time $t$", ylabel="breakpoints", ylim=(-0.7, 0.7))


@functools.cache
def followed_states() -> np.ndarray:
    """Return the states of two neurons at the times of their run."""
    times = runs()["2"][0]
    states, rows, before = [], np.array(TWO), 0.0
    for time in times:
        rows = followed(rows, np.array([time - before]))[2]
        before = time
        states.append(rows)
    return np.array(states).T


def _plane(axes: Axes) -> None:
    grid = np.linspace(*FIELD, 61)
    one, two = np.meshgrid(grid, grid)
    ones = np.ones_like(one)
    rows = np.stack([ones, ones, one, two, 0.5 * ones, 0.5 * ones, 0.0 * ones])
    some = cut(rows, TASK)
    levels = np.log10(np.maximum(loss_of(some), 1e-8))
    axes.contourf(
        grid, grid, levels, levels=np.arange(-6.0, 0.1, 0.5), cmap="Greys_r", extend="both", alpha=0.6
    )
    slope = gradient_of(some)
    axes.streamplot(grid, grid, -slope[2], -slope[3], color=BLUE, linewidth=0.5, density=0.8, arrowsize=0.6)
    axes.plot(FIELD, FIELD[::-1], color=VERMILLION, linestyle="--", linewidth=1.0)
    axes.plot(0.0, 0.0, marker="o", color=BLACK, markersize=3.0)
    axes.set(xlabel="$b_{1,1}$", ylabel="$b_{1,2}$", xlim=FIELD, ylim=FIELD, aspect="equal")


def _spectrum(axes: Axes) -> None:
    values, symmetries = spectrum()
    size = np.sort(np.maximum(np.abs(values), 1e-17))
    number = np.arange(1, len(size) + 1)
    named = np.where(number <= symmetries, "symmetry", np.where(number == symmetries + 1, "new", "normal"))
    looks = {"symmetry": (GREY, "s"), "new": (VERMILLION, "D"), "normal": (BLACK, "o")}
    words = {"symmetry": "graph stays the same", "new": "cubic direction", "normal": "all else"}
    for name, (color, marker) in looks.items():
        mine = named == name
        axes.semilogy(
            number[mine],
            size[mine],
            color=color,
            marker=marker,
            linestyle="none",
            markersize=4.0,
            label=words[name],
        )
    axes.set(xlabel="number", ylabel="|eigenvalue| of the Hessian", xticks=number)
    axes.legend(loc="lower right")


if __name__ == "__main__":
    raise SystemExit(main(globals()))
