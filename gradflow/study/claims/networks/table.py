"""Claims of papers on shallow networks with one input, or one teacher neuron."""

from gradflow.study.claims.ledger import rows
from gradflow.study.claims.networks import affine, cubic

CHERIDITO = "Cheridito, Jentzen, Rossmannek, arXiv:2103.10922"

CLAIMS = (
    *rows(
        ("networks.saddles", CHERIDITO, "An affine target has saddle points whose breakpoints, an even number, are equally spaced, and whose error has slopes of one size that alternate in sign.", affine.saddles),
        ("networks.minima", CHERIDITO, "For an affine target every local minimum that is not global has a dead neuron.", affine.minima),
        ("networks.cubic", "Xu, Du, Over-parameterization exponentially slows down gradient descent for learning a single neuron, arXiv:2302.10034", "A teacher neuron is learnt at the rate T⁻³ by a network of more neurons, and exponentially by one neuron.", cubic.cubic),
    ),
)  # fmt: skip
"""A row a claim: its id, where it stands, what is said there, the checker and its parameters."""
