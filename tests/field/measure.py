"""The error of loss, gradient and Hessian over the neurons of a setting, each entry against its scale."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradflow.field import gradient, hessian, loss
from gradflow.neuron.problem import Neuron, Problem, Uniform
from tests.field.neurons import DOUBLE, SINGLE, Range, Setting, settings
from tests.field.oracle import Exact, integrate, mpf

PER_FAMILY = {DOUBLE: 105, SINGLE: 40}
SETTINGS = tuple(setting.name for setting in settings(DOUBLE, 1))


class Worst(NamedTuple):
    """The largest error of a quantity in units of its scale, and the neuron where it occurs."""

    error: float
    neuron: list[float]


@cache
def drawn(range_: Range) -> dict[str, Setting]:
    """Return the settings by name."""
    return {setting.name: setting for setting in settings(range_, PER_FAMILY[range_])}


@cache
def exact(range_: Range, name: str) -> list[Exact]:
    """Return the 50-digit values of every neuron of a setting."""
    s = drawn(range_)[name]
    return [
        integrate(s.theta[:, i].tolist(), s.teacher[:, i].tolist(), float(s.lo[i]), float(s.hi[i]), s.slopes)
        for i in range(s.lo.size)
    ]


def problem_of(setting: Setting) -> Problem:
    return Problem(Neuron(*setting.teacher), Uniform(setting.lo, setting.hi), setting.slopes)


def computed(setting: Setting, quantity: str) -> Any:
    """Return gradflow's values with the neurons as the last axis."""
    return {"loss": loss, "gradient": gradient, "hessian": hessian}[quantity](
        setting.theta, problem_of(setting)
    )


def errors(values: Any, exact_values: list[Exact], quantity: str) -> NDArray[np.float64]:
    """Return each neuron's largest |value − exact| / scale over the entries of the quantity.

    The difference is taken at 50 digits. An entry below the dtype's smallest normal number has no
    relative accuracy to lose, so no scale counts as smaller than that number over its epsilon.
    """
    info = np.finfo(values.dtype)
    floor = float(info.smallest_normal) / float(info.eps)
    assert np.all(np.isfinite(values))
    rows = values.reshape(-1, values.shape[-1]).T.tolist()
    result = []
    for row, one in zip(rows, exact_values, strict=True):
        truth, scale = _flat(getattr(one, quantity)), _flat(getattr(one, f"{quantity}_scale"))
        result.append(
            max(float(abs(mpf(v) - t)) / max(s, floor) for v, t, s in zip(row, truth, scale, strict=True))
        )
    return np.asarray(result)


def worst(range_: Range, name: str, quantity: str) -> Worst:
    """Measure a quantity over a setting."""
    setting = drawn(range_)[name]
    error = errors(computed(setting, quantity), exact(range_, name), quantity)
    i = int(np.argmax(error))
    return Worst(float(error[i]), [float(v) for v in setting.theta[:, i]])


def _flat(value: Any) -> list[Any]:
    if not isinstance(value, list):
        return [value]
    return [entry for item in value for entry in _flat(item)]
