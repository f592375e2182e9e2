"""The source documents' claims: functions that return evidence and a verdict.

To add a document, add a package or module with a tuple `CLAIMS` of `gradflow.study.claims.ledger.Claim`, and
`UNTESTABLE` of (sentence, reason) for what it says that no computation can decide, and name it here.
"""

from gradflow.study.claims import alignment, dead_relu, depth, remedies, single_neuron, theory
from gradflow.study.claims.ledger import (
    VERDICTS,
    Checked,
    Claim,
    Finding,
    Untestable,
    check,
    describe,
    select,
)

LEDGER: tuple[Claim, ...] = (
    *single_neuron.CLAIMS,
    *theory.CLAIMS,
    *dead_relu.CLAIMS,
    *depth.CLAIMS,
    *remedies.CLAIMS,
    *alignment.CLAIMS,
)

UNTESTABLE: tuple[Untestable, ...] = tuple(
    Untestable(source, *entry)
    for source, module in (
        ("Liu 2026", single_neuron),
        ("Learning rate and dead ReLU", dead_relu),
        ("Dying ReLU", depth),
        ("Early alignment", alignment),
    )
    for entry in module.UNTESTABLE
)
"""Sentences that are not claims of the ledger, with the reason."""

__all__ = [
    "LEDGER",
    "UNTESTABLE",
    "VERDICTS",
    "Checked",
    "Claim",
    "Finding",
    "Untestable",
    "check",
    "describe",
    "select",
]
