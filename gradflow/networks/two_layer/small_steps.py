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
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr

from gradflow.base.arrays import Array, namespace, to_numpy
from gradflow.base.checks import in_interval, integer, number
from gradflow.base.provenance import attributes
from gradflow.networks.two_layer.losses import Objective
from gradflow.networks.two_layer.network import TwoLayer, check_start, forces, normalize, on_device, velocity
from gradflow.networks.two_layer.record import Records

REFINED = 4.0
"""Factor by which the tolerance of the run that is returned is smaller."""


class SmallSteps(NamedTuple):
    """Result of `flow_by_steps`.

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
    tol = in_interval("tol", tol, "(0, 1)")
    check_start(network, objective)
    start = normalize(network)
    coarse = [state for state, _ in _run(start, objective, times, tol, max_steps)]
    records, other = Records(objective, states), Records(objective, False)
    for index, (state, count) in enumerate(_run(start, objective, times, tol / REFINED, max_steps)):
        records.add(state, **_differences(state, coarse[index]), steps=np.array(count))
        other.add(coarse[index])
        if progress is not None:
            progress(float(times[index]))
    losses = zip(records.rows["loss"], other.rows["loss"], strict=True)
    records.rows["error_loss"] = [np.abs(fine - rough) for fine, rough in losses]
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


def _run(
    network: TwoLayer, objective: Objective, times: np.ndarray, tol: float, most: int
) -> Iterator[tuple[TwoLayer, int]]:
    """Yield the networks and the number of steps at each of the times."""
    rate = _rate(objective, *on_device(objective, network))
    state, count = _packed(network), 0
    slope = rate(state)
    yield network, count
    # The first step is a guess, which the error estimate corrects.
    speed = float(namespace(state).max(_sizes(slope.velocity)))
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
            new, new_slope, error = _step(state, slope, step, rate)
            growth = 0.9 * (tol / error) ** (1.0 / 3.0) if error > 0.0 else 5.0
            if not math.isfinite(error) or error > tol:
                length = step * (min(max(growth, 0.1), 0.9) if math.isfinite(error) else 0.1)
                continue
            state, slope, now = new, new_slope, target if last else now + step
            # A step cut short by a record time says nothing against the length before.
            length = max(length, step * min(growth, 5.0)) if last else step * min(max(growth, 0.2), 5.0)
            count += 1
            if count >= most:
                raise RuntimeError(f"max_steps: {most} steps reach time {now:g} of {times[-1]:g} only")
        yield _unpacked(state), count


class _Slope(NamedTuple):
    velocity: Array
    active: Array


def _packed(network: TwoLayer) -> Array:
    """Return weights, output and log-scale of each neuron in one array, shape (…, h, D + 2)."""
    weights, outputs, log_scale = network
    return namespace(weights).concat([weights, outputs[..., None], log_scale[..., None]], axis=-1)


def _unpacked(state: Array) -> TwoLayer:
    return TwoLayer(state[..., :-2], state[..., -2], state[..., -1])


def _rate(objective: Objective, x: Array, y: Array) -> Callable[[Array], _Slope]:
    def rate(state: Array) -> _Slope:
        xp, network = namespace(x), _unpacked(state)
        z = xp.matmul(network.weights, xp.permute_dims(x, (1, 0)))
        active = z > 0.0
        mixing = network.outputs * xp.exp(2.0 * network.log_scale)
        f = xp.matmul(mixing[..., None, :], xp.where(active, z, xp.zeros_like(z)))[..., 0, :]
        pulls = objective.weight * objective.loss.pull(y, f)
        return _Slope(_packed(velocity(network, forces(active, pulls, x))), active)

    return rate


def _step(
    state: Array, first: _Slope, step: float, rate: Callable[[Array], _Slope]
) -> tuple[Array, _Slope, float]:
    """Return the state after a step, its slope, and the error: the largest of a neuron.

    A neuron that keeps its pattern has the distance of the two formulas. One that changes it has the most
    that a jump of the slope within the step can do: the weights of the stages after a jump at the share θ of
    the step, 7/9 for θ < 1/2, 4/9 for θ < 3/4 and 0 beyond, are off from the right 1 − θ by 5/18 at most,
    whereas the two formulas may agree by chance.
    """
    second = rate(state + 0.5 * step * first.velocity)
    third = rate(state + 0.75 * step * second.velocity)
    k1, k2, k3 = first.velocity, second.velocity, third.velocity
    new = _on_sphere(state + ((2 / 9 * step) * k1 + (step / 3) * k2 + (4 / 9 * step) * k3))
    fourth = rate(new)
    errors = _sizes(-5 / 72 * k1 + 1 / 12 * k2 + 1 / 9 * k3 + -1 / 8 * fourth.velocity)
    xp = namespace(errors)
    for stage in (second, third, fourth):
        crossed = xp.any(stage.active != first.active, axis=-1)
        if bool(xp.any(crossed)):
            jump = 5 / 18 * _sizes(stage.velocity - k1)
            errors = xp.where(crossed, xp.maximum(errors, jump), errors)
    return new, fourth, step * float(xp.max(errors))


def _on_sphere(state: Array) -> Array:
    """Return the directions at length 1; the log-norms have their own equation and stay."""
    xp, (weights, outputs, log_scale) = namespace(state), _unpacked(state)
    length = xp.sqrt(xp.sum(weights**2, axis=-1) + outputs**2)
    length = xp.where(length > 0.0, length, xp.ones_like(length))
    return _packed(TwoLayer(weights / length[..., None], outputs / length, log_scale))


def _sizes(change: Array) -> Array:
    """Return the larger change of each neuron, that of its direction or of its log-norm, shape (…, h)."""
    xp, (weights, outputs, log_scale) = namespace(change), _unpacked(change)
    return xp.maximum(xp.sqrt(xp.sum(weights**2, axis=-1) + outputs**2), xp.abs(log_scale))


def _times(t_end: float, record: int | Sequence[float]) -> np.ndarray:
    t_end = number("t_end", t_end, 0.0)
    if isinstance(record, (int, np.integer)):
        return np.linspace(0.0, t_end, integer("record", record, 2))
    times = np.asarray(record, dtype=float)
    if times.ndim != 1 or not np.all((times >= 0.0) & (times <= t_end)):
        raise ValueError(f"record: expected times from 0 to t_end = {t_end:g}, got {record!r}")
    return np.union1d(times, [0.0, t_end])
