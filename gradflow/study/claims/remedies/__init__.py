"""The remedies that the sources name or ask for, each measured on the whole square of starts."""

from gradflow.study.claims.remedies.table import CLAIMS

__all__ = ["CLAIMS"]
