"""The basins of the flow, and how much of them theorems decide: at the start, and later on."""

from __future__ import annotations

import functools

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from gradflow.ends.decision import THEOREMS, decide
from gradflow.ends.enclosure import EFFORTS, enclose
from gradflow.ends.outcome import CONSTANT, GLOBAL, LINEAR, OUTCOMES, UNDECIDED
from gradflow.flow.ensemble import integrate_ensemble
from gradflow.neuron.activity import HYPERACTIVE, activity
from gradflow.study.figures import Diagram, Layer, Level, Panel, Series, proved_regions
from gradflow.study.figures.script import main
from gradflow.study.figures.style import BLUE, ORANGE, SKY
from gradflow.sweeps.axes import Axis
from gradflow.sweeps.sweep import Sweep, run
from gradflow.theory.hyperactive import trapped
from gradflow.theory.signs import trapped_by_signs
from gradflow.theory.tube import surround

N = 160
"""Cells along each side of the square; the starts are their centres."""

SQUARE = {"b1": (-2.5, 2.5), "b2": (-3.0, 3.0)}
TIMES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 15.0, 20.0, 50.0)
STATED = (1.0, 5.0, 20.0)
BLOCKS = (4, 2, 1)
"""Sides, in cells, of the squares that tubes are tried on, one after the other."""

LOOKS = {
    "dead": ("#083D5E", ""),
    "energy barrier": (ORANGE, "//////"),
    "path trap": (BLUE, ""),
    "sign trap": (SKY, ""),
}

# Takes minutes: the report of a quick study does without it.
QUICK = False

TITLE = "How much of the flow's basins is proved"
CAPTION = (
    "Where the gradient flow ends (teacher ReLU(x), inputs uniform on [−1, 1]) against the initial "
    "biases, from w1 = w2 = 1. Pale: simulated until rest from the centres of {N} × {N} cells (global "
    "{global_}, linear {linear}, constant {constant} of the square). Over it, all known at t = 0: (a) "
    "what theorems decide from the state, and the cells in which tubes around curves prove every start "
    "trapped; (b) the starts from which enclosures of the flow (derivation 36), which may cross walls "
    "and end at the teacher, prove where it ends. Dashed: the walls between dead, balanced and "
    "hyperactive starts. At t = 0 theorems decide {decided} of the square ({each}), tubes another "
    "{tubes}, and with enclosures around single starts it is {enclosed}: {of_each}; proof and "
    "simulation contradict each other at {contradictions} starts. Hyperactive starts that stay so fill "
    "{trapped} of the square: of these the path theorem proves {path} at t = 0, the signs {signs}, "
    "either or tubes around whole cells {with_tubes}, either or tubes around single starts {points}. "
    "(c) Share of each basin that theorems without tubes decide by time t: {later}. Dashed grey: at t = "
    "0, the linear basin with tubes around whole cells, and the square with enclosures."
)


def axes(n: int) -> tuple[Axis, ...]:
    """Return the axes of the centres of n × n cells that tile the square."""
    found = []
    for name, (lo, hi) in SQUARE.items():
        half = 0.5 * (hi - lo) / n
        found.append(Axis(name, lo + half, hi - half, n))
    return tuple(found)


def over(values: np.ndarray) -> xr.DataArray:
    """Return an array over the grid with its coordinates."""
    along = axes(values.shape[0])
    return xr.DataArray(values, {axis.name: axis.values for axis in along}, [axis.name for axis in along])


@functools.cache
def starts(n: int = N) -> np.ndarray:
    """Return the starts, shape (4, n, n)."""
    b1, b2 = np.meshgrid(*(axis.values for axis in axes(n)), indexing="ij")
    one = np.ones_like(b1)
    return np.stack([one, b1, one, b2])


@functools.cache
def basins(n: int = N) -> xr.Dataset:
    """Simulate the flow from all starts until it rests; no theorem is asked."""
    return run(Sweep(axes(n), theory=False))


@functools.cache
def decisions(n: int = N) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Return outcome and theorem decided by each of the times, each start followed until it is decided."""
    theta = starts(n).reshape(4, -1).copy()
    codes, theorems = (np.full(n * n, value, dtype=np.int8) for value in (UNDECIDED, 0))
    found, before = [], 0.0
    for t in TIMES:
        open_ = codes == UNDECIDED
        theta[:, open_] = integrate_ensemble(theta[:, open_], t_end=t - before).final
        decided = decide(theta[:, open_])
        codes[open_], theorems[open_] = decided.outcome, decided.theorem
        found.append((codes.reshape(n, n).copy(), theorems.reshape(n, n).copy()))
        before = t
    return tuple(found)


@functools.cache
def stays(n: int = N) -> np.ndarray:
    """Return which starts are hyperactive, are not seen to leave that cell, and end at the best line."""
    ends = basins(n)
    inside = (np.asarray(activity(starts(n))) == HYPERACTIVE) & np.isnan(ends["first_crossing"].values)
    return np.asarray(inside & (ends["outcome"].values == LINEAR))


def candidates(n: int) -> np.ndarray:
    """Return the starts that tubes are tried on, whatever the simulation says of them."""
    hyperactive = np.asarray(activity(starts(n)) == HYPERACTIVE)
    return np.asarray(hyperactive & (decisions(n)[0][0] == UNDECIDED))


@functools.cache
def tubes(n: int = N) -> np.ndarray:
    """Return the cells in which every start is proved trapped by tubes around curves from larger squares."""
    open_, proved = candidates(n), np.zeros((n, n), dtype=bool)
    for side in BLOCKS:
        coarse = n // side
        squares = np.any(_squares(open_ & ~proved, side), axis=(1, 3))
        width, height = ((hi - lo) / coarse for lo, hi in SQUARE.values())
        # Rounded up, for the corners lie on the sphere.
        radius = 0.5 * np.hypot(width, height) * (1.0 + 1e-12)
        holds = np.zeros((coarse, coarse), dtype=bool)
        holds[squares] = surround(starts(coarse)[:, squares], radius=radius).trapped
        proved |= np.repeat(np.repeat(holds, side, axis=0), side, axis=1)
    return proved


@functools.cache
def tubes_of_starts(n: int = N) -> np.ndarray:
    """Return which starts a tube around the start alone proves trapped."""
    proved, open_ = np.zeros((n, n), dtype=bool), candidates(n)
    proved[open_] = surround(starts(n)[:, open_]).trapped
    return proved


@functools.cache
def enclosed(n: int = N) -> np.ndarray:
    """Return the outcomes that enclosures around starts prove, of those that no theorem decides at once."""
    codes = np.full((n, n), UNDECIDED, dtype=np.int8)
    open_ = decisions(n)[0][0] == UNDECIDED
    codes[open_] = enclose(starts(n)[:, open_], efforts=EFFORTS[:2]).outcome
    return codes


def with_enclosures(n: int = N) -> np.ndarray:
    """Return the outcomes decided at t = 0, by enclosures too."""
    codes = decisions(n)[0][0]
    return np.where(codes == UNDECIDED, enclosed(n), codes)


def _squares(values: np.ndarray, side: int) -> np.ndarray:
    n = values.shape[0] // side
    return values.reshape(n, side, n, side)


def contradictions(n: int = N) -> int:
    """Return at how many starts something proved, by any time, differs from the simulation."""
    simulated, (codes, _) = basins(n)["outcome"].values, decisions(n)[-1]
    wrong = (codes != UNDECIDED) & (simulated != UNDECIDED) & (codes != simulated)
    also = (enclosed(n) != UNDECIDED) & (simulated != UNDECIDED) & (enclosed(n) != simulated)
    return int(np.sum(wrong | also | (tubes(n) & (simulated != LINEAR))))


def share_of(basin: int | None, codes: np.ndarray, n: int = N) -> float:
    """Return which part of a basin (of the square) is decided."""
    inside = np.ones((n, n), dtype=bool) if basin is None else basins(n)["outcome"].values == basin
    return float(np.mean(codes[inside] != UNDECIDED))


def with_tubes(n: int = N) -> np.ndarray:
    """Return the outcomes decided at t = 0, by tubes too."""
    codes = decisions(n)[0][0]
    return np.where((codes == UNDECIDED) & tubes(n), np.int8(LINEAR), codes)


def numbers() -> dict[str, object]:
    """Return what the caption states."""
    outcomes, (codes, theorems) = basins()["outcome"].values, decisions()[0]
    cell, fixed = stays(), starts()
    path, signs = np.asarray(trapped(fixed)), np.asarray(trapped_by_signs(fixed))
    parts = (f"{name} {np.mean(theorems == i):.1%}" for i, name in enumerate(THEOREMS) if name in LOOKS)
    later = []
    for t in STATED:
        known = decisions()[TIMES.index(t)][0]
        shares = (f"{OUTCOMES[basin]} {share_of(basin, known):.1%}" for basin in (GLOBAL, LINEAR))
        later.append(f"t = {t:g}: {', '.join(shares)}, all of the square {share_of(None, known):.1%}")
    return {
        "global_": f"{np.mean(outcomes == GLOBAL):.1%}",
        "linear": f"{np.mean(outcomes == LINEAR):.1%}",
        "constant": f"{np.mean(outcomes == CONSTANT):.1%}",
        "decided": f"{share_of(None, codes):.1%}",
        "each": ", ".join(parts),
        "tubes": f"{np.mean(tubes() & (codes == UNDECIDED)):.1%}",
        "enclosed": f"{share_of(None, with_enclosures()):.1%}",
        "of_each": ", ".join(
            f"{OUTCOMES[basin]} {share_of(basin, with_enclosures()):.1%}"
            for basin in (GLOBAL, LINEAR, CONSTANT)
        ),
        "contradictions": contradictions(),
        "trapped": f"{np.mean(cell):.1%}",
        "path": f"{np.mean(path[cell]):.1%}",
        "signs": f"{np.mean(signs[cell]):.1%}",
        "with_tubes": f"{np.mean((path | signs | tubes())[cell]):.1%}",
        "points": f"{np.mean((path | signs | tubes_of_starts())[cell]):.1%}",
        "later": "; ".join(later),
    }


def diagram() -> Diagram:
    """Return the simulated basins with the regions that theorems and tubes decide from the state at t = 0."""
    codes, theorems = decisions()[0]
    layers = [
        Layer(name, over(theorems == THEOREMS.index(name)), color, hatch)
        for name, (color, hatch) in LOOKS.items()
    ]
    rest = Layer("tubes", over(tubes() & (codes == UNDECIDED)), "#F0E442", ".....")
    return Diagram("proved at $t = 0$", basins()["outcome"], (-1.0, 1.0), [*layers, rest])


def enclosures() -> Diagram:
    """Return the basins with the starts that are enclosed, or decided by a theorem before."""
    layers = [
        Layer("by theorems alone", over(decisions()[0][0] != UNDECIDED), "#555555", ""),
        Layer("enclosed: global", over(enclosed() == GLOBAL), ORANGE, "//////"),
        Layer("enclosed: linear", over(enclosed() == LINEAR), SKY, ""),
    ]
    return Diagram("with enclosures", basins()["outcome"], (-1.0, 1.0), layers)


def draw() -> Figure:
    """Return the figure."""
    curves = [
        Series(
            "square" if basin is None else OUTCOMES[basin],
            TIMES[1:],
            [share_of(basin, codes) for codes, _ in decisions()[1:]],
        )
        for basin in (None, GLOBAL, LINEAR, CONSTANT)
    ]
    levels = [
        Level("linear, with tubes", share_of(LINEAR, with_tubes())),
        Level("square, with enclosures", share_of(None, with_enclosures()), at=0.33),
    ]
    return proved_regions(
        [diagram(), enclosures()],
        Panel(curves, "shares of the basins", levels=levels, legend="lower right"),
        xlabel="initial $b_1$",
        ylabel="initial $b_2$",
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
