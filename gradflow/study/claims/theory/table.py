"""Theorems on the sources' sentences on death."""

from gradflow.study.claims.ledger import Claim, rows
from gradflow.study.claims.theory import (
    adam_after_the_end,
    adam_thresholds,
    ends_of_the_flow,
    irreversibility,
    large_bias,
    large_rate,
    last_rate,
)

_FLOW = "Asked here"

_AFTER = "Training dynamics of a single ReLU neuron, Takeaway: after the end"

CLAIMS = (
    *rows(
        ("theory.irreversibility", "Training dynamics of a single ReLU neuron, Takeaway, and Dying ReLU: the theorems", "Once a neuron leaves the balanced state, it is very hard to return; once dead, it can never recover.", irreversibility.irreversibility),
    ),
    Claim("theory.after-the-end", _AFTER, "Once a neuron leaves the balanced state, it is very hard to return: on the best line training stays where it is.", adam_after_the_end.after_the_end, adam_after_the_end.needs_one),
    Claim("theory.left-by-adam", _AFTER, "On the best line Adam stays where it is.", adam_after_the_end.who_is_left, adam_after_the_end.needs_many),
    Claim("theory.left-by-method", _AFTER, "On the best line training stays where it is, whatever the method.", adam_after_the_end.methods_after_the_end, adam_after_the_end.needs_methods),
    *rows(
        ("theory.one-threshold", "Training dynamics of a single ReLU neuron, Observation 1: after the end", "Under Adam one value of b2 separates the starts that learn from those that only learn the line.", adam_thresholds.one_threshold),
        ("theory.finite-time", _FLOW, "The flow kills no living neuron in finite time.", ends_of_the_flow.dies_in_finite_time),
        ("theory.fading", _FLOW, "Under the flow no balanced neuron ends dead.", ends_of_the_flow.fading),
        ("theory.door", _FLOW, "Between the starts that learn and those that only learn the line there is one surface, with the former on its one side.", ends_of_the_flow.door),
        ("theory.decided", _FLOW, "Of how many starts do theorems tell at once where the flow ends?", ends_of_the_flow.decided_at_once),
        ("theory.last-rate", "Asked here", "How fast does the loss fall in the end, and what tells it?", last_rate.last_rate),
        ("theory.large-b2", "Training dynamics of a single ReLU neuron, Observation 1: the theorems", "Large |b2| can kill the neuron: under which dynamics, and from which b2 on?", large_bias.large_bias),
        ("theory.large-rate", "Training dynamics of a single ReLU neuron, Observation 2: the theorems", "Too large a learning rate can also kill the neuron.", large_rate.large_rate),
    ),
)  # fmt: skip
