"""Training many deep networks at once, and counting which units die and which come back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from gradflow.base.arrays import Array, device, is_array, namespace, to_numpy
from gradflow.base.checks import function, require_kind
from gradflow.base.labelled import unlabelled
from gradflow.base.progress import sparse
from gradflow.base.provenance import attributes, config_as_dict
from gradflow.descent.axes import coordinates
from gradflow.descent.optimisers.hyper import Config
from gradflow.descent.optimisers.registry import check, init, update
from gradflow.descent.prepared import factor, recorded
from gradflow.descent.schedules import Schedule, constant
from gradflow.descent.stepping import Guard
from gradflow.networks.deep.initial import Draw, indices_of, initial
from gradflow.networks.deep.measure import by_layer, dead_units, layer_of_unit, norms, reach
from gradflow.networks.deep.network import Network, Pass, forward, loss_and_gradient
from gradflow.networks.deep.tasks import Task
from gradflow.networks.rates import for_networks


class Start(NamedTuple):
    """Choice of networks: how many (or their indices), initialisation, seed and dtype; see `initial`."""

    networks: Any = 1
    scheme: str | Draw = "he"
    seed: int = 0
    dtype: str = "float64"


ONE = Start()


class _Watch:
    """Counts, for each unit, how often it went off and how often it came back, step by step."""

    def __init__(self) -> None:
        self.off: Array | None = None
        self.deaths: Array = 0
        self.revivals: Array = 0

    def observe(self, high: Array, alive: Array) -> None:
        """Take the units' largest pre-activations, and which networks have not diverged."""
        off = high <= 0
        xp = namespace(off)
        if self.off is not None:
            self.deaths = self.deaths + xp.astype(off & ~self.off & alive[:, None], xp.int64)
            self.revivals = self.revivals + xp.astype(~off & self.off & alive[:, None], xp.int64)
        else:
            self.deaths = self.revivals = xp.zeros(off.shape, dtype=xp.int64, device=device(off))
        self.off = off


def train(
    network: Network,
    task: Task,
    optimizer: Config,
    steps: int,
    *,
    start: Start | Array = ONE,
    schedule: Schedule = constant,
    record_every: int | None = None,
    units: bool = False,
    progress: Callable[[int], object] | None = None,
) -> xr.Dataset:
    """Train networks on the mean squared error over all inputs of a task (full batch, without ½).

    Parameters
    ----------
    network : Network
        The architecture, which the batch shares.
    task : Task
        Inputs and targets; they take the dtype of the parameters.
    optimizer : one of the config classes
        Its hyper-parameters may be arrays of shape (B,), one entry for each network.
    steps : int
        The number of updates, ≥ 0.
    start : Start or array of shape (P, B)
        The initial parameters, or which to draw.
    schedule : function of the step
        The factor of the learning rate at update k = 0, 1, … (`gradflow.descent.schedules`).
    record_every : int, optional
        Record every so many steps, and the first and the last state in any case; only these by default.
    units : bool
        Whether to record the units one by one as well.
    progress : callable, optional
        Called with the number of updates done, about 100 times.

    Returns
    -------
    xarray.Dataset
        Along step, layer (from 1) and network: `off`, the share of the layer's units whose pre-activation
        is ≤ 0 for every input; `dead`, of those whose activation is 0 for every input (for ReLU the same);
        `deaths` and `revivals`, how many changes to off and back there have been up to this step, counted
        at every step. Along step and network: `loss`. Along network: `diverged`, and `diverged_step`, the
        update that failed (−1: none). Along parameter and network: `final`, the last parameters. Along
        layer: `width`. Coordinates along network: hyper-parameters that are arrays, and `drawn`, the index of
        the start. With `units`, along step, unit and network:
        `reach`, the largest pre-activation over the inputs; `incoming`, the norm of weights and bias;
        `outgoing`, that of the outgoing weights; `unit_layer` is each unit's layer.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.

    Notes
    -----
    A network has diverged when a parameter or its gradient is not finite or leaves the range that
    `gradflow.descent.train_arrays` allows. It stays at its last good state; the others go on, unharmed to the
    bit.
    """
    steps, due = recorded(steps, record_every)
    require_kind("network", network, Network, "such as Network(1, (8,))")
    require_kind("task", task, Task, "such as teacher_task()")
    function("schedule", schedule, "the step")
    theta, origin = _begun(network, start)
    config = for_networks(check(optimizer), (theta.shape[1],), theta)
    # Before the training: what cannot be written down is found out at once.
    configuration = {
        "network": {**asdict(network), "activation": str(network.activation)},
        "task": task.name,
        "optimizer": config_as_dict(config),
        "schedule": repr(schedule),
        "steps": steps,
        "record_every": record_every,
        "start": origin or "given as an array",
    }
    seed = origin["seed"] if origin else None
    provenance = attributes("Deep networks in training", "depth.train", configuration, seed)
    xp = namespace(theta)
    x, y = (xp.asarray(v, dtype=theta.dtype, device=device(theta)) for v in (task.x, task.y))
    guard, watch, records = Guard(theta), _Watch(), _Records(network, units)
    report = sparse(progress, steps)
    # A diverging network overflows before its update is thrown away.
    with np.errstate(over="ignore", invalid="ignore"):
        state = init(config, theta)
        for step in range(steps):
            value, gradient, passed = loss_and_gradient(network, theta, x, y)
            watch.observe(reach(passed), guard.alive)
            if step == due[len(records)]:
                records.add(value, passed, watch, theta)
            new, state = update(config, gradient, state, theta, config.lr * factor(schedule, step), step)
            theta = guard.kept(theta, new, gradient, step + 1)
            report(step + 1)
        passed = forward(network, theta, x)
        watch.observe(reach(passed), guard.alive)
        error = passed.output - y
        records.add(xp.mean(error * error, axis=-1), passed, watch, theta)
    if progress is not None:
        progress(steps)
    coords: dict[str, Any] = {**coordinates(config._asdict(), (theta.shape[1],), ("network",))}
    if origin:
        coords["drawn"] = ("network", np.array(origin["networks"]), {"long_name": "index of the start"})
    return records.dataset(due, theta, guard, provenance, coords)


def _begun(network: Network, start: Start | Array) -> tuple[Array, dict[str, Any] | None]:
    """Return the initial parameters, and how they were drawn if they were."""
    if isinstance(start, Start):
        networks = indices_of(start.networks)
        theta = initial(network, networks, scheme=start.scheme, seed=start.seed, dtype=start.dtype)
        scheme = start.scheme
        name = scheme if isinstance(scheme, str) else getattr(scheme, "__qualname__", repr(scheme))
        return theta, {**start._asdict(), "networks": networks, "scheme": name}
    theta = unlabelled(start)
    if not is_array(theta) or theta.ndim != 2 or theta.shape[0] != network.size or theta.shape[1] == 0:
        shown = f"an array of shape {tuple(theta.shape)}" if is_array(theta) else repr(start)
        raise ValueError(
            f"start: expected Start(…), such as Start(20) for 20 networks, or an array of shape "
            f"({network.size}, networks), got {shown}"
        )
    if not namespace(theta).isdtype(theta.dtype, "real floating"):
        raise TypeError(f"start: expected floating-point numbers, got {theta.dtype}")
    return theta, None


class _Records:
    """The recorded steps, as NumPy arrays."""

    def __init__(self, network: Network, units: bool) -> None:
        self.network, self.units = network, units
        self.rows: dict[str, list[np.ndarray]] = {}
        self.count = 0

    def __len__(self) -> int:
        return self.count

    def add(self, loss: Array, passed: Pass, watch: _Watch, theta: Array) -> None:
        """Keep one state."""
        network, xp = self.network, namespace(theta)
        widths = xp.asarray(network.widths, dtype=xp.float64, device=device(theta))
        row = {
            "loss": loss,
            "off": by_layer(network, watch.off) / widths,
            "dead": by_layer(network, dead_units(passed)) / widths,
            "deaths": by_layer(network, watch.deaths),
            "revivals": by_layer(network, watch.revivals),
        }
        if self.units:
            row["reach"] = reach(passed)
            row["incoming"], row["outgoing"] = norms(network, theta)
        for name, value in row.items():
            self.rows.setdefault(name, []).append(to_numpy(value).T)
        self.count += 1

    def dataset(
        self,
        due: list[int],
        theta: Array,
        guard: Guard,
        attributes: dict[str, str],
        coords: dict[str, Any],
    ) -> xr.Dataset:
        """Return everything as a dataset."""
        variables: dict[str, Any] = {}
        for name, values in self.rows.items():
            inner = () if name == "loss" else ("layer",) if name in _BY_LAYER else ("unit",)
            stacked = np.stack(values)
            if name in ("deaths", "revivals"):
                stacked = stacked.astype(np.int32)
            variables[name] = (("step", *inner, "network"), stacked, {"long_name": _LONG[name]})
        variables["width"] = ("layer", np.array(self.network.widths, dtype=np.int32))
        variables["final"] = (("parameter", "network"), to_numpy(theta))
        variables["diverged"] = ("network", to_numpy(~guard.alive).astype(np.int8))
        variables["diverged_step"] = ("network", to_numpy(guard.failed).astype(np.int32))
        if self.units:
            variables["unit_layer"] = ("unit", layer_of_unit(self.network).astype(np.int32))
        axes = {
            "step": ("step", np.array(due, dtype=np.int32), {"long_name": "updates done"}),
            "layer": ("layer", np.arange(1, self.network.depth + 1, dtype=np.int32)),
        }
        return xr.Dataset(variables, coords={**axes, **coords}, attrs=attributes)


_BY_LAYER = ("off", "dead", "deaths", "revivals")
_LONG = {
    "loss": "mean squared error",
    "off": "share of units with pre-activation <= 0 on every input",
    "dead": "share of units with activation 0 on every input",
    "deaths": "units that went off since the start, with repetitions",
    "revivals": "units that came back since the start, with repetitions",
    "reach": "largest pre-activation over the inputs",
    "incoming": "norm of incoming weights and bias",
    "outgoing": "norm of outgoing weights",
}
