"""Claims of papers on shallow networks with one input, or one teacher neuron."""

from dataclasses import replace

from gradflow.study.claims.ledger import rows
from gradflow.study.claims.networks import (
    affine,
    cubic,
    flat,
    inconsistent,
    landscape,
    minimisers,
    observations,
    splines,
    width,
)

JENTZEN = "Jentzen, Riekert, arXiv:2108.04620"
MINIMISERS = "Jentzen, Riekert, Non-convergence to global minimizers for Adam and stochastic gradient descent optimization, arXiv:2402.05155; Do, Hannibal, Jentzen, arXiv:2410.10533"
SPLINES = "Williams and others, Gradient dynamics of shallow univariate ReLU networks, NeurIPS 2019, arXiv:1906.07842"
POST = "Asked here of Training dynamics of a single ReLU neuron, for networks"

CHERIDITO = "Cheridito, Jentzen, Rossmannek, arXiv:2103.10922"

WHOLE = {"networks.inconsistent": inconsistent.whole}
"""Checks with as many runs as published, where a claim makes do with fewer."""

CLAIMS = tuple(
    replace(claim, whole=WHOLE.get(claim.id)) for claim in rows(
        ("networks.saddles", CHERIDITO, "An affine target has saddle points whose breakpoints, an even number, are equally spaced, and whose error has slopes of one size that alternate in sign.", affine.saddles),
        ("networks.minima", CHERIDITO, "For an affine target every local minimum that is not global has a dead neuron.", affine.minima),
        ("networks.cubic", "Xu, Du, Over-parameterization exponentially slows down gradient descent for learning a single neuron, arXiv:2302.10034", "A teacher neuron is learnt at the rate T⁻³ by a network of more neurons, and exponentially by one neuron.", cubic.cubic),
        ("networks.inconsistent", "Holzmüller, Steinwart, Training two-layer ReLU networks with gradient descent is inconsistent, arXiv:2002.04861", "From He's start with zero biases the breakpoints of wide networks never reach an input, with a probability that tends to one, so that gradient descent does a linear regression on either side.", inconsistent.inconsistent),
        ("networks.stable", "Mulayoff, Michaeli, Soudry, The implicit bias of minima stability: a view from function space, NeurIPS 2021; Qiao and others, arXiv:2406.06838", "The curvature of a minimum is at least one plus twice a weighted integral of the second derivative, so that gradient descent with a large rate holds only minima that are smooth.", flat.flat),
        ("networks.spurious", "Christof, Kowalczyk, On the omnipresence of spurious local minima in certain neural network training problems, arXiv:2202.12262", "For every target that is not affine there is a continuum of local minima that are not global.", landscape.spurious),
        ("networks.bounded", "Eberle, Jentzen, Riekert, Weiss, Existence, uniqueness, and convergence rates for gradient flows in the training of artificial neural networks with ReLU activation, arXiv:2108.08106", "For a piecewise polynomial target every flow that does not diverge converges to a critical point, and its loss at a rate of one over t at least.", landscape.bounded),
        ("networks.success-flow", JENTZEN, "For a piecewise affine target and a normal start the loss of a network under the gradient flow goes to zero with positive probability.", width.success, "flow"),
        ("networks.success-gd", JENTZEN, "For a piecewise affine target and a normal start the loss of a network under gradient descent goes to zero with positive probability.", width.success, "gd"),
        ("networks.success-adam", JENTZEN, "For a piecewise affine target and a normal start the loss of a network under Adam goes to zero with positive probability.", width.success, "adam"),
        ("networks.success-sgd", JENTZEN, "For a piecewise affine target and a normal start the loss of a network under stochastic gradient descent goes to zero with positive probability.", width.success, "sgd"),
        ("networks.minimisers-sgd", MINIMISERS, "With a probability that grows to one with the width stochastic gradient descent does not come to a global minimiser.", minimisers.minimisers, "sgd"),
        ("networks.minimisers-adam", MINIMISERS, "With a probability that grows to one with the width Adam does not come to a global minimiser.", minimisers.minimisers, "adam"),
        ("networks.kernel", SPLINES, "In the kernel regime a wide network learns a smooth interpolant, for a uniform start a cubic spline.", splines.kernel),
        ("networks.adaptive", SPLINES, "In the adaptive regime a wide network learns a linear spline, whose knots cluster at the inputs.", splines.adaptive),
        ("networks.activity", "Asked here", "Of the neurons of a uniform start a quarter are dead and a quarter hyperactive, of those of He's start with zero biases none, at the start as at the end.", width.activity),
        ("networks.observation-zero", POST, "A hyperactive or dead neuron keeps the network from learning.", observations.hyperactive),
        ("networks.observation-one", POST, "From a large negative bias of the output the network only learns the line.", observations.large_bias),
        ("networks.observation-two", POST, "A large rate of Adam keeps the network from learning.", observations.large_rate),
        ("networks.observation-three", POST, "With SiLU the loss falls further than with ReLU from a large negative bias of the output.", observations.smooth),
        ("networks.remedies", POST, "A smaller rate, weight decay, a leaky activation and more neurons help where a network fails.", observations.remedies),
    )
)  # fmt: skip
"""A row a claim: its id, where it stands, what is said there, the checker and its parameters."""
