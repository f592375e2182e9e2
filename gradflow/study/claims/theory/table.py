"""Theorems on the sources' sentences on death."""

from gradflow.study.claims.ledger import Claim, rows
from gradflow.study.claims.theory import (
    adam_after_the_end,
    irreversibility,
    large_bias,
    large_rate,
    last_rate,
)

_AFTER = "Training dynamics of a single ReLU neuron, Takeaway: after the end"

CLAIMS = (
    *rows(
        ("theory.irreversibility", "Training dynamics of a single ReLU neuron, Takeaway, and Dying ReLU: the theorems", "Once a neuron leaves the balanced state, it is very hard to return; once dead, it can never recover.", irreversibility.irreversibility),
    ),
    Claim("theory.after-the-end", _AFTER, "Once a neuron leaves the balanced state, it is very hard to return: on the best line training stays where it is.", adam_after_the_end.after_the_end, adam_after_the_end.needs_one),
    Claim("theory.left-by-adam", _AFTER, "On the best line Adam stays where it is.", adam_after_the_end.who_is_left, adam_after_the_end.needs_many),
    Claim("theory.left-by-method", _AFTER, "On the best line training stays where it is, whatever the method.", adam_after_the_end.methods_after_the_end, adam_after_the_end.needs_methods),
    *rows(
        ("theory.last-rate", "Asked here", "How fast does the loss fall in the end, and what tells it?", last_rate.last_rate),
        ("theory.large-b2", "Training dynamics of a single ReLU neuron, Observation 1: the theorems", "Large |b2| can kill the neuron: under which dynamics, and from which b2 on?", large_bias.large_bias),
        ("theory.large-rate", "Training dynamics of a single ReLU neuron, Observation 2: the theorems", "Too large a learning rate can also kill the neuron.", large_rate.large_rate),
    ),
)  # fmt: skip
