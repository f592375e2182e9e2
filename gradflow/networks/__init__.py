"""Networks of ReLU neurons: exact on the line, two layers that align early, many layers whose units die."""

from gradflow.base.lazy import modules

__getattr__, __dir__ = modules(__name__, __path__)
