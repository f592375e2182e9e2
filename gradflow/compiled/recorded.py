"""A training step, recorded."""

from __future__ import annotations

from typing import Any, NamedTuple

from gradflow.base.arrays import Array
from gradflow.compiled.host import Host
from gradflow.compiled.program import Program
from gradflow.compiled.traced import (
    Traced,
)


class Recorded(NamedTuple):
    """A step ready to be compiled and run.

    Attributes
    ----------
    program : Program
        The statements.
    slots : list of array, shape (n,)
        The numbers of the trajectories at the start.
    fixed : list of number
        f0, f1, …
    host : Host
        What computes c0, c1, … from step to step.
    leaves : dict of Traced to number
        The host's state before the first step.
    factor : Traced
        The leaf that takes the schedule's factor.
    alive, first : int
        The slots of these names; `first` is −1 if it is not recorded.
    inputs, sums : array
        A sorted sample's distinct inputs, shape (K,), and its table, shape (K + 1, 28); empty for the
        population.
    """

    program: Program
    slots: list[Array]
    fixed: list[Any]
    host: Host
    leaves: dict[Traced, Any]
    factor: Traced
    alive: int
    first: int
    inputs: Array
    sums: Array
