"""The flow of one network, integrated: one loop goes from one smooth piece of the field to the next."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from scipy.integrate import DOP853, Radau
from scipy.linalg import LinAlgWarning

from gradflow.flow.status import DIVERGED, REACHED, STEP_TOO_SMALL, TOO_MANY_STEPS
from gradflow.networks.line.walls import Crossing

STIFF = 2000
"""Explicit steps after which implicit ones are taken, where a Jacobian is known."""

Velocity = Callable[[float, np.ndarray], np.ndarray]


class Run(NamedTuple):
    """The recorded times and states (with ∫|∇L|² as the last entry), the crossings and how it ended.

    Attributes
    ----------
    last : array
        The last state, which may not be recorded.
    """

    times: list[float]
    states: list[np.ndarray]
    crossings: list[Crossing]
    status: int
    steps: int
    last: np.ndarray


class Integration:
    """A flow under way: the time and state that it has come to, and what was recorded and crossed before.

    Attributes
    ----------
    first_step : float or None
        The size of the next step, as far as one is known.
    """

    def __init__(
        self,
        rows: np.ndarray,
        t_end: float,
        rtol: float,
        moments: np.ndarray | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> None:
        self.t, self.y, self.steps = 0.0, np.append(rows, 0.0), 0
        self.t_end, self.rtol, self.progress = t_end, rtol, progress
        self.first_step: float | None = None
        self.crossings: list[Crossing] = []
        self._moments = moments
        self._times: list[float] = []
        self._states: list[np.ndarray] = []
        if moments is None or (len(moments) and moments[0] == 0.0):
            self._times, self._states = [0.0], [self.y]

    def solver(
        self, velocity: Velocity, jacobian: Velocity | None, t_end: float, first_step: float | None
    ) -> Any:
        """Return SciPy's solver from here: explicit, or implicit with a Jacobian."""
        scale = float(np.max(np.abs(self.y[:-1]))) or 1.0
        if first_step is None:
            speed = float(np.max(np.abs(velocity(self.t, self.y)[:-1])))
            first_step = 1e-3 * max(1.0, scale) / max(speed, 1e-3)
        atol = 1e-2 * self.rtol * scale
        options: dict[str, Any] = {
            "rtol": self.rtol,
            "atol": atol,
            "first_step": min(first_step, t_end - self.t),
        }
        if jacobian is not None:
            return Radau(velocity, self.t, self.y, t_end, jac=jacobian, **options)
        return DOP853(velocity, self.t, self.y, t_end, **options)

    def advance(self, solver: Any) -> bool:
        """Let a solver take a step; return whether it could."""
        # Trial steps that go too far are shortened.
        with np.errstate(over="ignore", invalid="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", LinAlgWarning)
            solver.step()
        self.steps += 1
        return bool(solver.status != "failed")

    def move(self, t: float, y: np.ndarray, dense: Callable[[], Callable[[float], np.ndarray]]) -> None:
        """Go on to a state, and record what was asked for on the way; `dense` makes the step's polynomial."""
        if self._moments is None:
            self._times.append(t)
            self._states.append(y.copy())
        else:
            due = self._moments[(self._moments > self.t) & (self._moments <= t)].tolist()
            self._times += due
            self._states += [y.copy() if moment == t else dense()(moment) for moment in due]
        self.t, self.y = t, y

    def ended(self, status: int) -> Run:
        """Return what was recorded (the last state if it was nothing), and how the flow ended."""
        times, states = (self._times, self._states) if self._times else ([self.t], [self.y])
        return Run(times, states, self.crossings, status, self.steps, self.y)


class PiecewiseField(Protocol):
    """A field that is smooth on pieces of parameter space, continued beyond the piece that the flow is on."""

    @property
    def velocity(self) -> Velocity:
        """The velocity of the parameters and of ∫|∇L|², on the present piece."""

    @property
    def jacobian(self) -> Velocity | None:
        """Its derivative, if implicit steps may be taken."""

    def left(self, y: np.ndarray) -> np.ndarray:
        """Return which of the piece's ends a state at the end of a step is beyond."""

    def cross(self, flow: Integration, solver: Any, left: np.ndarray) -> bool:
        """Take the flow to the first end that the solver's last step has passed, and onto the next piece.

        Returns whether that could be done.
        """


def follow(field: PiecewiseField, flow: Integration, max_steps: int) -> Run:
    """Integrate to `flow.t_end`."""
    with np.errstate(over="ignore", invalid="ignore"):
        if not np.all(np.isfinite(field.velocity(flow.t, flow.y))):
            return flow.ended(DIVERGED)
    while flow.t < flow.t_end:
        if flow.steps >= max_steps:
            return flow.ended(TOO_MANY_STEPS)
        jacobian = field.jacobian if flow.steps >= STIFF else None
        limit = min(STIFF, max_steps) if jacobian is None and field.jacobian is not None else max_steps
        solver = flow.solver(field.velocity, jacobian, flow.t_end, flow.first_step)
        while solver.status == "running" and flow.steps < limit:
            if not flow.advance(solver):
                return flow.ended(STEP_TOO_SMALL)
            left = field.left(solver.y)
            if np.any(left):
                break
            flow.move(float(solver.t), solver.y, solver.dense_output)
            flow.first_step = float(solver.h_abs)
            if flow.progress is not None:
                flow.progress(flow.t)
        else:
            continue
        if not field.cross(flow, solver, left):
            return flow.ended(STEP_TOO_SMALL)
    return flow.ended(REACHED)
