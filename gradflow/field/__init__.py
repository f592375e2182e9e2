"""Loss, gradient and Hessian of arrays of neurons, for the population and for samples."""

from gradflow.field.evaluate import Evaluator, evaluator, gradient, hessian, loss, loss_and_gradient
from gradflow.field.sorted_sample import SORTED_FROM

__all__ = ["SORTED_FROM", "Evaluator", "evaluator", "gradient", "hessian", "loss", "loss_and_gradient"]
