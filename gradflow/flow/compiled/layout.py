"""Where a trajectory's numbers lie while compiled code follows its flow.

A block of `W` trajectories is one array of rows, each `W` numbers long: row r of lane i is ``w[r * W + i]``.
What a trajectory keeps while others are in the block is its record, `COLUMNS` numbers in a row; the first
`KEPT` of them are the block's first rows.
"""

from __future__ import annotations

from typing import Any, TypeAlias

Numbers: TypeAlias = list[float]
Integers: TypeAlias = list[int]
"""Arrays, with the type of what they hold."""

W = 16
"""The width of a block, whose rows stay in the first-level cache. No result depends on it."""

T = 0
H = 1
Y = 2
FLOOR = 7
REJECTED = 12
STEPS = 13
DUE = 14
WAIT = 15
K = 16
KEPT = 21
STATE = 96
VELOCITY = 100
LOWEST = 105
TRIAL_H = 108
TOTAL = 113
NEW = 118
ATTENTION = 139
LOSS = 140
SHOWN = 141
SQUARES = 142
SIDES = 152
TERMS = 155
GRADIENT = 176
HERE = 180
ERROR = 181
TRIAL_Y = 182
ROWS = 187
"""Rows: time, next step, state (5), tolerances (5), whether the last trial was rejected, accepted steps, the
step at which the stop rule is next due, how long it then waits; stages (16 × 5, the first is the velocity
at the state); a stage's state (4) and velocity (5), the lowest pre-activations at the stages (3), the trial's
step (5 times the same), its weighted sum (5), what the first `KEPT` rows become, what needs a closer look,
the loss, whether the stop rule wants it, squares of both error estimates (10), the cell (3: 1 active, −1
not), the problem (21), and where the field is a sum, the gradient (4); whether the place is taken; the
error relative to the tolerance; the trial's state (5), in rows
of its own (`gradflow.compiled.registers.least` says why)."""

CELL = 21
CROSSINGS = 22
FIRST_TIME = 23
FIRST_EVENT = 24
STATUS = 25
WAITING_T = 26
WAITING_Y = 29
COLUMNS = 44
"""Columns of a record behind those that are rows."""

T_END = 0
RTOL = 1
RESTING = 2
MAX_STEPS = 3
SLOPE_MINUS = 4
SLOPE_PLUS = 5
GROWTH = 6
HAS_WALLS = 7
TABLE = 8
PACE = 9
LEVELS = 10
LEVEL = 5
"""The numbers that all trajectories share; from `LEVELS` on the stop rule's levels, `LEVEL` numbers each;
behind them, where the number in `TABLE` says, a problem's numbers and nodes for sums
(`gradflow.compiled.integral`)."""

TERM_OFFSET = 155
TERM_LO = 156
TERM_Q = 157
TERM_HI = 158
TERM_LEFT = 159
TERM_RIGHT = 160
TERM_Y_LO = 161
TERM_Y_Q = 162
TERM_Y_HI = 163
TERM_RISE_LO = 164
TERM_RISE_HI = 165
TERM_HAS_BREAKPOINT = 166
TERM_LENGTH = 167
TERM_MIDDLE = 168
TERM_MEAN = 169
TERM_TAUGHT = 170
"""The rows of `TERMS`, one by one: the fields of `gradflow.flow.lanes.Terms`, the last of which has six."""

TERM_COUNT = 21
PLAIN_TERMS = 15

QUEUE = 256
POOL = 384
VECTOR = 8
"""So many trajectories wait for a place in a block; room for them in each cell; the widest vector. No
result depends on them."""

STAGE_COUNT = 12
DENSE_TERMS = 0
HEIGHTS = 40
VALUES = 64
SLOPES = 81
EXIT_S = 100
EXIT_DEPTH = 103
EXIT_Y = 106
EXIT_T = 121
WAITS = 124
SCRATCH = 128
"""The scratch of one trajectory's crossing."""

PARKED = -2
"""The status of a trajectory that the stop rule wants to see."""

BITS = {(False, False, False): 0, (True, False, False): 1, (True, True, False): 3, (True, True, True): 7,
        (False, True, True): 6, (False, False, True): 4}  # fmt: skip
"""The cells with their numbers: active at lo counts 1, at the teacher's breakpoint 2, at hi 4."""


def levels_of(fixed: Any) -> int:
    """Return how many levels a stop rule has, from what all trajectories share."""
    return (int(fixed[TABLE]) - LEVELS) // LEVEL
