"""The source documents' claims: sentences, and checks that return evidence and a verdict.

To add a claim, add a row to the table of its document (``<document>/table.py``): id, source, sentence, checker,
and the checker's parameters. What is measured is a function of the document's package, or one that is there already:
`single_neuron.shares` (a share of starts), `depth.fixes.helps` (a mean beside a control, with its error),
`alignment.theorem.along_flows` (a theorem on cases), `remedies.table.check` (a group of remedies),
`dead_relu.neuron.recovers` (witnesses). A check ends with `words.finding`: a verdict, given by `ledger.by_rule` or
`ledger.throughout`, a template, and the evidence that fills it. To add a document, add a package with a `table`, and
name it in `documents`. Then state the verdict, and the numbers taken from the source, in
``tests/study/claims/sources.toml``.
"""

from gradflow.study.claims.documents import LEDGER, UNTESTABLE
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
