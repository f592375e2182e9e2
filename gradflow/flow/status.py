"""How a trajectory of a gradient flow ends: the one table of codes and their names.

Each integrator uses those that it can tell apart; a code means the same wherever it stands. New ones come
last, as files keep the numbers.
"""

STATUSES = (
    "reached t_end",
    "stopped",
    "step too small",
    "too many steps",
    "converged",
    "diverged",
    "passed the level",
)
"""The name of each code."""

REACHED, STOPPED, STEP_TOO_SMALL, TOO_MANY_STEPS, CONVERGED, DIVERGED, PASSED = range(len(STATUSES))

RUNNING = -1
"""The code of a trajectory that has not ended; no result has it."""
