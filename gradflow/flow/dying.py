"""Motion of ReLU neurons that are nearly dead, and when one that runs into w1 = b1 = 0 is there.

Without the neuron only b2 moves: b2 − E f* decays like exp(−2t). A ReLU neuron that is still active on
a fraction p of the input, next to the end e, then has log z_e change at the rate −K (b2 − f*(e)), with
K = 2 w2 s₊ (1 + e²)/|z_o| and o the other end, all relative to 1 + O(p): that of its gradient over the
active part. It integrates to −K ((E f* − f*(e)) t + (b2 − E f*)(1 − exp(−2t))/2). The decay may turn
into growth once b2 has passed f*(e), and the neuron comes back to life; by then z_e may have been below
all floating-point numbers, and an explicit method would have needed steps of about 1/K all the time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from gradflow.base.arrays import Array

Pair = tuple[Array, Array]

NEGLIGIBLE = 1e-20
HALVINGS = 60
ARRIVED = 1e4
SHARE = 0.9
"""A step towards w1 = b1 = 0 goes so far of the way."""
SMALLER, UNSURE = 0.1, 0.01
GROWS = 10.0
"""A step's polynomial that goes so much further than its ends is not the trajectory."""


class Active(NamedTuple):
    """Nearly dead neurons at their active ends: the pre-activations there and at the other end, f*(e), e."""

    z: Array
    other: Array
    target: Array
    x: Array


class Fading(NamedTuple):
    """How nearly dead neurons go on.

    Attributes
    ----------
    holds : array of bool
        The active part is negligible and shrinks: the closed form holds.
    returns : array of bool
        It is as large again before the time is up.
    time : array
        How long the closed form holds: until then, or until the time is up.
    rate, pull, gap : array
        K, E f* − f*(e) and b2 − E f*.
    """

    holds: Array
    returns: Array
    time: Array
    rate: Array
    pull: Array
    gap: Array

    def growth(self, xp: Any, t: Array) -> Array:
        """Return by how much log z_e has grown after a time."""
        return -self.rate * (self.pull * t - 0.5 * self.gap * xp.expm1(-2.0 * t))


def fading(
    xp: Any, active: Active, s_plus: float, w2: Array, b2: Array, mean: Array, left: Array, may: Array
) -> Fading:
    """Return how neurons go on in the time that is left, those that `may` fade.

    Parameters
    ----------
    s_plus : float
        The activation's slope where it is active.
    mean : array
        E f*.
    """
    z, other, output, end = active
    one, gap = xp.ones_like(z), b2 - mean
    rate = 2.0 * s_plus * w2 * (1.0 + end * end) / xp.where(other > 0.0, other, one)
    pull = mean - output
    holds = may & (z > 0.0) & (z <= NEGLIGIBLE * other) & (rate * (b2 - output) > 0.0)
    room = math.log(NEGLIGIBLE) - xp.log(xp.where(holds, z / other, NEGLIGIBLE * one))
    # log z turns where b2 = f*(e), if it ever does.
    turns = holds & (pull * gap < 0.0) & (xp.abs(gap) > xp.abs(pull))
    turn = 0.5 * xp.log(xp.where(turns, -gap / xp.where(turns, pull, one), one))
    found = Fading(holds, turns, left, rate, pull, gap)
    returns = turns & (turn < left) & (found.growth(xp, left) > room)
    time = _time_of(xp, lambda t: found.growth(xp, t) > room, xp.where(returns, turn, left), left)
    return found._replace(returns=returns, time=time)


def is_there(xp: Any, z: Pair, v: Pair, smallest: Array) -> Array:
    """Return whether pre-activations are 0 but for what time does not resolve: first that at the active end.

    Their velocities point there: what runs into w1 = b1 = 0 shrinks at both ends, one that comes back to life
    beside it grows. And they would take them there within `ARRIVED` of the smallest steps: so many more than
    the last steps on the way, each of which is a fraction of what is left of it.
    """
    size = xp.maximum(xp.abs(z[0]), xp.abs(z[1]))
    speed = xp.maximum(xp.abs(v[0]), xp.abs(v[1]))
    shrinks = (v[0] <= 0.0) & (z[1] * v[1] <= 0.0)
    return (shrinks & (size <= ARRIVED * (smallest * speed))) | (size == 0.0)


def longest_step(xp: Any, z: Pair, v: Pair) -> Array:
    """Return how long a balanced neuron's step may be: it stays on this side of w1 = b1 = 0.

    Where both pre-activations shrink, they would be 0 after the times −z/v, and the field, which depends on
    the direction of (w1, b1) alone there, is not continuous. A step that passes it has stages from beyond,
    and nothing that it computes, its error included, means anything.
    """
    one = xp.ones_like(z[0])
    shrink = (z[0] * v[0] < 0.0) & (z[1] * v[1] < 0.0)
    times = [-a / xp.where(shrink, b, one) for a, b in zip(z, v, strict=True)]
    return xp.where(shrink, SHARE * xp.maximum(*times), xp.inf * one)


def sizes(xp: Any, *states: Array) -> list[Array]:
    """Return the sizes of (w1, b1), or of the pre-activations in its place, of states (4 or more, …)."""
    return [xp.maximum(xp.abs(y[0, ...]), xp.abs(y[1, ...])) for y in states]


def strays(xp: Any, before: Array, between: Array, after: Array) -> Array:
    """Return whether a state between a step's ends is so much larger than they are that it is in error."""
    first, middle, last = sizes(xp, before, between, after)
    return middle > GROWS * xp.maximum(first, last)


def loses_direction(xp: Any, before: Array, after: Array, rtol: Array) -> Array:
    """Return whether the error of a step between two states may have turned (w1, b1).

    The error is small beside the larger of them. Near w1 = b1 = 0 all depends on the direction, so that
    of a step that shrinks (w1, b1) the error counts beside what is left.
    """
    first, last = sizes(xp, before, after)
    return (last < SMALLER * first) & (UNSURE * last < rtol * first)


def _time_of(xp: Any, happened: Callable[[Array], Array], start: Array, end: Array) -> Array:
    """Return when something happens that has not at the start and has at the end; the end if they agree."""
    if not bool(xp.any(start < end)):
        return end
    for _ in range(HALVINGS):
        middle = 0.5 * (start + end)
        late = happened(middle)
        start, end = xp.where(late, start, middle), xp.where(late, middle, end)
    return end
