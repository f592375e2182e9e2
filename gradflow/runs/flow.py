"""Gradient flow: dθ/dt = −∇L, integrated cell by cell with located crossings.

`gradient_flow` returns one trajectory as a dataset; `gradflow.flow.integrate` is the integrator
beneath it, for callers that need neither the dataset nor its checks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import xarray as xr

from gradflow.base.arrays import Array
from gradflow.base.checks import flag, function, integer, moments, number, one_of, require_finite
from gradflow.base.provenance import attributes
from gradflow.base.tables import codes, named
from gradflow.ends.approach import approached
from gradflow.ends.decision import SIMULATION, THEOREMS, dead_by_rounding, decide
from gradflow.ends.labels import outcome_codes
from gradflow.ends.limit import NOWHERE, rules_of
from gradflow.ends.limit import limit as limit_of
from gradflow.ends.outcome import CONSTANT, UNDECIDED, outcome
from gradflow.ends.rest import at_one_place, at_rest, revives
from gradflow.field.baselines import best_constant
from gradflow.flow.reference import AUTO, METHODS, Point, Trajectory, integrate
from gradflow.flow.status import STATUSES, STOPPED
from gradflow.neuron.activity import DEAD
from gradflow.neuron.problem import PARAMETERS, Neuron, Problem, as_neuron, as_problem, require_one
from gradflow.neuron.records import activity_codes, balancedness, describe_problem, state_variables
from gradflow.runs.records import crossings_attribute, limit_variables, require_single

__all__ = ["METHODS", "STATUSES", "Trajectory", "gradient_flow", "integrate"]


def gradient_flow(
    neuron: Neuron | Array = Neuron(),
    problem: Problem = Problem(),
    *,
    t_end: float = 200.0,
    rtol: float = 1e-10,
    method: str = AUTO,
    times: Array | None = None,
    max_steps: int | None = None,
    theory: bool = True,
    until_decided: bool = False,
    progress: Callable[[float], None] | None = None,
) -> xr.Dataset:
    """Integrate the gradient flow of one neuron on the population loss.

    Parameters
    ----------
    neuron : Neuron
        The start: four finite numbers.
    problem : Problem
        One teacher and one interval (no arrays, no sample), any slopes.
    t_end : float
        Final time ≥ 0, in units in which one GD step of rate η takes η.
    rtol : float
        Relative tolerance of a step, between 1e-13 and 1e-2.
    method : {'auto', 'DOP853', 'RK45', 'Radau', 'BDF'}
        SciPy's solver. Very unequal weights make the flow stiff: 'auto' changes from DOP853 to the
        implicit Radau when the steps become many.
    times : array, shape (n,), optional
        Record at these increasing times in [0, t_end]; default: at every step and crossing.
    max_steps : int
        Give up after so many steps (`status` says so); by default after some 10 000, fewer where student or
        teacher is smooth: after seconds.
    theory : bool
        Whether theorems may decide the outcome (`gradflow.ends.decision`).
    until_decided : bool
        Stop as soon as one does; else the flow is followed to `t_end` all the same.
    progress : callable, optional
        Called with the time reached after every step.

    Returns
    -------
    xarray.Dataset
        Along `time`: w1, b1, w2, b2, breakpoint, loss, activity (that of the cell, also where (w1, b1)
        already round onto its wall), energy_residual (L(t) − L(0) + ∫|∇L|² dt, exactly 0, the check of any
        flow) and invariant_drift (Q(t) − Q(0); exactly 0 if φ is piecewise linear; a smooth φ is not
        homogeneous and does not conserve Q). Scalars: outcome, status; decided_by, the
        theorem that decides the outcome, and decided_at, the first recorded time at which it does (NaN if
        none does); their names, as in outcome_name; limit_w1, …, the point the trajectory has converged to
        (at rest, to ten times rtol: `gradflow.ends.rest`), NaN if it has not (`gradflow.runs.records.limit`).
        Its crossings: `gradflow.runs.records.crossings`.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described; one line that names it.

    Notes
    -----
    A dead ReLU neuron is followed in closed form: b2 − E f* decays as exp(−2t), all else stays.
    Crossing times are located to rounding on the step's own polynomial; a crossing shallower than ten
    times the tolerance is not distinguished from touching the wall. After some 2000 steps a trajectory at
    rest is not integrated any further: its state is that of `t_end`.
    """
    start = as_neuron(neuron)
    require_finite("neuron", *start)
    require_single(start)
    problem = as_problem(problem)
    require_one(problem, "gradient_flow")
    t_end, rtol = number("t_end", t_end, 0.0), number("rtol", rtol, 1e-13, 1e-2)
    theory, until_decided = flag("theory", theory), flag("until_decided", until_decided)
    one_of("method", method, (AUTO, *METHODS))
    max_steps = None if max_steps is None else integer("max_steps", max_steps, 1)
    if progress is not None:
        function("progress", progress, "the time reached")
    asked = moments(times, t_end)
    by_theorem = theory and until_decided
    at_start = by_theorem and int(decide(np.array(start), problem).outcome) != UNDECIDED
    if at_start:
        t_end = 0.0
        asked = None if asked is None else asked[asked == 0.0]
    passed: list[tuple[float, float, float, float]] = []

    def stop(point: Point) -> bool:
        passed.append(point.theta)
        return by_theorem and _is_decided(point, problem)

    def rests(point: Point) -> bool:
        state = np.array(point.theta)
        if revives(state, point.activity, problem) or not at_rest(state, problem, rtol):
            return False
        return bool(at_one_place(approached(state, problem, rtol), state, problem, rtol))

    run = integrate(
        start,
        problem,
        t_end,
        rtol=rtol,
        method=method,
        times=asked,
        max_steps=max_steps,
        progress=progress,
        stop=stop,
        rests=rests,
    )
    if at_start:
        run = run._replace(status=STOPPED)
    limit = end_of(run, passed, problem, rtol)
    configuration = {
        **describe_problem(problem),
        "neuron": dict(zip(PARAMETERS, (float(v) for v in start), strict=True)),
        "t_end": t_end,
        "rtol": rtol,
        "method": method,
        "max_steps": max_steps,
        "times": asked,
        "theory": theory,
        "until_decided": until_decided,
    }
    provenance = attributes("Gradient flow of one neuron", "flow", configuration)
    return _dataset(run, limit, start, problem, provenance, rtol, theory)


def _is_decided(point: Point, problem: Problem) -> bool:
    found = decide(np.array(point.theta), problem)
    fades = bool(dead_by_rounding(found.theorem, point.activity))
    return int(found.outcome) != UNDECIDED and not fades


@np.errstate(over="ignore", invalid="ignore")
def _dataset(
    run: Trajectory,
    limit: np.ndarray,
    start: Neuron,
    problem: Problem,
    provenance: dict[str, str],
    rtol: float,
    theory: bool,
) -> xr.Dataset:
    theta = np.array([p.theta for p in run.points], dtype=np.float64).reshape(-1, 4).T
    value = np.array([p.loss for p in run.points])
    descended = np.array([p.descended for p in run.points])
    first = np.array([float(v) for v in start])
    initial = value[0] if len(value) and run.points[0].t == 0.0 else np.nan
    decided = settled(run, limit, problem, rtol, theory)
    dims = ("time",)
    kept = "conserved" if problem.is_bent else "not conserved: the activation is not homogeneous"
    ended = outcome_codes(decided.outcome, ())
    theorem = codes(decided.theorem, THEOREMS, (), "theorem that decided the outcome")
    status = codes(run.status, STATUSES, (), "how the integration ended")
    crossed = crossings_attribute(
        {
            "time": [c.t for c in run.crossings],
            "event": [c.event for c in run.crossings],
            "wall": [c.wall for c in run.crossings],
        }
    )
    return xr.Dataset(
        {
            **state_variables(theta, dims),
            "loss": (dims, value, {"long_name": "population loss", "units": "1"}),
            "activity": activity_codes([p.activity for p in run.points], dims),
            "invariant_drift": (
                dims,
                balancedness(theta) - balancedness(first),
                {"long_name": f"Q(t) - Q(0), Q = w1^2 + b1^2 - w2^2, {kept}", "units": "1"},
            ),
            "energy_residual": (
                dims,
                value - initial + descended,
                {"long_name": "L(t) - L(0) + integral of |grad L|^2", "units": "1"},
            ),
            "outcome": ended,
            "outcome_name": named(ended),
            "decided_by": theorem,
            "decided_by_name": named(theorem, THEOREMS),
            "decided_at": ((), decided.time, {"long_name": "time by which it did", "units": "1"}),
            "status": status,
            "status_name": named(status, STATUSES),
            **limit_variables(limit),
        },
        coords={"time": (dims, np.array([p.t for p in run.points]), {"long_name": "time", "units": "1"})},
        attrs={**provenance, **crossed},
    )


class Decided(NamedTuple):
    """The outcome of a trajectory, the theorem that decides it (0: none does), and by which time."""

    outcome: int
    theorem: int
    time: float


def settled(
    run: Trajectory, limit: np.ndarray, problem: Problem, rtol: float, theory: bool = True
) -> Decided:
    """Return the outcome of a trajectory: what a theorem decides, or else what its last state looks like."""
    decided = _decided(run, problem) if theory else Decided(UNDECIDED, SIMULATION, np.nan)
    if decided.outcome != UNDECIDED:
        return decided
    end = np.array(run.last.theta) if np.any(np.isnan(limit)) else limit
    code = int(outcome(end, problem, accuracy=rtol))
    # What is alive may round to a dead state, at the best constant and about to leave it.
    if code == CONSTANT and revives(np.array(run.last.theta), run.last.activity, problem):
        code = UNDECIDED
    return decided._replace(outcome=code)


def _decided(run: Trajectory, problem: Problem) -> Decided:
    """Return the first decision among the recorded states and the last one."""
    points = [*run.points, run.last]
    found = decide(np.array([point.theta for point in points]).T, problem)
    fades = dead_by_rounding(found.theorem, [point.activity for point in points])
    known = np.flatnonzero((np.asarray(found.outcome) != UNDECIDED) & ~fades)
    if known.size == 0:
        return Decided(UNDECIDED, SIMULATION, np.nan)
    first = int(known[0])
    return Decided(int(found.outcome[first]), int(found.theorem[first]), float(points[first].t))


def end_of(
    run: Trajectory, passed: list[tuple[float, float, float, float]], problem: Problem, rtol: float
) -> np.ndarray:
    """Return where the trajectory ends: known exactly for a dead ReLU neuron, else once it is at rest."""
    last = np.array(run.last.theta)
    if run.last.activity == DEAD and problem.stays_dead:
        return np.array([*last[:3], float(best_constant(problem).intercept)])
    if revives(last, run.last.activity, problem):
        return NOWHERE
    return limit_of(np.array([*passed, run.last.theta]).T, rules_of(problem, rtol))
