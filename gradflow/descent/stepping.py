"""The training loop itself: whatever has a loss and a gradient descends, by an optimiser and a schedule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from gradflow.base.arrays import Array, device, namespace
from gradflow.base.progress import sparse
from gradflow.descent.modifiers import NONE, Modifiers, adjusted, decayed
from gradflow.descent.optimisers.hyper import Config
from gradflow.descent.optimisers.registry import init, update
from gradflow.descent.prepared import bounds, factor
from gradflow.descent.schedules import Schedule


class Field(Protocol):
    """A loss and its gradient, of parameters along the first axis."""

    @property
    def loss(self) -> Callable[[Array], Array]:
        """The loss."""

    @property
    def gradient(self) -> Callable[[Array], Array]:
        """The gradient."""

    @property
    def loss_and_gradient(self) -> Callable[[Array], tuple[Array, Array]]:
        """Both."""


class Path(NamedTuple):
    """States and losses at the steps that were due, the last state, who diverged, the optimiser's state."""

    states: list[Array]
    losses: list[Array]
    final: Array
    diverged: Array
    state: Any


class Guard:
    """Judge of who is within the range of the numbers; a trajectory that leaves it stays where it was last.

    Attributes
    ----------
    alive : array of bool, shape (*batch)
        Those that go on.
    failed : array of int64, shape (*batch)
        The update that took one out of the range; −1 of those that none did.
    """

    def __init__(self, theta: Array) -> None:
        xp = namespace(theta)
        self.bound, self.largest_gradient = bounds(xp, theta.dtype)
        self.alive = xp.all(xp.abs(theta) <= self.bound, axis=0)
        self.failed = xp.full(self.alive.shape, -1, dtype=xp.int64, device=device(theta))
        self._all = bool(xp.all(self.alive))

    def any_alive(self) -> bool:
        """Whether at least one goes on."""
        return self._all or bool(namespace(self.alive).any(self.alive))

    def kept(self, theta: Array, new: Array, gradient: Array, count: int) -> Array:
        """Return the states after update number `count`: the new ones where they are within the range."""
        xp = namespace(theta)
        within = xp.all((xp.abs(new) <= self.bound) & (xp.abs(gradient) <= self.largest_gradient), axis=0)
        if self._all and bool(xp.all(within)):
            return new
        self._all = False
        self.failed = xp.where(self.alive & ~within, xp.full_like(self.failed, count), self.failed)
        self.alive = self.alive & within
        return xp.where(self.alive, new, theta)


def descend(
    theta: Array,
    field: Field,
    optimizer: Config,
    due: list[int],
    schedule: Schedule,
    *,
    modifiers: Modifiers = NONE,
    keeps: Array | None = None,
    drawn: Callable[[int], Field] | None = None,
    observe: Callable[[int, Array], None] | None = None,
    progress: Callable[[int], object] | None = None,
) -> Path:
    """Take steps, the last of `due` in number.

    Parameters
    ----------
    theta : array, shape (P, *batch)
        The start.
    field : Field
        What descends.
    optimizer : one of the config classes
    due : list of int
        The steps whose states and losses are returned, increasing.
    schedule : function of the step
    modifiers : Modifiers
    keeps : array of bool, shape (P, 1, …), optional
        The parameters that stay as they are; the optimiser sees no gradient of theirs.
    drawn : callable, optional
        The field whose gradient update k = 0, 1, … takes in the place of the whole one's.
    observe : callable, optional
        Called after every step with its number and the state.
    progress : callable, optional
        Called with the number of updates done, at most about 100 times.

    Returns
    -------
    Path
        A trajectory that leaves the range of its numbers stays at its last good state (`train_arrays`).
    """
    xp, steps, guard = namespace(theta), due[-1], Guard(theta)
    states: list[Array] = []
    losses: list[Array] = []
    report = sparse(progress, steps)
    state = init(optimizer, theta)
    rate: Any = optimizer.lr
    current = 1.0
    for step in range(steps):
        is_due = step == due[len(states)]
        if drawn is not None:
            gradient = drawn(step).gradient(theta)
            value = field.loss(theta) if is_due else None
        elif is_due:
            value, gradient = field.loss_and_gradient(theta)
        else:
            gradient = field.gradient(theta)
        if is_due:
            states.append(theta)
            losses.append(value)
        if (wanted := factor(schedule, step)) != current:
            rate, current = optimizer.lr * wanted, wanted
        if keeps is not None:
            gradient = xp.where(keeps, xp.zeros_like(gradient), gradient)
        new, state = update(optimizer, adjusted(modifiers, gradient, theta), state, theta, rate, step)
        new = decayed(modifiers, new, theta, rate)
        if keeps is not None:
            new = xp.where(keeps, theta, new)
        theta = guard.kept(theta, new, gradient, step + 1)
        if observe is not None:
            observe(step + 1, theta)
        report(step + 1)
        if not guard.any_alive():
            break
    if progress is not None:
        progress(steps)
    # The last state, and whatever was due after the last trajectory had stopped.
    rest = len(due) - len(states)
    states += [theta] * rest
    losses += [field.loss(theta)] * rest
    return Path(states, losses, theta, ~guard.alive, state)
