"""Ziming Liu, "Training dynamics of A Single ReLU Neuron" (blog post, 2026-01-03)."""

from gradflow.study.claims.ledger import sharing
from gradflow.study.claims.single_neuron import (
    observation0,
    observation1,
    observation2,
    observation3,
    questions,
)

CLAIMS = (
    *observation0.CLAIMS,
    *observation1.CLAIMS,
    *observation2.CLAIMS,
    *sharing("silu", observation3.CLAIMS),
    *questions.CLAIMS,
)

UNTESTABLE = questions.UNTESTABLE
