"""An article's claim that the learning rate brings dead ReLUs back, sentence by sentence.

Where the text contradicts itself the finding gives the arithmetic; what it leaves out (inputs, loss,
optimiser, the network around the neuron) is fixed in `gradflow.study.claims.dead_relu.settings`.
"""

from gradflow.study.claims.dead_relu import example, neuron, summary, upstream

CLAIMS = (*neuron.CLAIMS, *upstream.CLAIMS, *example.CLAIMS, *summary.CLAIMS)

UNTESTABLE: tuple[tuple[str, str], ...] = (
    (
        "ReLU is one of the most widely used activation functions in modern deep learning due to its simplicity and effectiveness.",
        "About usage and its reasons; nothing to compute.",
    ),
    (
        "A common issue is the dead ReLU problem.",
        "How common depends on networks and data that the article does not name.",
    ),
    (
        "A key, often overlooked factor is the learning rate.",
        "'Often overlooked' is about people; that it is a factor is dead.rate-matters.",
    ),
    (
        "Because ReLU's derivative is zero for negative values, a dead ReLU seems permanently inactive.",
        "About what seems; whether it is so is dead.recovers.",
    ),
    (
        "This article explains why learning rate matters, how it interacts with gradients and upstream layers, and provides a concrete numerical example.",
        "Announces the text; the example is dead.example-dead to dead.demonstrates.",
    ),
    (
        "Assume gradient updates change the bias very slowly.",
        "An assumption of the example, which contradicts its gradient of 0: see dead.case1-bias.",
    ),
)
"""Sentences of the article that no computation can decide, with the reason."""

__all__ = ["CLAIMS", "UNTESTABLE"]
