"""Gradient flow, dθ/dt = −∇L, integrated cell by cell with located crossings.

`integrate` follows one neuron, `gradflow.flow.ensemble` many; `gradflow.runs.gradient_flow` returns a
trajectory as a dataset with its outcome.
"""

from gradflow.flow.reference import METHODS, Trajectory, integrate
from gradflow.flow.status import STATUSES

__all__ = ["METHODS", "STATUSES", "Trajectory", "integrate"]
