"""The source documents' claims: functions that return evidence and a verdict.

To add a document, add a package or module with a tuple `CLAIMS` of `gradflow.claims.ledger.Claim` and
name it in `LEDGER`.
"""

from gradflow.claims import single_neuron, theory
from gradflow.claims.ledger import VERDICTS, Checked, Claim, Finding, check, describe, select

LEDGER: tuple[Claim, ...] = (*single_neuron.CLAIMS, *theory.CLAIMS)

__all__ = ["LEDGER", "VERDICTS", "Checked", "Claim", "Finding", "check", "describe", "select"]
