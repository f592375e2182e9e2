"""Where trajectories end, and where along a line of starts the end changes."""

from gradflow.ends.follow import (
    Ends,
    descent_outcomes,
    descent_run,
    flow_decisions,
    flow_outcomes,
    flow_run,
    settled_outcomes,
)
from gradflow.ends.thresholds import Decide, Threshold, bracket

__all__ = [
    "Decide",
    "Ends",
    "Threshold",
    "bracket",
    "descent_outcomes",
    "descent_run",
    "flow_decisions",
    "flow_outcomes",
    "flow_run",
    "settled_outcomes",
]
