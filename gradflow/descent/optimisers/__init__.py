"""Optimisers, one a file, and the registry that lists them."""

from gradflow.base.lazy import modules

__getattr__, __dir__ = modules(__name__, __path__)
