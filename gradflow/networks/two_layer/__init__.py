"""Early alignment: two-layer ReLU networks from small initialisation (Min, Mallada, Vidal, arXiv:2307.12851).

f(x) = Σ_j v_j relu(w_j·x) without biases, trained on the sum (or mean) of an exponential, logistic or
squared loss. relu′(0) = 0, and a neuron that is active on no input stays dead.

The modules, from the data to the theory:

- `data`, `reading`, `losses`: inputs and labels, and the objective;
- `network`: weights as directions and log-norms, and their velocity; `patterns`: codes of gates and sets;
- `flow`: the gradient flow with located changes of gates, on `walls` (sides and forces), `exits` (which gate
  changes first) and `path` (its record);
- `limit`: the flow as ε → 0, on `limit_events`; with the flow it shares `motion` (between walls), `filippov`
  (on walls) and the codes of `status`;
- `steps` (with `grouped`): training; `small_steps`: the flow of large networks;
- `watch`, `record`: observables, and the datasets of all runs;
- `geometry`, `bounds`: the numbers of the theorems; `checks` (with `checks_before`, `checks_after` and
  `judged`): the theorems along a trajectory.
"""

from gradflow.networks.two_layer.checks import check_theory
from gradflow.networks.two_layer.data import (
    Dataset,
    cone,
    digits_data,
    equiangular,
    garments_data,
    in_plane,
    toy_plane,
    two_points,
)
from gradflow.networks.two_layer.flow import gradient_flow, many
from gradflow.networks.two_layer.judged import Check
from gradflow.networks.two_layer.limit import limit_flow
from gradflow.networks.two_layer.losses import EXPONENTIAL, LOGISTIC, LOSSES, SQUARED, Loss, Objective
from gradflow.networks.two_layer.network import TwoLayer, as_network, balanced, gaussian, loss, predict
from gradflow.networks.two_layer.reading import read_dataset
from gradflow.networks.two_layer.small_steps import flow_by_steps
from gradflow.networks.two_layer.steps import train

__all__ = [
    "EXPONENTIAL",
    "LOGISTIC",
    "LOSSES",
    "SQUARED",
    "Check",
    "Dataset",
    "Loss",
    "Objective",
    "TwoLayer",
    "as_network",
    "balanced",
    "check_theory",
    "cone",
    "digits_data",
    "equiangular",
    "flow_by_steps",
    "garments_data",
    "gaussian",
    "gradient_flow",
    "in_plane",
    "limit_flow",
    "loss",
    "many",
    "predict",
    "read_dataset",
    "toy_plane",
    "train",
    "two_points",
]
