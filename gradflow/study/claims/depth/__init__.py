"""Seed document 003, dying ReLU in deep networks, sentence by sentence; and who is born dead."""

from gradflow.study.claims.depth import birth, capacity, causes, door, fixes, spread
from gradflow.study.claims.depth.untestable import UNTESTABLE
from gradflow.study.claims.ledger import sharing

CLAIMS = (
    *sharing(
        "depth",
        (*door.CLAIMS, *causes.CLAIMS, *spread.CLAIMS, *capacity.CLAIMS, *fixes.CLAIMS),
    ),
    *birth.CLAIMS,
)

__all__ = ["CLAIMS", "UNTESTABLE"]
