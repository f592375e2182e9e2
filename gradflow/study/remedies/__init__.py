"""Remedies that may keep a neuron from getting stuck, measured on a whole square of starts, not on one.

`REMEDIES` are what is tried, `TEACHERS` what is to be learned, `measure` how: a remedy, methods, starts and
teachers in, shares of ends out.
"""

from gradflow.study.remedies.measure import METHODS, Method, StartOutcomes, measure, starts
from gradflow.study.remedies.rows import REMEDIES, TEACHERS, Remedy

__all__ = ["METHODS", "REMEDIES", "TEACHERS", "Method", "Remedy", "StartOutcomes", "measure", "starts"]
