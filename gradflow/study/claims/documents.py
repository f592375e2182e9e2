"""The ledger: the tables of all documents, one after the other."""

from gradflow.study.claims.alignment import table as alignment
from gradflow.study.claims.dead_relu import table as dead_relu
from gradflow.study.claims.depth import table as depth
from gradflow.study.claims.ledger import Claim, Untestable
from gradflow.study.claims.networks import table as networks
from gradflow.study.claims.remedies import table as remedies
from gradflow.study.claims.single_neuron import table as single_neuron
from gradflow.study.claims.theory import table as theory

LEDGER: tuple[Claim, ...] = tuple(
    claim
    for document in (single_neuron, theory, dead_relu, depth, remedies, alignment, networks)
    for claim in document.CLAIMS
)

UNTESTABLE: tuple[Untestable, ...] = tuple(
    Untestable(document.TITLE, *entry)
    for document in (single_neuron, dead_relu, depth, alignment)
    for entry in document.UNTESTABLE
)
"""Sentences that are not claims of the ledger, with the reason."""
