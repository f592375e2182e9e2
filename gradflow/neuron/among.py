"""Parts of a batch: what is costly is computed for some of the neurons only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gradflow.base.arrays import Array, is_array, namespace
from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform, as_neuron


def among(
    mask: Array, holds: Callable[[Any, Problem], Array], neuron: Neuron | Array, problem: Problem
) -> Array:
    """Return where `mask` and `holds` are true; what holds is computed for the neurons in the mask only.

    Parameters
    ----------
    mask : array of bool
        Of the shape of the batch.
    holds : callable
        Given neurons and a problem, an array of bool.
    """
    chosen = Chosen(np.asarray(mask) if isinstance(mask, np.generic) else mask)
    if chosen.count in (0, chosen.flat.shape[0]):
        return chosen.mask & holds(neuron, problem) if chosen.count else chosen.mask
    pick, inputs = chosen.pick, problem.inputs
    if not isinstance(inputs, Sample):
        inputs = Uniform(pick(inputs.lo), pick(inputs.hi))
    # One picked field at least has the shape of the mask: they broadcast to it.
    students, teacher = (Neuron(*map(pick, fields)) for fields in (as_neuron(neuron), problem.teacher))
    found = chosen.put(holds(students, replace(problem, teacher=teacher, inputs=inputs)))
    return chosen.mask & found


class Chosen:
    """The entries of a batch that a mask chooses, of which there is at least one."""

    def __init__(self, mask: Array) -> None:
        self.mask, self._xp = mask, namespace(mask)
        self.flat = self._xp.reshape(mask, (-1,))
        self._which = self._xp.nonzero(self.flat)[0]
        self.count = int(self._which.shape[0])

    def pick(self, value: Any) -> Any:
        """Return those entries of an array that broadcasts to the mask; what is no array is for all."""
        value = np.asarray(value) if isinstance(value, Sequence) else value
        if not is_array(value) or value.ndim == 0:
            return value
        xp = self._xp
        return xp.take(xp.reshape(xp.broadcast_to(value, self.mask.shape), (-1,)), self._which)

    def put(self, found: Array) -> Array:
        """Return an array of the mask's shape with what was found in their places, anything in the others."""
        xp = self._xp
        rank = xp.cumulative_sum(xp.astype(self.flat, xp.int64)) - 1
        whole = xp.take(found, xp.where(self.flat, rank, xp.zeros_like(rank)))
        return xp.reshape(whole, self.mask.shape)
