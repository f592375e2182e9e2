"""Seed document 002, early alignment in two-layer networks, and its neighbours."""

from gradflow.study.claims.alignment import (
    experiments,
    images,
    neighbours,
    questions,
    scales,
    signatures,
    theorem,
)
from gradflow.study.claims.alignment.untestable import UNTESTABLE
from gradflow.study.claims.ledger import sharing

CLAIMS = (
    *sharing("theorem", theorem.CLAIMS),
    *sharing("plane", experiments.CLAIMS),
    *sharing("images", images.CLAIMS),
    *questions.CLAIMS,
    *sharing("scales", scales.CLAIMS),
    *signatures.CLAIMS,
    *neighbours.CLAIMS,
)

__all__ = ["CLAIMS", "UNTESTABLE"]
