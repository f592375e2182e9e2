"""The neuron, its activation and activity, and the problem it learns."""

from gradflow.base.lazy import modules

__getattr__, __dir__ = modules(__name__, __path__)
