"""Flows on which the theory of early alignment is checked, and their paths with something changed."""

from __future__ import annotations

import functools
from typing import NamedTuple

from gradflow.networks.two_layer.bounds import paper_time
from gradflow.networks.two_layer.checks import check_theory
from gradflow.networks.two_layer.data import Dataset, cone, in_plane, toy_plane, two_points
from gradflow.networks.two_layer.flow import gradient_flow
from gradflow.networks.two_layer.geometry import setting
from gradflow.networks.two_layer.judged import Check
from gradflow.networks.two_layer.losses import EXPONENTIAL, LOGISTIC, SQUARED, Objective
from gradflow.networks.two_layer.network import as_network, balanced
from gradflow.networks.two_layer.path import NetworkPath

DATA: dict[str, Dataset] = {
    "pair": two_points(0.5),
    "plane": toy_plane(6),
    "cone": cone(6, 0.3, 4),
    "fan": in_plane([-60.0, 0.0, 60.0], [80.0, 200.0]),
}


class Case(NamedTuple):
    path: NetworkPath
    objective: Objective
    log_epsilon: float

    def checks(self) -> dict[str, Check]:
        return {check.name: check for check in check_theory(*self)}

    def but(self, **changes: object) -> Case:
        return self._replace(path=self.path._replace(**changes))  # type: ignore[arg-type]

    def failed(self) -> set[str]:
        return {name for name, check in self.checks().items() if check.holds is False}


@functools.cache
def case(
    which: str, loss: str = "exponential", log_epsilon: float = -14.0, seed: int = 0, ratio: float = 1.0
) -> Case:
    data = DATA[which]
    network = balanced(8, data.dimension, log_epsilon, seed=seed)
    network = as_network(network.weights, ratio * network.outputs, network.log_scale)
    objective = Objective(data, {"exponential": EXPONENTIAL, "logistic": LOGISTIC, "squared": SQUARED}[loss])
    until = 400.0
    if log_epsilon < -100.0:
        # Past the paper's t1, and not to its t2.
        until = 1.05 * paper_time(setting(data, network, log_epsilon))
    return Case(gradient_flow(network, objective, until, below=1e-2, max_records=300), objective, log_epsilon)
