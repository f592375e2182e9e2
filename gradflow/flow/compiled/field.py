"""The field of the trajectories of a block, all in one cell, for each cell and every activation.

The formulas are those of `gradflow.field.formulas` with the cell's signs given, which decides all their
choices before anything runs. A loop over the lanes has no branch in it and becomes packed instructions.
"""

from __future__ import annotations

from typing import Any

from gradflow.compiled.registers import REGISTERS, finite, least
from gradflow.field.formulas import Parts, Signs, Slopes, Target, loss, one_sided_gradient, parts
from gradflow.field.formulas import gradient as two_sided_gradient
from gradflow.flow.compiled.layout import (  # fmt: skip
    LOSS,
    LOWEST,
    NEW,
    SIDES,
    SLOPE_MINUS,
    SLOPE_PLUS,
    STATE,
    TERM_HAS_BREAKPOINT,
    TERM_HI,
    TERM_LEFT,
    TERM_LENGTH,
    TERM_LO,
    TERM_MIDDLE,
    TERM_OFFSET,
    TERM_Q,
    TERM_RIGHT,
    TERM_RISE_HI,
    TERM_RISE_LO,
    TERM_Y_HI,
    TERM_Y_LO,
    TERM_Y_Q,
    VELOCITY,
    Numbers,
    W,
    Y,
)

Four = tuple[float, float, float, float]


def given(fixed: Numbers) -> Slopes:
    """Return the activation's slopes, as numbers that the trajectories share."""
    return fixed[SLOPE_MINUS], fixed[SLOPE_PLUS]


def relu(fixed: Numbers) -> Slopes:
    """Return the slopes of a ReLU: known when code is compiled, they cost nothing."""
    return 0.0, 1.0


def either(p: Parts, w2: float, offset: float, slopes: Slopes) -> Four:
    """Return the gradient of a neuron with two slopes."""
    return two_sided_gradient(REGISTERS, p, w2, offset, slopes)


def one_sided(p: Parts, w2: float, offset: float, slopes: Slopes) -> Four:
    """Return the gradient of a neuron that is flat where it is inactive."""
    return one_sided_gradient(REGISTERS, p.active, p.aim, w2, offset, slopes[1])


def middle(w: Numbers, lane: int, z_lo: float, z_hi: float) -> float:
    """Return the pre-activation at the teacher's breakpoint from those at the ends; also its velocity."""
    return z_lo * w[TERM_RIGHT * W + lane] + z_hi * w[TERM_LEFT * W + lane]


def aim(w: Numbers, lane: int) -> Target:
    """Return the teacher's pieces."""
    return Target(
        (w[TERM_LO * W + lane], w[TERM_Q * W + lane], w[TERM_HI * W + lane]),
        (w[TERM_LEFT * W + lane], w[TERM_RIGHT * W + lane]),
        (w[TERM_Y_LO * W + lane], w[TERM_Y_Q * W + lane], w[TERM_Y_HI * W + lane]),
        (w[TERM_RISE_LO * W + lane], w[TERM_RISE_HI * W + lane]),
        w[TERM_HAS_BREAKPOINT * W + lane] != 0.0,
        w[TERM_LENGTH * W + lane],
        w[TERM_MIDDLE * W + lane],
    )


def descend(w: Numbers, lane: int, g: Four) -> None:
    """Put the velocity of the flow that goes down a gradient into its rows."""
    lo = w[TERM_LO * W + lane]
    hi = w[TERM_HI * W + lane]
    w[VELOCITY * W + lane] = -(g[0] * lo + g[1])
    w[(VELOCITY + 1) * W + lane] = -(g[0] * hi + g[1])
    w[(VELOCITY + 2) * W + lane] = -g[2]
    w[(VELOCITY + 3) * W + lane] = -g[3]
    w[(VELOCITY + 4) * W + lane] = g[0] * g[0] + g[1] * g[1] + g[2] * g[2] + g[3] * g[3]


def lower(w: Numbers, lane: int, row: int, z: float) -> None:
    """Note a pre-activation, positive in the cell, if it is the lowest so far."""
    w[row * W + lane] = least(w[row * W + lane], z)


@finite
def move(w: Numbers, s: Slopes, lane: int, cell: Signs) -> None:
    """Compute the velocity of one trajectory at a stage's state, and the lowest pre-activations so far."""
    z_lo = w[STATE * W + lane]
    z_hi = w[(STATE + 1) * W + lane]
    z_q = middle(w, lane, z_lo, z_hi)
    w2 = w[(STATE + 2) * W + lane]
    offset = w[(STATE + 3) * W + lane] - w[TERM_OFFSET * W + lane]
    p = parts(REGISTERS, (z_lo, z_q, z_hi), cell, aim(w, lane))
    descend(w, lane, gradient(p, w2, offset, s))
    lower(w, lane, LOWEST, z_lo if cell[0] else -z_lo)
    lower(w, lane, LOWEST + 1, z_q if cell[1] else -z_q)
    lower(w, lane, LOWEST + 2, z_hi if cell[2] else -z_hi)


def velocity_none(w: Numbers, fixed: Numbers, n: int) -> None:
    """Compute velocities where the neurons are inactive on the whole input."""
    s = slopes(fixed)
    if n == 1:
        move(w, s, 0, (False, False, False))
    else:
        for lane in range(W):
            move(w, s, lane, (False, False, False))


def velocity_lo(w: Numbers, fixed: Numbers, n: int) -> None:
    """Compute velocities where the neurons are active at lo."""
    s = slopes(fixed)
    if n == 1:
        move(w, s, 0, (True, False, False))
    else:
        for lane in range(W):
            move(w, s, lane, (True, False, False))


def velocity_lo_q(w: Numbers, fixed: Numbers, n: int) -> None:
    """Compute velocities where the neurons are active at lo and at the teacher's breakpoint."""
    s = slopes(fixed)
    if n == 1:
        move(w, s, 0, (True, True, False))
    else:
        for lane in range(W):
            move(w, s, lane, (True, True, False))


def velocity_all(w: Numbers, fixed: Numbers, n: int) -> None:
    """Compute velocities where the neurons are active on the whole input."""
    s = slopes(fixed)
    if n == 1:
        move(w, s, 0, (True, True, True))
    else:
        for lane in range(W):
            move(w, s, lane, (True, True, True))


def velocity_q_hi(w: Numbers, fixed: Numbers, n: int) -> None:
    """Compute velocities where the neurons are active at the teacher's breakpoint and at hi."""
    s = slopes(fixed)
    if n == 1:
        move(w, s, 0, (False, True, True))
    else:
        for lane in range(W):
            move(w, s, lane, (False, True, True))


def velocity_hi(w: Numbers, fixed: Numbers, n: int) -> None:
    """Compute velocities where the neurons are active at hi."""
    s = slopes(fixed)
    if n == 1:
        move(w, s, 0, (False, False, True))
    else:
        for lane in range(W):
            move(w, s, lane, (False, False, True))


def velocity(w: Numbers, fixed: Numbers, cell: int, n: int) -> None:
    """Compute the velocities at a stage's state by the formulas of a cell, also beyond its walls."""
    if cell == 0:
        velocity_none(w, fixed, n)
    elif cell == 1:
        velocity_lo(w, fixed, n)
    elif cell == 3:
        velocity_lo_q(w, fixed, n)
    elif cell == 7:
        velocity_all(w, fixed, n)
    elif cell == 6:
        velocity_q_hi(w, fixed, n)
    elif cell == 4:
        velocity_hi(w, fixed, n)


def losses(w: Numbers, fixed: Numbers, n: int) -> None:
    """Compute the losses of the new states."""
    s = slopes(fixed)
    for lane in range(n):
        z_lo = w[(NEW + Y) * W + lane]
        z_hi = w[(NEW + Y + 1) * W + lane]
        z = (z_lo, middle(w, lane, z_lo, z_hi), z_hi)
        cell = (
            w[SIDES * W + lane] > 0.0,
            w[(SIDES + 1) * W + lane] > 0.0,
            w[(SIDES + 2) * W + lane] > 0.0,
        )
        w2 = w[(NEW + Y + 2) * W + lane]
        offset = w[(NEW + Y + 3) * W + lane] - w[TERM_OFFSET * W + lane]
        p = parts(REGISTERS, z, cell, aim(w, lane))
        w[LOSS * W + lane] = loss(REGISTERS, p, w2, offset, s)


slopes: Any = given
gradient: Any = either
"""The slopes, and the gradient's form, that code is compiled for (`gradflow.flow.compiled.numba.choice`)."""
