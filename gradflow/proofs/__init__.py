"""The algebra, in SymPy. Never imported when simulating."""

from gradflow.base.lazy import modules

__getattr__, __dir__ = modules(__name__, __path__)
