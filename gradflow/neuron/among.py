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
    mask = np.asarray(mask) if isinstance(mask, np.generic) else mask
    xp, shape = namespace(mask), mask.shape
    flat = xp.reshape(mask, (-1,))
    which = xp.nonzero(flat)[0]
    if which.shape[0] == 0 or which.shape[0] == flat.shape[0]:
        return mask & holds(neuron, problem) if which.shape[0] else mask

    def pick(value: Any) -> Any:
        value = np.asarray(value) if isinstance(value, Sequence) else value
        if not is_array(value) or value.ndim == 0:
            return value
        return xp.take(xp.reshape(xp.broadcast_to(value, shape), (-1,)), which)

    inputs = problem.inputs
    if not isinstance(inputs, Sample):
        inputs = Uniform(pick(inputs.lo), pick(inputs.hi))
    # One picked field at least has the shape of the mask: they broadcast to it.
    students, teacher = (Neuron(*map(pick, fields)) for fields in (as_neuron(neuron), problem.teacher))
    some = holds(students, replace(problem, teacher=teacher, inputs=inputs))
    rank = xp.cumulative_sum(xp.astype(flat, xp.int64)) - 1
    found = xp.take(some, xp.where(flat, rank, xp.zeros_like(rank)))
    return xp.reshape(flat & found, shape)
