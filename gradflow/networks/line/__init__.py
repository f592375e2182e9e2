"""Networks of m neurons in one dimension, f(x) = Σ_j w2_j φ(w1_j x + b1_j) + b2, and their exact loss.

Targets are teachers (a neuron, a network), knots joined by lines, polynomials piece by piece or sines; laws
have a piecewise constant or a normal density, or are samples; activations are piecewise linear or smooth.
What is straight is integrated in closed form, all else by quadrature. All is float64 in NumPy; losses and
gradients in closed form take arrays of other libraries too, and float32, in which networks also train.

- `network`: the parameters; `task`: what a problem means here;
- `cells`, `field`: loss, gradient, Gram matrix and Hessian by sorting breakpoints and knots; `nodes`,
  `summed`: the same by quadrature and on samples; `products`: the Hessian times a vector; `kernel`, `fast`:
  loss and gradient compiled; `evaluate`: whichever it is;
- `starts`: random networks; `flow`, `training`: runs as datasets, with `walls`, `ends` and `records`;
  `integration`: the loop of a flow, through a field (`fields`) that is continuous (`continuous_flow`) or not
  (`sampled_flow`);
  `ensemble`, `trajectory`, `sides`: the flow of many networks, compiled; `machine`, `stepped`: training,
  compiled; `basins`: outcomes over parameters, the start's scale or a rate;
- `critical`: types of critical points; `decay`: exponential decay and t⁻³, told apart, and a constant.
"""

from gradflow.networks.line.basins import basins, threshold
from gradflow.networks.line.critical import critical_point
from gradflow.networks.line.decay import cubic_limit, decay_law
from gradflow.networks.line.ensemble import integrate_ensemble
from gradflow.networks.line.evaluate import (
    gradient,
    gram,
    hessian,
    hessian_product,
    loss,
    loss_and_gradient,
    tangent_spectrum,
)
from gradflow.networks.line.flow import gradient_flow
from gradflow.networks.line.network import Network, as_network, of_rows
from gradflow.networks.line.starts import STARTS, start
from gradflow.networks.line.training import train

__all__ = [
    "STARTS",
    "Network",
    "as_network",
    "basins",
    "critical_point",
    "cubic_limit",
    "decay_law",
    "gradient",
    "gradient_flow",
    "gram",
    "hessian",
    "hessian_product",
    "integrate_ensemble",
    "loss",
    "loss_and_gradient",
    "of_rows",
    "start",
    "tangent_spectrum",
    "threshold",
    "train",
]
