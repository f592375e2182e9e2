"""Where neurons of every kind end, from a grid of starts b1, b2 at w1 = w2 = 1, under three dynamics."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gradflow.descent import GD, Adam, train_arrays
from gradflow.descent.modifiers import NONE, Modifiers
from gradflow.field.baselines import best_constant, best_line
from gradflow.field.kinds import Kind
from gradflow.flow.of_kind import flow
from gradflow.neuron.problem import Neuron, Problem
from gradflow.study.claims.single_neuron.settings import POPULATION, RATE

B1, B2 = (-2.5, 2.5), (-3.0, 3.0)
"""The ranges of the starts."""

NEAR = 1e-3
"""How close a loss counts as arrived: relative to the line's for 0 and the line, else to the constant's."""

ENDS = ("global", "linear", "constant", "other")
DYNAMICS = ("flow", "GD", "Adam")


class Size(NamedTuple):
    """How much is run: starts along each axis, steps and rates, the flow's final time and tolerance."""

    starts: int
    gd: tuple[float, int]
    adam: tuple[float, int]
    t_end: float
    rtol: float


QUICK = Size(7, (0.2, 300), (0.05, 300), 60.0, 1e-3)
FULL = Size(21, (0.1, 2000), (RATE, 4000), 200.0, 1e-5)


def size_of(quick: bool) -> Size:
    """Return the size of a check."""
    return QUICK if quick else FULL


def starts(size: Size) -> Neuron:
    """Return the grid of starts, b1 along the first axis."""
    b1, b2 = np.linspace(*B1, size.starts), np.linspace(*B2, size.starts)
    return Neuron(b1=b1[:, None], b2=b2[None, :])


def final_losses(
    kind: Kind,
    dynamics: str,
    size: Size,
    problem: Problem = POPULATION,
    modifiers: Modifiers = NONE,
    start: Neuron | None = None,
) -> np.ndarray:
    """Return the last losses of a kind under one of `DYNAMICS` (NaN where it diverged)."""
    # Where b2 is solved for, its start does not matter: one column stands for all.
    grid = starts(size) if start is None else start
    if start is None and "b2" not in kind.parameters:
        grid = grid._replace(b2=0.0)
    if dynamics == "flow":
        run = flow(kind, grid, problem, size.t_end, rtol=size.rtol, max_steps=3000)
        return np.asarray(run.loss, dtype=np.float64)
    rate, steps = size.gd if dynamics == "GD" else size.adam
    config = GD(lr=rate) if dynamics == "GD" else Adam(lr=rate)
    how: Any = {"kind": kind, "modifiers": modifiers, "backend": "numpy"}
    done = train_arrays(grid, problem, config, steps, events=False, first_change=False, **how)
    return np.where(done.diverged, np.nan, done.loss[-1])


def shares(losses: np.ndarray, problem: Problem = POPULATION) -> dict[str, float]:
    """Return the share of the losses that have arrived at each of `ENDS`, and their median."""
    line, constant = float(best_line(problem).loss), float(best_constant(problem).loss)
    at = {
        "global": losses <= NEAR * line,
        "linear": np.abs(losses - line) <= NEAR * line,
        "constant": np.abs(losses - constant) <= NEAR * constant,
    }
    found = {name: float(np.mean(holds)) for name, holds in at.items()}
    return {**found, "other": 1.0 - sum(found.values()), "median_loss": float(np.nanmedian(losses))}


def table(
    kinds: tuple[Kind, ...], size: Size, dynamics: tuple[str, ...] = DYNAMICS
) -> dict[str, dict[str, Any]]:
    """Return the shares of every kind under every dynamics."""
    return {name: {kind.name: shares(final_losses(kind, name, size)) for kind in kinds} for name in dynamics}


def described(entry: dict[str, dict[str, Any]], names: tuple[str, ...], end: str = "global") -> str:
    """Return the shares of some kinds as text."""
    return ", ".join(f"{name} {entry[name][end]:.0%}" for name in names)


def conditions(size: Size) -> str:
    """Return in words what is run."""
    return f"{size.starts} x {size.starts} starts, b1 in [{B1[0]:g}, {B1[1]:g}], b2 in [{B2[0]:g}, {B2[1]:g}], w1 = w2 = 1; flow to t = {size.t_end:g}, {size.gd[1]} steps of GD at {size.gd[0]:g}, {size.adam[1]} of Adam at {size.adam[0]:g}"
