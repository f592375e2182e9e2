"""Runs of one neuron or of a batch as labelled datasets: the gradient flow, and training."""

from gradflow.runs.flow import gradient_flow
from gradflow.runs.records import crossings, limit
from gradflow.runs.training import train

__all__ = ["crossings", "gradient_flow", "limit", "train"]
