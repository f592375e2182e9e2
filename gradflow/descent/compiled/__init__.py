"""Training in compiled code: one step, recorded from the training loop's own formulas."""

from gradflow.descent.compiled.run import attempt, rounds, takes, train

__all__ = ["attempt", "rounds", "takes", "train"]
