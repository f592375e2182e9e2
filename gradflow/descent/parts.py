"""Runs of many trajectories that are trained some after the others, and put together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from gradflow.base.arrays import Array, is_array
from gradflow.descent.optimisers.hyper import Config
from gradflow.descent.optimisers.registry import joined
from gradflow.descent.prepared import Descent
from gradflow.neuron.problem import Neuron, Problem, Uniform


class Parts:
    """Results that the parts of a run leave behind: an optimiser's state is held for one of them at a time.

    Attributes
    ----------
    flat : array, shape (4, n)
        The starts.
    states, losses : arrays, shapes (K, 4, n) and (K, n)
        At the K steps that are due.
    first : array of int64, shape (n,), or None
        The first changes of activity, if they are noted.
    diverged : array of bool, shape (n,)
    memory : list of tuples of arrays
        What the optimiser remembers of each part, in order, if it is asked for.
    """

    def __init__(self, theta: np.ndarray, due: list[int], first_change: bool) -> None:
        self.due, self.batch, self.flat = due, theta.shape[1:], theta.reshape(4, -1)
        n = self.flat.shape[1]
        self.states = np.empty((len(due), 4, n), dtype=theta.dtype)
        self.losses = np.empty((len(due), n), dtype=theta.dtype)
        self.first = np.empty(n, dtype=np.int64) if first_change else None
        self.diverged = np.empty(n, dtype=bool)
        self.memory: list[tuple[Array, ...]] = []

    def descent(self, optimizer: Config, with_state: bool) -> Descent:
        """Return the whole run."""
        theta = self.states.reshape(len(self.due), 4, *self.batch)
        return Descent(
            final=theta[-1],
            steps=np.asarray(self.due, dtype=np.int64),
            theta=theta,
            loss=self.losses.reshape(len(self.due), *self.batch),
            events=[],
            first_change=None if self.first is None else self.first.reshape(self.batch),
            diverged=self.diverged.reshape(self.batch),
            state=joined(optimizer, theta[-1], self.due[-1], self.memory) if with_state else None,
        )


def part_of(
    problem: Problem, optimizer: Config, batch: tuple[int, ...], part: slice
) -> tuple[Problem, Config]:
    """Return the problem and the hyper-parameters of some of the flattened trajectories."""

    def some(values: Any) -> Any:
        array = np.asarray(values)
        return values if array.ndim == 0 else np.broadcast_to(array, batch).reshape(-1)[part]

    config: Any = optimizer
    arrays = {name: some(value) for name, value in config._asdict().items() if is_array(value)}
    inputs = problem.inputs
    if isinstance(inputs, Uniform):
        inputs = Uniform(some(inputs.lo), some(inputs.hi))
    task = replace(problem, teacher=Neuron(*map(some, problem.teacher)), inputs=inputs)
    return task, config._replace(**arrays)
