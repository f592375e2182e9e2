"""Seed document 002, early alignment in two-layer networks, and its neighbours."""

from gradflow.claims.alignment import (
    experiments,
    images,
    neighbours,
    questions,
    scales,
    signatures,
    theorem,
)
from gradflow.claims.alignment.untestable import UNTESTABLE

CLAIMS = (
    *theorem.CLAIMS,
    *experiments.CLAIMS,
    *images.CLAIMS,
    *questions.CLAIMS,
    *scales.CLAIMS,
    *signatures.CLAIMS,
    *neighbours.CLAIMS,
)

__all__ = ["CLAIMS", "UNTESTABLE"]
