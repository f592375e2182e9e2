"""The flow's field where student or teacher is smooth, trajectory by trajectory.

What `gradflow.flow.compiled.field` computes in closed form is here added up by
`gradflow.compiled.integral.integrate`. The nodes lie among what all trajectories
share; the scratch of the sums lies behind a block's rows.
"""

from __future__ import annotations

from gradflow.compiled import integral
from gradflow.compiled.integral import integrate
from gradflow.flow.compiled.field import descend, lower, middle
from gradflow.flow.compiled.layout import (  # fmt: skip
    GRADIENT,
    HERE,
    LOSS,
    LOWEST,
    NEW,
    ROWS,
    SIDES,
    STATE,
    TABLE,
    TERM_TAUGHT,
    Numbers,
    W,
    Y,
)

OWN_PROBLEM = integral.OWN
PROBLEM_SIZE = integral.PROBLEM
TAUGHT_SIZE = integral.TAUGHT
SUM_COUNT = 5
SUM_SCRATCH = integral.SCRATCH
"""The scratch of the sums, behind the rows."""


def summed(w: Numbers, o: int, fixed: Numbers, row: int) -> None:
    """Add up the gradient and the loss of one trajectory at the state in four rows."""
    q = w[ROWS * W :]
    table = int(fixed[TABLE])
    for k in range(TAUGHT_SIZE):
        q[OWN_PROBLEM + k] = w[(TERM_TAUGHT + k) * W + o]
    for k in range(TAUGHT_SIZE, PROBLEM_SIZE):
        q[OWN_PROBLEM + k] = fixed[table + k]
    on_lo = 1 if w[SIDES * W + o] > 0.0 else 0
    on_hi = 1 if w[(SIDES + 2) * W + o] > 0.0 else 0
    z_lo = w[row * W + o]
    z_hi = w[(row + 1) * W + o]
    w2 = w[(row + 2) * W + o]
    b2 = w[(row + 3) * W + o]
    integrate(q, q[OWN_PROBLEM:], fixed[table + PROBLEM_SIZE :], z_lo, z_hi, w2, b2, on_lo, on_hi)


def gradients(w: Numbers, fixed: Numbers, n: int) -> None:
    """Compute the gradients of n trajectories at a stage's state; empty places of a block are passed by."""
    for lane in range(n):
        if w[HERE * W + lane] != 0.0:
            summed(w, lane, fixed, STATE)
            for k in range(4):
                w[(GRADIENT + k) * W + lane] = w[ROWS * W + k]


def losses(w: Numbers, fixed: Numbers, n: int) -> None:
    """Compute the losses of n trajectories at the new state."""
    for lane in range(n):
        if w[HERE * W + lane] != 0.0:
            summed(w, lane, fixed, NEW + Y)
            w[LOSS * W + lane] = w[ROWS * W + 4]


def velocity(w: Numbers, fixed: Numbers, cell: int, n: int) -> None:
    """Compute the velocities at a stage's state, and the lowest pre-activations so far."""
    gradients(w, fixed, n)
    for lane in range(n):
        g = (
            w[GRADIENT * W + lane],
            w[(GRADIENT + 1) * W + lane],
            w[(GRADIENT + 2) * W + lane],
            w[(GRADIENT + 3) * W + lane],
        )
        descend(w, lane, g)
        z_lo = w[STATE * W + lane]
        z_hi = w[(STATE + 1) * W + lane]
        lower(w, lane, LOWEST, w[SIDES * W + lane] * z_lo)
        lower(w, lane, LOWEST + 1, w[(SIDES + 1) * W + lane] * middle(w, lane, z_lo, z_hi))
        lower(w, lane, LOWEST + 2, w[(SIDES + 2) * W + lane] * z_hi)
