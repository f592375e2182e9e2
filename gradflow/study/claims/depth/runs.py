"""The runs that the claims on depth share; each is computed once.

The task is the teacher ReLU(x) at 32 inputs in [−1, 1], or 50 zeros and 50 ones of MNIST at 7 × 7 pixels,
full batch. Networks are 16 units wide. In a run every rate has the same starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from gradflow.descent import GD, Adam, AdamW, HeavyBall
from gradflow.descent.optimisers.hyper import Config
from gradflow.descent.schedules import Schedule, Warmup, constant
from gradflow.networks.deep import Network, Start, Task, dead_share, digits_task, teacher_task, train
from gradflow.neuron.activations import GELU, RELU, SILU, Activation, PiecewiseLinear
from gradflow.study.claims.shared import remembered

WIDTH = 16

RATES: dict[str, tuple[float, ...]] = {"gd": (0.01, 0.03, 0.1, 0.3), "adam": (0.001, 0.003, 0.01, 0.03, 0.1)}
QUICK_RATES: dict[str, tuple[float, ...]] = {"gd": (0.01, 0.3), "adam": (0.001, 0.01, 0.1)}
OPTIMIZERS: dict[str, Any] = {"gd": GD, "adam": Adam}
NAMES = {"gd": "GD", "adam": "Adam"}
EARLY = 0.1
"""The part of the steps that counts as early."""


class Cells(NamedTuple):
    """A run with some rates times some starts: its dataset, and the rates; networks are rate by rate."""

    data: xr.Dataset
    rates: tuple[float, ...]

    def by_rate(self, values: xr.DataArray | np.ndarray) -> np.ndarray:
        """Return values whose last axis is the networks with the axes (…, rate, start)."""
        array = np.asarray(values)
        grid: np.ndarray = array.reshape(*array.shape[:-1], len(self.rates), -1)
        return grid

    @property
    def share(self) -> np.ndarray:
        """The share of all hidden units that are off: axes step, rate, start; NaN if the network diverged."""
        share: np.ndarray = np.where(self.good, self.by_rate(dead_share(self.data)), np.nan)
        return share

    @property
    def early(self) -> int:
        """The index of the record at which the early part ends."""
        steps = self.data["step"].values
        return int(np.searchsorted(steps, EARLY * steps[-1]))

    @property
    def good(self) -> np.ndarray:
        """Which networks did not diverge: axes rate, start."""
        good: np.ndarray = self.by_rate(self.data["diverged"]) == 0
        return good

    @property
    def stuck(self) -> np.ndarray:
        """Which networks end with a whole layer off: axes rate, start."""
        return self.by_rate((self.data["off"][-1] == 1.0).any("layer"))


class Mean(NamedTuple):
    """A mean and its standard error; both NaN where fewer than two networks did not diverge."""

    value: float
    error: float

    def __str__(self) -> str:
        return "(diverged)" if np.isnan(self.value) else f"{self.value:.1%} ± {self.error:.1%}"

    @property
    def sure(self) -> bool:
        """Whether it is above 0 by more than two standard errors."""
        return self.value > 2.0 * self.error

    @property
    def points(self) -> str:
        """A difference of shares in points, with its sign."""
        return str(self) if np.isnan(self.value) else f"{100.0 * self.value:+.1f} ± {100.0 * self.error:.1f}"

    def less(self, other: Mean) -> Mean:
        """Return the difference of two independent means."""
        return Mean(self.value - other.value, float(np.hypot(self.error, other.error)))


def mean(values: np.ndarray) -> Mean:
    """Return the mean over starts that did not diverge (are not NaN) and its standard error."""
    flat = np.ravel(values)
    flat = flat[np.isfinite(flat)]
    if flat.size < 2:
        return Mean(np.nan, np.nan)
    return Mean(float(np.mean(flat)), float(np.std(flat, ddof=1) / np.sqrt(flat.size)))


def depths(quick: bool) -> tuple[int, ...]:
    """Return the numbers of hidden layers of the sweeps."""
    return (2, 8) if quick else (2, 4, 8, 16)


def task_named(name: str) -> Task:
    """Return a task: 'teacher' or 'digits'."""
    return _digits() if name == "digits" else teacher_task(32)


@remembered
def _digits() -> Task:
    return digits_task(50, 4)


@remembered
def sweep(depth: int, optimizer: str, quick: bool, scheme: str = "he", task: str = "teacher") -> Cells:
    """Train at all rates of an optimiser."""
    rates = (QUICK_RATES if quick else RATES)[optimizer]
    starts, steps = (5, 120) if quick else (12, 400)
    data = train(
        Network(task_named(task).x.shape[1], (WIDTH,) * depth),
        task_named(task),
        OPTIMIZERS[optimizer](lr=np.repeat(rates, starts)),
        steps,
        start=Start([*range(starts)] * len(rates), scheme),
        record_every=steps // 20,
    )
    return Cells(data, rates)


def sweeps(quick: bool) -> Iterator[tuple[str, int, Cells]]:
    """Yield optimiser, depth and runs of all sweeps on the teacher from He's initialisation."""
    for optimizer in RATES:
        for depth in depths(quick):
            yield optimizer, depth, sweep(depth, optimizer, quick)


def on_teacher(
    widths: tuple[int, ...], optimizer: Config, steps: int, starts: int, every: int, units: bool = False
) -> xr.Dataset:
    """Train networks of these widths on the teacher, one from each start, and record each `every` steps."""
    return train(
        Network(1, widths), task_named("teacher"), optimizer, steps,
        start=Start(starts), record_every=every, units=units,
    )  # fmt: skip


FIX_DEPTH = 8
FIX_RATES: dict[str, float] = {"gd": 0.1, "adam": 0.03}
"""The rates without a fix; the low ones are a tenth of them."""


class Fix(NamedTuple):
    """Changes to a ReLU network from He's initialisation at a constant rate."""

    label: str
    activation: Activation = RELU
    normalize: bool = False
    scheme: str = "he"
    factor: float = 1.0
    warm: bool = False


FIXES: dict[str, Fix] = {
    "none": Fix("ReLU"),
    "leaky": Fix("leaky ReLU", PiecewiseLinear(0.01, 1.0)),
    "gelu": Fix("GELU", GELU),
    "silu": Fix("SiLU", SILU),
    "norm": Fix("batch norm", normalize=True),
    "low": Fix("rate / 10", factor=0.1),
    "warm": Fix("warm-up", warm=True),
    "half": Fix("half He's variance", scheme="lecun"),
    "double": Fix("twice He's variance", scheme="doubled"),
    "torch": Fix("torch's default", scheme="torch"),
    "rai": Fix("RAI", scheme="rai"),
}


@remembered
def fixed(name: str, optimizer: str, quick: bool, task: str = "teacher") -> Cells:
    """Train with one fix; all fixes have the same starts, as far as they share an initialisation."""
    fix = FIXES[name]
    starts, steps = (6, 120) if quick else (16, 400)
    rate = FIX_RATES[optimizer] * fix.factor
    schedule: Schedule = Warmup(steps // 4) if fix.warm else constant
    data = train(
        Network(task_named(task).x.shape[1], (WIDTH,) * FIX_DEPTH, fix.activation, fix.normalize),
        task_named(task),
        OPTIMIZERS[optimizer](lr=rate),
        steps,
        start=Start(starts, fix.scheme),
        schedule=schedule,
        record_every=steps // 20,
    )
    return Cells(data, (rate,))


CLOSE: dict[str, Any] = {
    "GD": GD(0.2),
    "GD, rate / 10": GD(0.02),
    "heavy ball": HeavyBall(0.05, 0.9),
    "Adam": Adam(0.03),
    "Adam, rate / 10": Adam(0.003),
    "AdamW": AdamW(0.03, weight_decay=0.1),
}


CLOSELY = (20, 400)
"""Starts and steps of the runs that are recorded step by step."""


def ended(name: str) -> xr.Dataset:
    """Train as `close` does in full, with nothing recorded on the way."""
    starts, steps = CLOSELY
    return on_teacher((WIDTH,) * 4, CLOSE[name], steps, starts, steps)


@remembered
def close(name: str, quick: bool) -> xr.Dataset:
    """Train four layers with every step and every unit recorded."""
    starts, steps = (6, 120) if quick else CLOSELY
    return on_teacher((WIDTH,) * 4, CLOSE[name], steps, starts, 1, units=True)
