"""Training in compiled code, on the cores or on a GPU: the formulas' own text, compiled as it stands."""

from gradflow.descent.compiled.run import attempt, rounds, takes, train

__all__ = ["attempt", "rounds", "takes", "train"]
