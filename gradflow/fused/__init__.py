"""Whole trajectories in straight-line code: training steps and flows, recorded from the array code.

The field's kernel and the optimisers' own updates are run once on scalars that record what is done with
them (`traced`, `step`, `sample_step`), the record becomes straight-line code without common subexpressions
(`program`), and that is printed for Numba (`python_source`), as NumPy calls into reused memory
(`numpy_source`) and in CUDA (`cuda_source`). Nothing is reassociated, contracted or approximated; what is
left out (1·x, x + 0) changes no number. So the results are those of the array code to the bit, for any
chunk size and number of threads. The flow's step is recorded in the same way (`flow_record`); its driver
(`flow_driver`, `flow_crossing`) is scalar code that Numba compiles and `to_c` turns into CUDA. Numba is
imported when the first trajectory is computed, not before.
"""

from gradflow.fused.run import attempt, available, require, require_cupy, train
from gradflow.fused.traced import UnsupportedError

__all__ = ["UnsupportedError", "attempt", "available", "require", "require_cupy", "train"]
