"""Statuses: how the path of a network (flow) or of a neuron (limit) ended."""

STATUSES = (
    "reached t_end", "loss below", "step too small", "too many steps", "chattering", "settled", "dead",
    "too many events",
)  # fmt: skip
REACHED, BELOW, STEP_TOO_SMALL, TOO_MANY_STEPS, CHATTERING, SETTLED, DEAD, TOO_MANY_EVENTS = range(8)

OF_THE_LIMIT = (SETTLED, DEAD, REACHED, TOO_MANY_EVENTS)
"""Those that a path of the limit ε → 0 can have."""
