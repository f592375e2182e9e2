"""Losses of one output f with one label y, and the pull −∂ℓ/∂f that they exert.

Near f = 0 the pull of each is a multiple of y; no more of the loss enters the early phase.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gradflow.base.arrays import Array, namespace
from gradflow.base.checks import flag, require_kind
from gradflow.networks.two_layer.data import Dataset, check_binary


@dataclass(frozen=True)
class Loss:
    """A loss ℓ(y, f).

    Attributes
    ----------
    name : str
        What users call it.
    value : callable
        ``value(y, f)``: ℓ, elementwise.
    pull : callable
        ``pull(y, f)``: −∂ℓ/∂f, elementwise.
    at_zero : float
        The pull at f = 0 is ``at_zero * y``.
    needs_signs : bool
        Whether the labels must be ±1.
    """

    name: str
    value: Callable[[Array, Array], Array]
    pull: Callable[[Array, Array], Array]
    at_zero: float
    needs_signs: bool


def _exponential(y: Array, f: Array) -> Array:
    return namespace(f).exp(-y * f)


def _exponential_pull(y: Array, f: Array) -> Array:
    return y * namespace(f).exp(-y * f)


def _logistic(y: Array, f: Array) -> Array:
    return 2.0 * namespace(f).logaddexp(namespace(f).zeros_like(f), -y * f)


def _logistic_pull(y: Array, f: Array) -> Array:
    # 2 y / (1 + exp(y f)); tanh neither overflows nor loses the small values' absolute accuracy.
    xp = namespace(f)
    margin = y * f
    small = xp.exp(-xp.abs(margin))
    return 2.0 * y * xp.where(margin >= 0.0, small, xp.ones_like(small)) / (1.0 + small)


def _squared(y: Array, f: Array) -> Array:
    return (f - y) ** 2


def _squared_pull(y: Array, f: Array) -> Array:
    return 2.0 * (y - f)


EXPONENTIAL = Loss("exponential", _exponential, _exponential_pull, 1.0, True)
"""exp(−y f)."""

LOGISTIC = Loss("logistic", _logistic, _logistic_pull, 1.0, True)
"""2 log(1 + exp(−y f)): the paper's proofs need the 2, so that the pull at f = 0 is y."""

SQUARED = Loss("squared", _squared, _squared_pull, 2.0, False)
"""(f − y)², without ½ as everywhere in gradflow."""

LOSSES: dict[str, Loss] = {loss.name: loss for loss in (EXPONENTIAL, LOGISTIC, SQUARED)}
"""The losses by name."""

TWO_CLASSES = (
    "; networks here have one output, so two classes, labels -1 and 1 (write 0 as -1); "
    "squared takes real-valued targets"
)
"""Said to those who give labels of other classes."""


@dataclass(frozen=True)
class Objective:
    """The objective: the sum (the paper's theorems) or the mean (its experiments) of a loss over data.

    Parameters
    ----------
    data : Dataset
        Inputs and labels.
    loss : Loss
        One of `LOSSES`.
    mean : bool
        Whether the total is divided by n; the flow of the mean is that of the sum, n times slower.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, or the labels must be ±1 and are not.
    """

    data: Dataset
    loss: Loss = EXPONENTIAL
    mean: bool = False

    def __post_init__(self) -> None:
        require_kind("data", self.data, Dataset, "for arrays write Dataset(inputs, labels)")
        named = isinstance(self.loss, str) and self.loss in LOSSES
        require_kind(
            "loss", self.loss, Loss, f"LOSSES[{self.loss!r}]" if named else "such as those of LOSSES"
        )
        object.__setattr__(self, "mean", flag("mean", self.mean))
        if self.loss.needs_signs:
            check_binary(self.data, f"the {self.loss.name} loss", hint=TWO_CLASSES)

    @property
    def weight(self) -> float:
        """Factor of the sum of the losses: 1 or 1/n."""
        return 1.0 / self.data.n if self.mean else 1.0

    def described(self) -> dict[str, object]:
        """Return what is minimised as plain data, for the provenance of results."""
        data = self.data
        return {
            "data": {"name": data.name, "n": data.n, "dimension": data.dimension},
            "loss": self.loss.name,
            "mean": self.mean,
        }
