"""A neuron or a network, a teacher neuron or any target: loss, flow and training of whichever it is.

A `Neuron` with a teacher neuron and uniform inputs or a sample goes to the single neuron's own code
(`gradflow.field`, `gradflow.runs`), all else to `gradflow.networks.line`, which is loaded only then. What is
given decides on the result: a neuron's run has no dimension `neuron`, whatever it learns and whatever is
frozen; a network's has one, of length 1 where the network has one neuron.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gradflow.base.arrays import Array
from gradflow.neuron.problem import PARAMETERS, Neuron, Problem, Sample, as_neuron
from gradflow.neuron.targets import Target

if TYPE_CHECKING:
    import xarray as xr

    from gradflow.descent.optimisers.hyper import Config
    from gradflow.descent.schedules import Schedule
    from gradflow.networks.line.network import Network


def is_general(neuron: object, problem: object) -> bool:
    """Whether it takes networks on the line: a network, or a target or a law that no neuron's code knows."""
    return isinstance(neuron, Target) or (isinstance(problem, Problem) and problem.is_general)


def is_network(neuron: object, problem: object) -> bool:
    """Whether it is a network, or where a problem takes these an array of other than four rows."""
    if isinstance(neuron, np.ndarray):
        return is_general(neuron, problem) and neuron.shape[:1] != (len(PARAMETERS),)
    return isinstance(neuron, Target)


def loss(neuron: Neuron | Network | Array, problem: Problem = Problem()) -> Array:
    """Return the loss E[(f − f*)²] (no factor ½) of neurons or networks.

    Parameters
    ----------
    neuron : Neuron, Network or array
        The students. An array has the shape (4, …), of neurons, or (3m + 1, …) where the problem has a target
        or law of its own.
    problem : Problem
        What they learn.

    Returns
    -------
    array
        Never negative. `gradflow.field.loss` for neurons, `gradflow.networks.line.loss` for all else.

    Raises
    ------
    ValueError, TypeError
        One line that names the argument.

    Examples
    --------
    >>> import gradflow as gf
    >>> float(gf.loss(gf.Neuron(b2=1.0)))
    1.0
    >>> float(gf.loss(gf.Network([1.0, -1.0], [0.0, 0.0], [1.0, 1.0]), gf.Problem(target="abs")))
    0.0
    """
    some, students = _field(neuron, problem)
    return some.loss(students, problem)


def gradient(neuron: Neuron | Network | Array, problem: Problem = Problem()) -> Array:
    """Return ∂L/∂θ: (4, …) for neurons, in the order (w1, b1, w2, b2); (3m + 1, …) for networks.

    See Also
    --------
    loss : parameters.
    """
    some, students = _field(neuron, problem)
    return some.gradient(students, problem)


def hessian(neuron: Neuron | Network | Array, problem: Problem = Problem()) -> Array:
    """Return ∂²L/∂θ²: (4, 4, …) for neurons, (3m + 1, 3m + 1, …) for networks.

    See Also
    --------
    loss : parameters.
    """
    some, students = _field(neuron, problem)
    return some.hessian(students, problem)


def gradient_flow(
    neuron: Neuron | Network | Array = Neuron(),
    problem: Problem = Problem(),
    *,
    t_end: float = 200.0,
    rtol: float = 1e-10,
    method: str = "auto",
    times: Array | None = None,
    max_steps: int | None = None,
    theory: bool = True,
    until_decided: bool = False,
    frozen: Sequence[str] = (),
    progress: Callable[[float], None] | None = None,
) -> xr.Dataset:
    """Integrate dθ/dt = −∇L of one neuron (`gradflow.runs.gradient_flow`), or of one network or many.

    Parameters
    ----------
    neuron : Neuron, Network or array
        The start; an array of networks is followed at common times.
    problem : Problem
        One target, one law.
    t_end, rtol, times, max_steps, progress
        As `gradflow.runs.gradient_flow`, of networks as `gradflow.networks.line.gradient_flow`.
    method, theory, until_decided
        The same, of neurons only: networks are integrated by DOP853 or Radau, and no theorem decides where
        they end.
    frozen : sequence of {'w1', 'b1', 'w2', 'b2'}
        Parameters that stay as they are; no theorem then decides where a neuron ends, and its limit is where
        what moves rests.

    Returns
    -------
    xarray.Dataset
        Of a neuron that of `gradflow.runs.gradient_flow`; of a network, with a dimension `neuron`, that of
        `gradflow.networks.line.gradient_flow`.

    Raises
    ------
    ValueError, TypeError
        One line that names the argument.

    Examples
    --------
    >>> flow = gf.gradient_flow(gf.Neuron(b2=-1.2), t_end=50.0)
    >>> flow.outcome_name.item(), list(flow.loss.dims)
    ('global', ['time'])
    """
    _require_shallow(neuron)
    given: dict[str, Any] = {"t_end": t_end, "rtol": rtol, "times": times, "progress": progress}
    on_sample = isinstance(problem, Problem) and isinstance(problem.inputs, Sample)
    general = is_general(neuron, problem)
    if not (general or len(_frozen(frozen)) or on_sample):
        from gradflow.runs.flow import gradient_flow as of_neuron

        return of_neuron(
            neuron,
            problem,
            method=method,
            max_steps=max_steps,
            theory=theory,
            until_decided=until_decided,
            **given,
        )
    for name, value, plain in (
        ("method", method, "auto"),
        ("theory", theory, True),
        ("until_decided", until_decided, False),
    ):
        if value is not plain and value != plain:
            what = "a network, a target, a law, frozen parameters or a flow on a sample"
            raise ValueError(f"{name}: expected {plain} for {what}, got {value!r}")
    if max_steps is not None:
        given["max_steps"] = max_steps
    if is_network(neuron, problem):
        from gradflow.networks.line.flow import gradient_flow as of_network

        return of_network(neuron, problem, frozen=frozen, **given)
    from gradflow.networks.of_neuron import gradient_flow as of_one

    return of_one(neuron, problem, frozen=frozen, **given)


def train(
    neuron: Neuron | Network | Array = Neuron(),
    problem: Problem = Problem(),
    optimizer: Config | None = None,
    steps: int = 5000,
    *,
    schedule: Schedule | None = None,
    record_every: int | None = None,
    dtype: Any = "float64",
    batch: int | None = None,
    seed: int = 0,
    replacement: bool = False,
    frozen: Sequence[str] = (),
    progress: Callable[[int], object] | None = None,
) -> xr.Dataset:
    """Train neurons (`gradflow.runs.train`) or networks (`gradflow.networks.line.train`) with finite steps.

    Parameters
    ----------
    neuron : Neuron, Network or array
        The starts.
    problem : Problem
        What they learn.
    optimizer : config, optional
        Such as ``Adam(lr=0.01)``, which is the default.
    steps : int
        Number of updates.
    schedule : function of the step, optional
        The learning rate's factor (`gradflow.descent.schedules`); by default 1.
    record_every : int, optional
        By default as many steps apart as keeps the records at 10 001 or fewer, for networks at 1001.
    dtype : {'float64', 'float32'} or dtype
        Everything is computed in it.
    batch, seed, replacement
        Minibatches, as `gradflow.networks.line.train`; no theorem then decides where a neuron ends, as none
        does where the problem has a target or a law of its own.
    frozen : sequence of {'w1', 'b1', 'w2', 'b2'}
        Parameters that stay as they are; no theorem then decides where a neuron ends.
    progress : callable, optional
        Called with the number of updates done, about 100 times.

    Returns
    -------
    xarray.Dataset
        Of neurons that of `gradflow.runs.train`; of networks, with a dimension `neuron`, that of
        `gradflow.networks.line.train`.

    Raises
    ------
    ValueError, TypeError
        One line that names the argument.

    Examples
    --------
    >>> run = gf.train(gf.Neuron(b2=1.0), gf.Problem(), gf.GD(lr=[0.1, 0.7]), steps=500)
    >>> run.outcome_name.values.tolist(), dict(run.loss.sizes)
    (['global', 'constant'], {'step': 501, 'lr': 2})
    """
    from gradflow.descent.minibatches import asked
    from gradflow.descent.schedules import constant

    given: dict[str, Any] = {
        "schedule": constant if schedule is None else schedule,
        "record_every": record_every,
        "progress": progress,
    }
    _require_shallow(neuron)
    how = asked(batch, seed, replacement)
    if not (is_general(neuron, problem) or len(_frozen(frozen)) or how):
        from gradflow.runs.training import train as of_neurons

        return of_neurons(neuron, problem, optimizer, steps, dtype=dtype, **given)
    if not is_network(neuron, problem):
        from gradflow.networks.of_neuron import train as of_these

        return of_these(neuron, problem, optimizer, steps, dtype=dtype, how=how, frozen=frozen, **given)
    from gradflow.networks.line.training import train as of_networks

    given |= {"batch": batch, "seed": seed, "replacement": replacement}
    return of_networks(neuron, problem, optimizer, steps, dtype=dtype, frozen=frozen, **given)


def _require_shallow(neuron: object) -> None:
    """Raise a one-line TypeError that says what takes it if this is an architecture of deep networks."""
    # Known by where its class is defined: nothing is loaded for the question.
    if type(neuron).__module__ == "gradflow.networks.deep.network":
        raise TypeError(
            "neuron: expected a neuron or a network of one hidden layer, got a deep Network; "
            "gradflow.networks.deep.train takes it"
        )


def _field(neuron: Any, problem: object) -> tuple[Any, Any]:
    """Return the package whose loss, gradient and Hessian it takes, and the students as that takes them."""
    _require_shallow(neuron)
    if is_general(neuron, problem):
        from gradflow.networks import line

        return line, as_neuron(neuron) if isinstance(neuron, (list, tuple)) else neuron
    from gradflow import field

    return field, neuron


def _frozen(frozen: Any) -> Sequence[str]:
    """Return names of parameters in a sequence (TypeError: one line)."""
    from gradflow.base.checks import shown

    if isinstance(frozen, str) or not isinstance(frozen, Sequence):
        raise TypeError(f"frozen: expected some of w1, b1, w2, b2 in a tuple, got {shown(frozen)}")
    return frozen
