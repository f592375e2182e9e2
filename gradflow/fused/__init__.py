"""Whole trajectories in compiled code: the training loop for large batches on the population loss.

The field's kernel and the optimisers' own updates are run once on scalars that record what is done with
them (`traced`, `step`), the record becomes straight-line code without common subexpressions (`program`),
and that is printed for Numba (`python_source`) and in CUDA (`cuda_source`). Nothing is reassociated,
contracted or approximated, so the results are the bits of the NumPy path for any chunk size and number of
threads. Numba is imported when the first trajectory is trained, not before.
"""

from gradflow.fused.run import attempt, available, require, require_cupy, train
from gradflow.fused.traced import UnsupportedError

__all__ = ["UnsupportedError", "attempt", "available", "require", "require_cupy", "train"]
