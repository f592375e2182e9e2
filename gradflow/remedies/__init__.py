"""What may keep a neuron from getting stuck, measured on the whole square of starts instead of on one.

`REMEDIES` are what is tried, `measure` how: a remedy, a method and starts in, shares of outcomes out.
"""

from gradflow.remedies.measure import METHODS, Cell, Method, measure, starts
from gradflow.remedies.rows import REMEDIES, Remedy

__all__ = ["METHODS", "REMEDIES", "Cell", "Method", "Remedy", "measure", "starts"]
