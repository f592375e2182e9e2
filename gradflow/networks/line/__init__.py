"""Networks of m neurons in one dimension, f(x) = Σ_j w2_j φ(w1_j x + b1_j) + b2, and their exact loss.

Targets are teachers (a neuron, a network) or knots joined by lines, laws have a piecewise constant or a
normal density, activations are piecewise linear. All is float64 in NumPy.

- `network`: the parameters; `task`: what a problem means here;
- `cells`, `field`: loss, gradient, Gram matrix and Hessian by sorting breakpoints and knots.
"""

from gradflow.networks.line.field import gradient, gram, hessian, loss, loss_and_gradient
from gradflow.networks.line.network import Network, as_network, of_rows

__all__ = [
    "Network",
    "as_network",
    "gradient",
    "gram",
    "hessian",
    "loss",
    "loss_and_gradient",
    "of_rows",
]
