"""The gradient flow of large networks by small explicit steps, with a stated error.

The state is every neuron's direction and log-norm (`gradflow.networks.two_layer.network`). The steps are
those of Bogacki and Shampine [1]_, with the gates taken anew at every stage and no crossing located: a step
that passes a wall w_j·x_i = 0 has an error of its length times the jump of the force, and is made short
enough for the tolerance. What that leaves is measured, by the same run with a tolerance four times smaller.

References
----------
.. [1] P. Bogacki, L. F. Shampine, "A 3(2) pair of Runge-Kutta formulas", Applied Mathematics Letters 2
   (1989) 321-325.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from gradflow.base.arrays import Array, namespace, to_numpy
from gradflow.base.checks import integer, number
from gradflow.base.provenance import attributes
from gradflow.networks.two_layer.losses import Objective
from gradflow.networks.two_layer.network import TwoLayer, check_start, forces, normalize, on_device, velocity
from gradflow.networks.two_layer.record import Records

REFINED = 4.0
"""How many times smaller the tolerance of the run is that is returned."""


class SmallSteps(NamedTuple):
    """The result of `flow_by_steps`.

    Attributes
    ----------
    final : TwoLayer
        The networks at `t_end`, normalised.
    history : xarray.Dataset
        What was recorded, with the stated errors; see `flow_by_steps`.
    """

    final: TwoLayer
    history: xr.Dataset


def flow_by_steps(
    network: TwoLayer,
    objective: Objective,
    t_end: float,
    *,
    tol: float = 1e-4,
    record: int | Sequence[float] = 51,
    states: bool = False,
    max_steps: int = 1_000_000,
    progress: Callable[[float], object] | None = None,
) -> SmallSteps:
    """Follow the gradient flow of networks by steps, twice, and say how far the two runs are apart.

    Parameters
    ----------
    network : TwoLayer
        The networks at the start; they share their steps.
    objective : Objective
        What is minimised.
    t_end : float
        The time, ≥ 0: of the flow of the objective, sum or mean as it is.
    tol : float
        In (0, 1): how far a step's two formulas may be apart in a neuron's direction or log-norm, in the
        coarser run. The other one has tol/4, and is what is returned.
    record : int or sequence of float
        How many times at equal distances from 0 to `t_end`, ≥ 2; or times of [0, t_end], to which 0 and
        `t_end` are added.
    states : bool
        Whether to record weights, outputs and log-scales.
    max_steps : int
        A run that needs more is given up.
    progress : callable, optional
        Called with the time reached, at every record.

    Returns
    -------
    SmallSteps
        The history lies along `time`, and has what `gradflow.networks.two_layer.steps.train` records; and
        along time and networks the largest differences of the two runs: `error_direction` (of a neuron's
        (w_j, v_j)/r_j, Euclidean), `error_log_norm` (of log r_j), `error_loss`. `steps` counts those taken up
        to each time.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.
    RuntimeError
        If a run needs more than `max_steps`, or its steps become too short for the clock.

    Notes
    -----
    The error of the run that is returned is about a third of the stated one where errors are proportional to
    the tolerance. At walls they depend on where within a step they are crossed, and the two runs may err
    alike: then the true error may be several times the stated one (a test counts how often).

    A neuron that slides along a wall is followed by steps of about tol over the jump of its velocity, back
    and forth across the wall: for small networks `gradflow.networks.two_layer.flow.gradient_flow` is faster
    and more accurate.
    """
    times = _times(t_end, record)
    tol = number("tol", tol)
    if not 0.0 < tol < 1.0:
        raise ValueError(f"tol: expected a number in (0, 1), got {tol!r}")
    check_start(network, objective)
    coarse = list(_run(normalize(network), objective, times, tol, max_steps))
    records = Records(objective, states)
    for index, (state, count) in enumerate(
        _run(normalize(network), objective, times, tol / REFINED, max_steps)
    ):
        records.add(state, **_differences(state, coarse[index][0]), steps=np.array(count))
        if progress is not None:
            progress(float(times[index]))
    other = Records(objective, False)
    for state, _ in coarse:
        other.add(state)
    records.rows["error_loss"] = [
        np.abs(a - b) for a, b in zip(records.rows["loss"], other.rows["loss"], strict=True)
    ]
    configuration = {
        **objective.described(),
        "t_end": t_end,
        "tol": tol,
        "shape": list(network.weights.shape),
        "dtype": str(to_numpy(network.outputs).dtype),
    }
    title = f"Gradient flow on {objective.data.name}, by steps"
    provenance = attributes(title, "alignment.flow_by_steps", configuration)
    counts = np.stack(records.rows.pop("steps"))
    history = records.dataset("time", times, {"long_name": "time of the flow", "units": "1"}, provenance)
    history["steps"] = ("time", counts, {"long_name": "steps taken", "units": "1"})
    for name, long in _ERRORS.items():
        history[name].attrs["long_name"] = long
    return SmallSteps(state, history)


_ERRORS = {
    "error_direction": "largest difference of a neuron's direction from a run of 4 times the tolerance",
    "error_log_norm": "largest difference of a neuron's log-norm from a run of 4 times the tolerance",
    "error_loss": "difference of the objective from a run of 4 times the tolerance",
}


def _differences(state: TwoLayer, other: TwoLayer) -> dict[str, Array]:
    xp = namespace(state.weights)
    square = xp.sum((state.weights - other.weights) ** 2, axis=-1) + (state.outputs - other.outputs) ** 2
    return {
        "error_direction": xp.sqrt(xp.max(square, axis=-1)),
        "error_log_norm": xp.max(xp.abs(state.log_scale - other.log_scale), axis=-1),
    }


def _run(network: TwoLayer, objective: Objective, times: np.ndarray, tol: float, most: int) -> Any:
    """Yield the state and the number of steps at each of the times."""
    rate = _rate(objective, *on_device(objective, network))
    slope, count = rate(network), 0
    yield network, count
    # The first step is a guess, which the error estimate corrects.
    speed = float(namespace(network.weights).max(_sizes(slope.velocity)))
    length = min(tol / speed, float(times[-1])) if speed > 0.0 else float(times[-1])
    now = 0.0
    for target in times[1:].tolist():
        while now < target:
            last = now + 1.000001 * length >= target
            step = target - now if last else length
            if now + step <= now:
                raise ValueError(
                    f"tol: at time {now:g} the steps are too short for the clock; take a larger one"
                )
            new, new_slope, error = _step(network, slope, step, rate)
            growth = 0.9 * (tol / error) ** (1.0 / 3.0) if error > 0.0 else 5.0
            if not math.isfinite(error) or error > tol:
                length = step * (min(max(growth, 0.1), 0.9) if math.isfinite(error) else 0.1)
                continue
            network, slope, now = new, new_slope, target if last else now + step
            # A step cut short by a record time says nothing against the length before.
            length = max(length, step * min(growth, 5.0)) if last else step * min(max(growth, 0.2), 5.0)
            count += 1
            if count >= most:
                raise RuntimeError(f"max_steps: {most} steps reach time {now:g} of {times[-1]:g} only")
        yield network, count


class _Slope(NamedTuple):
    velocity: TwoLayer
    active: Array


def _rate(objective: Objective, x: Array, y: Array) -> Callable[[TwoLayer], _Slope]:
    def rate(network: TwoLayer) -> _Slope:
        xp = namespace(x)
        z = xp.matmul(network.weights, xp.permute_dims(x, (1, 0)))
        active = z > 0.0
        mixing = network.outputs * xp.exp(2.0 * network.log_scale)
        f = xp.matmul(mixing[..., None, :], xp.where(active, z, xp.zeros_like(z)))[..., 0, :]
        pulls = objective.weight * objective.loss.pull(y, f)
        return _Slope(velocity(network, forces(active, pulls, x)), active)

    return rate


def _step(
    network: TwoLayer, first: _Slope, step: float, rate: Callable[[TwoLayer], _Slope]
) -> tuple[TwoLayer, _Slope, float]:
    """Return the state after a step, its slope, and the error: the largest of a neuron.

    A neuron that keeps its pattern has the distance of the two formulas. One that changes it has the most
    that a jump of the slope within the step can do: the weights of the stages after a jump at the share θ of
    the step, 7/9 for θ < 1/2, 4/9 for θ < 3/4 and 0 beyond, are off from the right 1 − θ by 5/18 at most,
    whereas the two formulas may agree by chance.
    """
    second = rate(_moved(network, (first.velocity, 0.5 * step)))
    third = rate(_moved(network, (second.velocity, 0.75 * step)))
    weights = ((first.velocity, 2 / 9 * step), (second.velocity, step / 3), (third.velocity, 4 / 9 * step))
    new = _on_sphere(_moved(network, *weights))
    fourth = rate(new)
    stages = (first, second, third, fourth)
    apart = _sum([(s.velocity, c) for s, c in zip(stages, (-5 / 72, 1 / 12, 1 / 9, -1 / 8), strict=True)])
    errors = _sizes(apart)
    xp = namespace(errors)
    for stage in stages[1:]:
        crossed = xp.any(stage.active != first.active, axis=-1)
        if bool(xp.any(crossed)):
            jump = 5 / 18 * _sizes(_sum([(stage.velocity, 1.0), (first.velocity, -1.0)]))
            errors = xp.where(crossed, xp.maximum(errors, jump), errors)
    return new, fourth, step * float(xp.max(errors))


def _moved(network: TwoLayer, *parts: tuple[TwoLayer, float]) -> TwoLayer:
    return TwoLayer(*(old + change for old, change in zip(network, _sum(parts), strict=True)))


def _sum(parts: Sequence[tuple[TwoLayer, float]]) -> TwoLayer:
    total = TwoLayer(*(parts[0][1] * value for value in parts[0][0]))
    for part, weight in parts[1:]:
        total = TwoLayer(*(old + weight * value for old, value in zip(total, part, strict=True)))
    return total


def _on_sphere(network: TwoLayer) -> TwoLayer:
    """Return the directions at length 1; the log-norms have their own equation and stay."""
    xp = namespace(network.weights)
    length = xp.sqrt(xp.sum(network.weights**2, axis=-1) + network.outputs**2)
    length = xp.where(length > 0.0, length, xp.ones_like(length))
    return TwoLayer(network.weights / length[..., None], network.outputs / length, network.log_scale)


def _sizes(change: TwoLayer) -> Array:
    """Return the larger change of each neuron, that of its direction or of its log-norm, shape (…, h)."""
    xp = namespace(change.weights)
    direction = xp.sqrt(xp.sum(change.weights**2, axis=-1) + change.outputs**2)
    return xp.maximum(direction, xp.abs(change.log_scale))


def _times(t_end: float, record: int | Sequence[float]) -> np.ndarray:
    t_end = number("t_end", t_end, 0.0)
    if isinstance(record, (int, np.integer)):
        return np.linspace(0.0, t_end, integer("record", record, 2))
    times = np.asarray(record, dtype=float)
    if times.ndim != 1 or not np.all((times >= 0.0) & (times <= t_end)):
        raise ValueError(f"record: expected times from 0 to t_end = {t_end:g}, got {record!r}")
    return np.union1d(times, [0.0, t_end])
