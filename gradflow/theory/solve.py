"""States of smooth flows to rounding, and of flows that cross one wall.

Orders of convergence are measured against them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from gradflow.field.formulas import Signs
from gradflow.field.jet import cell_of
from gradflow.neuron.activity import end_preactivations
from gradflow.neuron.problem import Problem

WALLS = ("lo", "teacher", "hi")
_RTOL, _ATOL = 1e-13, 1e-15
# How deep behind a wall a crossing counts: more than the dense output's error.
_DEEP = 1e-9

E = TypeVar("E", bound=Callable[..., float])


def terminal(event: E) -> E:
    """Mark an event of SciPy's `solve_ivp` as one that ends the integration."""
    event.__dict__["terminal"] = True
    return event


def solve(
    velocity: Callable[[float, Any], Any],
    start: Any,
    t_end: float,
) -> Any:
    """Return the state at `t_end` of dy/dt = velocity(t, y), y(0) = start, for y of any shape.

    SciPy's DOP853 with rtol = 1e-13, atol = 1e-15. The field must be smooth along the way.

    Raises
    ------
    RuntimeError
        If the integrator gives up.
    """
    y = np.asarray(start, dtype=np.float64)
    return _leg(velocity, y, 0.0, t_end).y[:, -1].reshape(y.shape)


def solve_across(
    velocity: Callable[[Any, Signs], Any], start: Any, problem: Problem, wall: str, t_end: float
) -> tuple[Any, Any, Any]:
    """Return the states at `t_end` of trajectories that cross one wall, and the crossings.

    Parameters
    ----------
    velocity : function of θ and a cell
        The field by that cell's formulas, such as ``lambda y, cell: gd_field(y, problem, lr, 3, cell=cell)``.
    start : array, shape (4, N)
    problem : Problem
        The population, with one teacher and one interval.
    wall : {'lo', 'teacher', 'hi'}
        What the breakpoint crosses, once in every trajectory, before `t_end`. It crosses nothing else.
    t_end : float

    Returns
    -------
    end : array, shape (4, N)
    times : array, shape (N,)
        When the wall is crossed.
    at : array, shape (4, N)
        The states then.

    Raises
    ------
    ValueError
        If there is no such wall, or a trajectory is not on different sides of it at 0 and at `t_end`.
    """
    start = np.asarray(start, dtype=np.float64)
    n = start.shape[1]
    node, place = _node(problem, wall), WALLS.index(wall)
    before = cell_of(start, problem)
    side = np.sign(start[0] * node + start[1])

    @terminal
    def behind(_: float, state: Any) -> float:
        """Return how far the last one is still from the wall."""
        return float(np.max(side * (state[:n] * node + state[n : 2 * n]) + _DEEP))

    # The continuation of the first cell's formulas is followed until the last has crossed, and no longer.
    leg = _leg(lambda _, y: velocity(y, before), start, 0.0, t_end, dense=True, events=behind)
    if np.any(side == 0.0) or leg.status != 1:
        raise ValueError(f"wall: expected one that all trajectories cross before t = {t_end:g}, got {wall!r}")
    dense, last = leg.sol, float(leg.t[-1])

    def height(t: float, i: int) -> float:
        state = dense(t)
        return float(state[i] * node + state[n + i])

    times = np.array([brentq(height, 0.0, last, args=(i,), xtol=1e-15) for i in range(n)])
    at = np.stack([dense(t).reshape(4, n)[:, i] for i, t in enumerate(times)], axis=1)
    # Without a breakpoint of the teacher inside the cell's second entry repeats the first.
    flipped = {place} | ({1} if place == 0 and not _has_breakpoint(problem) else set())
    after = [~np.asarray(sign) if i in flipped else sign for i, sign in enumerate(before)]
    # Each has its own time left; with that as its unit of time all take one.
    left = t_end - times
    end = solve(lambda _, y: left * velocity(y, (after[0], after[1], after[2])), at, 1.0)
    return end, times, at


def _leg(velocity: Any, y: Any, t0: float, t1: float, dense: bool = False, events: Any = None) -> Any:
    def flat(t: float, state: Any) -> Any:
        return np.ravel(velocity(t, state.reshape(y.shape)))

    run = solve_ivp(
        flat,
        (t0, t1),
        np.ravel(y),
        method="DOP853",
        rtol=_RTOL,
        atol=_ATOL,
        dense_output=dense,
        events=events,
    )
    if not run.success:
        raise RuntimeError(f"the flow could not be followed to t = {t1:g}: {run.message}")
    return run


def _has_breakpoint(problem: Problem) -> bool:
    z_lo, z_hi = end_preactivations(problem.teacher, problem)
    return bool((z_lo > 0.0) != (z_hi > 0.0))


def _node(problem: Problem, wall: str) -> float:
    allowed = WALLS if _has_breakpoint(problem) else ("lo", "hi")
    if wall not in allowed:
        raise ValueError(f"wall: expected {' or '.join(allowed)}, got {wall!r}")
    if wall == "teacher":
        return -float(problem.teacher.b1) / float(problem.teacher.w1)
    return float(problem.lo if wall == "lo" else problem.hi)
