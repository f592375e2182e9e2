"""Ziming Liu, "Training dynamics of A Single ReLU Neuron" (blog post, 2026-01-03)."""

from gradflow.claims.single_neuron import observation0, observation1, observation2, observation3, questions

CLAIMS = (
    *observation0.CLAIMS,
    *observation1.CLAIMS,
    *observation2.CLAIMS,
    *observation3.CLAIMS,
    *questions.CLAIMS,
)

UNTESTABLE: tuple[tuple[str, str], ...] = (
    (
        "Our ultimate goal is to gain insights relevant to LLM training.",
        "An aim. That tricks of LLM training control activity is tested for one neuron (remedies.*), not for LLMs.",
    ),
    (
        "MoE balancing may implicitly control neuron activity levels.",
        "There is one neuron here, and nothing to balance it against.",
    ),
    (
        "In some LLM training setups, bias terms are disabled.",
        "A statement about practice. What the bias does to one neuron is tested.",
    ),
    *questions.UNTESTABLE,
)
"""Sentences of the post that no computation of this size can decide."""
