"""The plane of starts that theorems decide, for any teacher: trapping regions and barriers, drawn."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from gradflow.base.checks import integer, interval, number, require_finite
from gradflow.ends.decision import SIMULATION, THEOREMS, decide, require_bent
from gradflow.neuron.problem import Neuron, Problem, as_problem, require_one
from gradflow.study.figures.figure import Places
from gradflow.study.figures.phase_diagram import Diagram, Layer, phase_diagram
from gradflow.study.figures.style import BLACK, SINGLE

HATCHES = ("////", "\\\\\\\\", "....", "||||", "xxxx", "----")
"""By which theorems are told apart."""

Range = tuple[float, float]


def decided(
    problem: Problem = Problem(),
    *,
    b1: Range = (-2.5, 2.5),
    b2: Range = (-3.0, 3.0),
    w1: float = 1.0,
    w2: float = 1.0,
    n: int = 200,
    width: float = SINGLE,
    ax: Places | None = None,
) -> Figure:
    """Draw which starts of the flow theorems decide: outcomes in colour, theorems hatched.

    Parameters
    ----------
    problem : Problem
        One teacher on one interval, or a sample; the activation piecewise linear.
    b1, b2 : (float, float)
        The range of either bias.
    w1, w2 : float
        The weights of all starts.
    n : int
        Starts along either axis, 2 to 1000.
    width : float
        In inches.
    ax : Axes, optional
        Axes to draw into in the place of a new figure.

    Returns
    -------
    Figure
        "undecided" are the starts that no theorem decides at once; dashed lines are the walls between cells.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.

    Examples
    --------
    >>> figure = gf.figures.decided(gf.Problem(teacher=gf.Neuron(1.0, -0.5, 1.0, 0.5)), n=20)
    """
    problem = as_problem(problem)
    require_one(problem, "this figure")
    require_bent(problem)
    n, w1, w2 = integer("n", n, 2, 1000), number("w1", w1), number("w2", w2)
    axes = {}
    for name, ends in (("b1", b1), ("b2", b2)):
        require_finite(name, ends)
        axes[name] = np.linspace(*interval(name, ends), n)
    plane = np.broadcast_arrays(w1, axes["b1"][:, None], w2, axes["b2"])
    found = decide(Neuron(*plane), problem)
    outcomes = xr.DataArray(np.asarray(found.outcome), axes, ("b1", "b2"))
    codes = np.asarray(found.theorem)
    layers = [
        Layer(
            name, outcomes.copy(data=codes == code), hatch=HATCHES[(code - 1) % len(HATCHES)], outline=BLACK
        )
        for code, name in enumerate(THEOREMS)
        if code != SIMULATION and np.any(codes == code)
    ]
    walls = sorted({-w1 * float(end) for end in (problem.lo, problem.hi)})
    return phase_diagram(
        [Diagram("", outcomes, walls, layers)],
        xlabel="initial $b_1$",
        ylabel="initial $b_2$",
        width=width,
        ax=ax,
    )
