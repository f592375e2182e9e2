"""Training of two-layer networks by finite steps: all data or batches, any optimiser of `gradflow.descent`.

The steps of GD, heavy ball and Nesterov are linear in a neuron (w_j, v_j) once the pulls are known, so a
neuron is kept as numbers of ordinary size beside the logarithm of its scale, and scales of exp(−30 000) are
as good as 1. Scaling is by powers of two, which is exact: how often it is done changes no direction.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
import xarray as xr

from gradflow.base.arrays import Array, device, namespace, to_numpy
from gradflow.base.checks import integer
from gradflow.base.labelled import unlabelled
from gradflow.base.progress import sparse
from gradflow.base.provenance import attributes, config_as_dict
from gradflow.descent import GD, HeavyBall, Nesterov
from gradflow.descent.axes import coordinates
from gradflow.descent.optimisers.hyper import Config
from gradflow.descent.optimisers.registry import check, init, update
from gradflow.descent.prepared import factor, recorded
from gradflow.descent.schedules import Schedule, constant
from gradflow.networks.rates import for_networks
from gradflow.networks.two_layer.grouped import Grouped, pays, takes
from gradflow.networks.two_layer.losses import Objective
from gradflow.networks.two_layer.network import TwoLayer, binary_exponent, check_network, normalize, on_device
from gradflow.networks.two_layer.record import Records, network_axes

HOMOGENEOUS = (GD, HeavyBall, Nesterov)
"""The optimisers whose step is linear in each neuron, for given pulls."""
# A neuron's scale is brought back to 1 after so many steps; each multiplies it by 1 + η|G| at most.
RESCALE = 8
LEAST = {"float64": -300.0, "float32": -35.0}
"""The least log-scale at which an optimiser that is not homogeneous sees the squares of its gradients."""


class Training(NamedTuple):
    """Result of `train`.

    Attributes
    ----------
    final : TwoLayer
        The networks after the last step, in the namespace of the run. Normalised, unless the outputs are
        frozen: then these and the scales are the ones given, to the bit.
    history : xarray.Dataset
        What was recorded; see `train`.
    """

    final: TwoLayer
    history: xr.Dataset


class Stepper(Protocol):
    """Networks that take steps."""

    def advance(self, rate: float, batch: Array | None) -> Array | bool:
        """Take one step, of the rate times `rate`; return which networks could (bool), or True for all."""

    def network(self) -> TwoLayer:
        """Return the networks as they are."""


def train(
    network: TwoLayer,
    objective: Objective,
    optimizer: Config,
    steps: int,
    *,
    schedule: Schedule = constant,
    batch_size: int | None = None,
    seed: int = 0,
    freeze_outputs: bool = False,
    record_every: int | None = None,
    record_at: Iterable[int] = (),
    states: bool = False,
    progress: Callable[[int], object] | None = None,
    grouped: bool | None = None,
) -> Training:
    """Train networks of the same shape, side by side.

    Parameters
    ----------
    network : TwoLayer
        The networks at the start, float32 or float64: training keeps dtype, library and device.
    objective : Objective
        What is minimised.
    optimizer : one of the config classes of `gradflow.descent`
        Its hyper-parameters may be arrays that broadcast with the leading axes of the networks.
    steps : int
        The number of updates, ≥ 0.
    schedule : function of the step
        The factor of the learning rate at update k = 0, 1, … (`gradflow.descent.schedules`).
    batch_size : int, optional
        From 1 to n: each epoch is a new random order of the data, cut into batches of this size (the last may
        be smaller), the same for all networks. The gradient of a batch estimates that of the objective: it
        is n/|batch| times its part. By default every step takes all data.
    seed : int
        Of the order of the data; it matters with `batch_size` only.
    freeze_outputs : bool
        Whether the v_j stay as they are.
    record_every : int, optional
        Record every so many steps.
    record_at : iterable of int
        Record at these steps too, each from 0 to `steps`. The first and the last state are recorded always.
    states : bool
        Whether to record weights, outputs and log-scales.
    progress : callable, optional
        Called with the number of updates done, about 100 times.
    grouped : bool, optional
        Whether to compute with the margins w_j·x_i and the Gram matrix of the inputs, one product for all
        neurons with the same activation pattern (`gradflow.networks.two_layer.grouped`): the same numbers up
        to rounding. By default, where that is faster.

    Returns
    -------
    Training
        The history lies along step and the leading axes of the networks (`network`, or `network_0`, …):
        `loss`, `largest_output`, `stable_rank`, `patterns`, `count_positive`, `count_negative`, `count_dead`,
        `count_none`; with neuron: `log_norm`, `cos_positive`, `cos_negative`, `membership`
        (`gradflow.networks.two_layer.record.measure`); `diverged_step`: the update that failed, −1 if none
        did. Hyper-parameters that vary over the networks are coordinates.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, or an optimiser other than GD, heavy ball and Nesterov is given
        neurons too small for its squares.

    Notes
    -----
    A network has diverged when an output or a pull leaves the range in which the arithmetic is safe. It stays
    at its last good state; the others go on, unharmed.
    """
    check_network(network, objective)
    steps, due = _recorded(steps, record_every, record_at)
    batches = _batches(objective.data.n, batch_size, seed)
    checked: Any = check(optimizer)
    optimizer = type(checked)(*map(unlabelled, checked))
    if grouped is None:
        grouped = batch_size is None and pays(network, objective, optimizer)
    if grouped and (batch_size is not None or not takes(optimizer) or network.outputs.ndim != 1):
        raise ValueError("grouped: expected one network, GD without weight decay and no batch_size")
    stepper: Stepper = (
        Grouped(network, objective, optimizer.lr, freeze_outputs)
        if grouped
        else Plain(network, objective, optimizer, freeze_outputs)
    )
    records = Records(objective, states)
    shape = network.outputs.shape[:-1]
    failed = np.full(shape, -1, dtype=np.int64)
    report = sparse(progress, steps)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        for step in range(steps):
            if step == due[records.count]:
                records.add(stepper.network())
            within_bounds = stepper.advance(factor(schedule, step), next(batches))
            if within_bounds is not True:
                failed = np.where((failed < 0) & ~to_numpy(within_bounds), step + 1, failed)
            report(step + 1)
        final = stepper.network()
        records.add(final)
    if progress is not None:
        progress(steps)
    configuration = {
        **objective.described(),
        "optimizer": config_as_dict(optimizer),
        "schedule": repr(schedule),
        "steps": steps,
        "batch_size": batch_size,
        "freeze_outputs": freeze_outputs,
        "shape": list(network.weights.shape),
        "dtype": str(to_numpy(network.outputs).dtype),
        "grouped": grouped,
    }
    title, drawn = f"Training on {objective.data.name}", None if batch_size is None else seed
    provenance = attributes(title, "alignment.train", configuration, drawn)
    along = np.array(due, dtype=np.int64)
    history = records.dataset("step", along, {"long_name": "updates done", "units": "1"}, provenance)
    long = {"long_name": "update that failed (-1: none)", "units": "1"}
    axes = network_axes(len(shape))
    rates = coordinates(optimizer._asdict(), shape, axes)
    return Training(final, history.assign(diverged_step=(axes, failed, long)).assign_coords(rates))


class Plain:
    """Networks with any optimiser, on all data or on a batch, by matrix products over all neurons."""

    def __init__(self, network: TwoLayer, objective: Objective, optimizer: Config, frozen: bool) -> None:
        xp = namespace(network.weights)
        self.objective, self.frozen = objective, frozen
        self.x, self.y = on_device(objective, network)
        self.linear = isinstance(optimizer, HOMOGENEOUS)
        self.config = for_networks(optimizer, tuple(network.outputs.shape[:-1]), network.weights, inner=2)
        self.given = network
        self.log_scale = xp.astype(network.log_scale, xp.float64)
        weights, outputs = network.weights, network.outputs
        self.columns: tuple[Array, Array, Array] | None = None
        if self.linear:
            self.columns = _columns(self.x)
            if self.columns is not None:
                self.x = xp.take(self.x, self.columns[0], axis=1)
                weights = xp.take(weights, self.columns[0], axis=-1)
        else:
            _require_scale(network, optimizer)
            size = xp.exp(network.log_scale)
            weights, outputs = weights * size[..., None], outputs * size
            self.log_scale = xp.zeros_like(self.log_scale)
        self.theta = xp.concat([weights, outputs[..., None]], axis=-1)
        self.state = init(self.config, self.theta)
        self.shift = xp.zeros_like(self.log_scale)
        self.alive: Array | None = None
        self.bound = float(xp.finfo(self.theta.dtype).max) ** (1 / 3)
        self.count = 0

    def advance(self, rate: float, batch: Array | None) -> Array | bool:
        """Take one step; see `Stepper`."""
        xp = namespace(self.theta)
        x, y, weight = self.x, self.y, self.objective.weight
        if batch is not None:
            index = xp.asarray(batch, device=device(x))
            x, y = xp.take(x, index, axis=0), xp.take(y, index)
            weight = weight * (self.objective.data.n / batch.shape[0])
        w, v = self.theta[..., :-1], self.theta[..., -1]
        z = _product(w, xp.permute_dims(x, (1, 0)))
        active = z > 0.0
        hidden = xp.where(active, z, xp.zeros_like(z))
        size = xp.exp(2.0 * (self.log_scale + math.log(2.0) * self.shift))
        mixing = v * xp.astype(size, v.dtype, copy=False)
        f = xp.matmul(mixing[..., None, :], hidden)[..., 0, :]
        pull = weight * self.objective.loss.pull(y, f)
        force = _product(xp.where(active, pull[..., None, :], xp.zeros_like(z)), x)
        along = xp.zeros_like(v) if self.frozen else xp.sum(w * force, axis=-1)
        gradient = -xp.concat([v[..., None] * force, along[..., None]], axis=-1)
        lr = self.config.lr * rate
        new, self.state = update(self.config, gradient, self.state, self.theta, lr, self.count)
        if self.frozen:
            new = xp.concat([new[..., :-1], v[..., None]], axis=-1)
        within_bounds = xp.all((xp.abs(f) <= self.bound) & (xp.abs(pull) <= self.bound), axis=-1)
        # A step that overflows is not taken; one pass over the weights tells.
        within_bounds = within_bounds & xp.isfinite(xp.sum(new, axis=(-2, -1)))
        if self.alive is None and bool(xp.all(within_bounds)):
            self.theta = new
        else:
            self.alive = within_bounds if self.alive is None else self.alive & within_bounds
            self.theta = xp.where(self.alive[..., None, None], new, self.theta)
        self.count += 1
        if self.linear and not self.frozen and self.count % RESCALE == 0:
            self._rescale()
        return True if self.alive is None else self.alive

    def _rescale(self) -> None:
        xp = namespace(self.theta)
        largest = xp.max(xp.abs(self.theta), axis=-1)
        exponent = binary_exponent(largest)
        scale = 2.0 ** -exponent[..., None]
        self.theta = self.theta * scale
        self.state = type(self.state)(*(value * scale for value in self.state))
        self.shift = self.shift + xp.astype(exponent, self.shift.dtype)

    def network(self) -> TwoLayer:
        """Return the networks as they are."""
        xp = namespace(self.theta)
        weights, outputs = self.theta[..., :-1], self.theta[..., -1]
        if self.columns is not None:
            _, other, order = self.columns
            scale = xp.astype(2.0**-self.shift, weights.dtype, copy=False)
            rest = xp.take(self.given.weights, other, axis=-1) * scale[..., None]
            weights = xp.take(xp.concat([weights, rest], axis=-1), order, axis=-1)
        scales = xp.astype(self.log_scale + math.log(2.0) * self.shift, outputs.dtype, copy=False)
        return (
            TwoLayer(weights, outputs, scales)
            if self.frozen
            else normalize(TwoLayer(weights, outputs, scales))
        )


def _product(a: Array, b: Array) -> Array:
    """Return a @ b for a of shape (…, h, k) and b of shape (k, m), as one product of two matrices."""
    xp = namespace(a)
    flat = xp.reshape(a, (-1, a.shape[-1]))
    return xp.reshape(xp.matmul(flat, b), (*a.shape[:-1], b.shape[-1]))


def _columns(x: Array) -> tuple[Array, Array, Array] | None:
    """Return the input columns that are not 0, the others, and the order that puts them back; None for few.

    No weight of a column of zeros ever moves.
    """
    xp = namespace(x)
    used = np.any(to_numpy(x) != 0.0, axis=0)
    if np.mean(used) > 0.9:
        return None
    kept, other = np.flatnonzero(used), np.flatnonzero(~used)
    order = np.argsort(np.concatenate([kept, other]))
    kept, other, order = (xp.asarray(index, device=device(x)) for index in (kept, other, order))
    return kept, other, order


def _batches(n: int, size: int | None, seed: int) -> Iterator[np.ndarray | None]:
    """Return the batches, endlessly: None for all data, else the indices, each once in every epoch."""
    return _drawn(n, None if size is None else integer("batch_size", size, 1, n), integer("seed", seed, 0))


def _drawn(n: int, size: int | None, seed: int) -> Iterator[np.ndarray | None]:
    rng = np.random.default_rng(seed)
    while True:
        if size is None:
            yield None
            continue
        order = rng.permutation(n)
        yield from (order[first : first + size] for first in range(0, n, size))


def _recorded(steps: int, every: int | None, at: Iterable[int]) -> tuple[int, list[int]]:
    count, due = recorded(steps, every)
    return count, sorted({*due, *(integer("record_at", step, 0, count) for step in at)})


def _require_scale(network: TwoLayer, optimizer: Config) -> None:
    least = LEAST[str(to_numpy(network.outputs).dtype)]
    smallest = float(np.min(to_numpy(network.log_scale)))
    if smallest < least:
        raise ValueError(
            f"log_scale: {type(optimizer).__name__} needs neurons of log-scale >= {least:g}, got {smallest:g}"
        )
