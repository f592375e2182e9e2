"""Dying ReLU in deep networks: many networks at once, on the optimisers of `gradflow.descent`."""

from gradflow.networks.deep.initial import SCHEMES, initial
from gradflow.networks.deep.measure import dead_share, dead_units, norms, reach, zero_share
from gradflow.networks.deep.network import Network, forward, loss, loss_and_gradient, unpack
from gradflow.networks.deep.tasks import Task, digits_task, teacher_task
from gradflow.networks.deep.train import Start, train

__all__ = [
    "SCHEMES",
    "Network",
    "Start",
    "Task",
    "dead_share",
    "dead_units",
    "digits_task",
    "forward",
    "initial",
    "loss",
    "loss_and_gradient",
    "norms",
    "reach",
    "teacher_task",
    "train",
    "unpack",
    "zero_share",
]
