"""The study: what the sources claim, what remedies do, the figures and the report."""

from gradflow.base.lazy import modules

__getattr__, __dir__ = modules(__name__, __path__)
