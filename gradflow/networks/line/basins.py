"""Basins and thresholds of networks: outcomes over the start's parameters, its scale, or a rate."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from gradflow.base.arrays import Array, is_array
from gradflow.base.checks import function, integer, number, shown
from gradflow.base.provenance import attributes, config_as_dict
from gradflow.base.tables import named
from gradflow.descent.optimisers.hyper import Config
from gradflow.descent.optimisers.registry import check, is_switch
from gradflow.descent.prepared import recorded
from gradflow.descent.schedules import constant
from gradflow.ends.labels import outcome_codes
from gradflow.ends.thresholds import Threshold, bracket
from gradflow.flow.status import DIVERGED
from gradflow.networks.line import machine
from gradflow.networks.line.ends import outcomes
from gradflow.networks.line.ensemble import integrate_ensemble
from gradflow.networks.line.network import Network, as_network
from gradflow.networks.line.records import described, described_problem
from gradflow.networks.line.task import Task, task_of
from gradflow.neuron.problem import Neuron, Problem
from gradflow.sweeps.axes import Axis
from gradflow.sweeps.blocks import Grid, blocks, coordinates, place, require_each_once, values_at

SCALE = "scale"
"""The name of a factor of all parameters of the start."""

T_END = 1_000.0
SCAN = {"flow": 17, "steps": 257}
"""Values of an interval that a threshold looks at first."""

SECTIONS = {"flow": 1, "steps": 32}
"""Values that it decides at once then."""

FLOWS = 64
"""Flows that are followed at once."""


class Way(NamedTuple):
    """How outcomes are found: an optimiser and its steps, or the flow (no optimiser) and its time."""

    optimizer: Any
    steps: int
    t_end: float


def threshold(
    network: Network | Neuron | Array,
    vary: str,
    between: tuple[float, float],
    problem: Problem = Problem(),
    optimizer: Config | None = None,
    steps: int = 5000,
    *,
    t_end: float = T_END,
    tol: float = 1e-6,
    scan: int | None = None,
    change: int = 1,
) -> Threshold:
    """Locate where the outcome of a network changes along one parameter of its start.

    Parameters
    ----------
    network : Network, Neuron or array, shape (3m + 1)
    vary : str
        "scale", a factor of all parameters; "b2"; "w1_0", "b1_0", "w2_0" and so on, of one neuron (without
        the number if there is one only); or a hyper-parameter of the optimiser, such as "lr".
    between : (float, float)
        The interval.
    problem : Problem
    optimizer : config, optional
        By default outcomes are those of the gradient flow.
    steps : int
        The optimiser's updates.
    t_end : float
        The flow's time.
    tol, scan, change
        As `gradflow.ends.bracket`; by default 17 values are looked at first, or 257 of an optimiser.

    Returns
    -------
    Threshold
        No theorem settles outcomes of networks: they are where runs are seen to be at their ends.

    Raises
    ------
    ValueError, TypeError
        One line that names the argument, or says that the outcome does not change.
    """
    student, task, way = _checked(network, problem, optimizer, steps, t_end)
    _, find = _finder(student, task, problem, way, [vary], "vary")
    kind = "flow" if optimizer is None else "steps"

    def decide(values: np.ndarray) -> np.ndarray:
        return find({vary: values})[0]

    return bracket(
        decide,
        between,
        tol=tol,
        sections=SECTIONS[kind],
        scan=SCAN[kind] if scan is None else scan,
        change=change,
    )


def basins(
    network: Network | Neuron | Array,
    axes: Sequence[Axis],
    problem: Problem = Problem(),
    optimizer: Config | None = None,
    steps: int = 5000,
    *,
    t_end: float = T_END,
    progress: Callable[[float], object] | None = None,
) -> xr.Dataset:
    """Compute the outcome of every network of a grid.

    Parameters
    ----------
    network, problem, optimizer, steps, t_end
        As `threshold`.
    axes : sequence of Axis
        Their names are what `threshold` can vary.
    progress : callable, optional
        Called with the part of the grid that is done, from 0 to 1.

    Returns
    -------
    xarray.Dataset
        Along the axes: outcome, outcome_name and loss.

    Raises
    ------
    ValueError, TypeError
        One line that names the argument.

    Examples
    --------
    >>> import gradflow as gf
    >>> pair = gf.Network([1.0, -1.0], [0.1, 0.2], [0.5, 0.5])
    >>> grid = [gf.Axis("scale", -1.0, 1.0, 3)]
    >>> basins(pair, grid, gf.Problem(target="abs"), gf.GD(0.1), 500).outcome_name.values.tolist()
    ['undecided', 'linear', 'global']
    """
    student, task, way = _checked(network, problem, optimizer, steps, t_end)
    if isinstance(axes, (str, Axis)) or not isinstance(axes, Sequence) or not axes:
        raise TypeError(f"axes: expected some Axis in a list, got {shown(axes)}")
    for axis in axes:
        if not isinstance(axis, Axis):
            raise TypeError(f"axes: expected some Axis in a list, got {shown(axis)}")
    require_each_once(axes)
    if progress is not None:
        function("progress", progress, "the part that is done")
    names = [axis.name for axis in axes]
    at_once, find = _finder(student, task, problem, way, names, "grid")
    grid = Grid(axes, at_once)
    codes, losses = np.empty(grid.shape, dtype=np.int8), np.empty(grid.shape)
    indices = blocks(grid)
    for index in indices:
        here = place(grid, index)
        ended, loss = find({name: values.ravel() for name, values in values_at(grid, index).items()})
        codes[here], losses[here] = ended.reshape(codes[here].shape), loss.reshape(codes[here].shape)
        if progress is not None:
            progress((index + 1) / len(indices))
    outcome = outcome_codes(codes, names)
    settings = {
        **described_problem(problem),
        "network": described(student),
        "axes": [[axis.name, axis.lo, axis.hi, axis.n, axis.spacing] for axis in axes],
        "method": "flow" if optimizer is None else config_as_dict(optimizer),
        **({"t_end": way.t_end} if optimizer is None else {"steps": way.steps}),
    }
    return xr.Dataset(
        {
            "outcome": outcome,
            "outcome_name": named(outcome),
            "loss": (names, losses, {"long_name": "loss", "units": "1"}),
        },
        coords=coordinates(axes),
        attrs=attributes("Outcomes of networks on the line", "basins", settings),
    )


def _checked(
    network: Network | Neuron | Array, problem: Problem, optimizer: Config | None, steps: int, t_end: float
) -> tuple[Network, Task, Way]:
    student = as_network(network)
    if student.batch:
        raise ValueError(f"network: expected one network, got {student}")
    config = None if optimizer is None else check(optimizer)
    way = Way(config, integer("steps", steps, 0), number("t_end", t_end, 0.0))
    return student, task_of(problem), way


Find = Callable[[Mapping[str, np.ndarray]], tuple[np.ndarray, np.ndarray]]


def _finder(
    student: Network, task: Task, problem: Problem, way: Way, names: Sequence[str], argument: str
) -> tuple[int, Find]:
    """Return how many runs are made at once, and the function from what is varied to outcomes and losses."""
    rows, hyper = _places(student, way.optimizer, names, argument)

    def starts(values: Mapping[str, np.ndarray]) -> np.ndarray:
        count = next(iter(values.values())).shape[0]
        found = np.repeat(student.rows[:, None], count, axis=1)
        for name, row in rows.items():
            if row is not None:
                found[row] = values[name]
        return found * values[SCALE] if SCALE in rows else found

    def by_flow(values: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        found = integrate_ensemble(starts(values), problem, way.t_end)
        return outcomes(found.final, task, found.status == DIVERGED), found.loss

    def by_steps(values: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        begun = starts(values)
        config = check(way.optimizer._replace(**{name: values[name] for name in hyper}))
        _, due = recorded(way.steps, None)
        with np.errstate(over="ignore", invalid="ignore"):
            path = machine.descend(begun, task, config, due, constant)
            codes = outcomes(path.final, task, np.asarray(path.diverged))
        return codes, np.asarray(path.losses[-1])

    return (FLOWS, by_flow) if way.optimizer is None else (4096, by_steps)


def _places(
    student: Network, optimizer: Any, names: Sequence[str], argument: str
) -> tuple[dict[str, int | None], list[str]]:
    """Return which row each name varies (None: all, as a factor), and which are hyper-parameters."""
    m = student.m
    known: dict[str, int | None] = {SCALE: None, "b2": 3 * m}
    for i, part in enumerate(("w1", "b1", "w2")):
        known.update({f"{part}_{j}": i * m + j for j in range(m)})
        if m == 1:
            known[part] = i
    fields = () if optimizer is None else optimizer._fields
    hyper = [name for name in fields if not is_switch(name) and not is_array(getattr(optimizer, name))]
    for name in names:
        if name not in known and name not in hyper:
            last = "" if m == 1 else f" to w2_{m - 1}"
            allowed = ", ".join([SCALE, "b2", *(("w1", "b1", "w2") if m == 1 else (f"w1_0{last}",)), *hyper])
            hint = "; neurons count from 0" if re.fullmatch(r"[wb][12]_\d+", str(name)) else ""
            raise ValueError(f"{argument}: expected one of {allowed}, got {shown(name)}{hint}")
    return {name: known[name] for name in names if name in known}, [name for name in names if name in hyper]
