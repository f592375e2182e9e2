"""Whole trajectories in straight-line code: training steps and flows, recorded from the array code.

The field's kernel and the optimisers' own updates are run once on scalars that record what is done with
them (`traced`, `gradflow.descent.compiled.step`, `sample_step`), the record becomes straight-line code
without common subexpressions (`program`), and that is printed for Numba (`python_source`), as NumPy calls
into reused memory (`numpy_source`) and in CUDA (`cuda_source`). Nothing is reassociated, contracted or
approximated; what is left out (1·x, x + 0) changes no number. So the results are those of the array code to
the bit, for any chunk size and number of threads. The flow's step is recorded in the same way
(`gradflow.flow.compiled.record`); its driver (`driver`, `crossing` there) is scalar code that Numba compiles
and `to_c` turns into CUDA. Numba is imported when the first trajectory is computed, not before.

Where the field has no closed form it is added up over nodes or inputs before each step's statements, by
scalar code too (`integral`, `smooth`, printed by `integral_source`; `gradflow.flow.compiled.summed`):

- On samples of fewer than 256 inputs, with a piecewise linear student, in the order in which NumPy adds:
  the results are those of the array code to the bit, in float64 and float32. (Larger samples: `sample_step`.)
- With a smooth student or teacher the results agree with the array code's to rounding, because exponentials
  and the order of sums differ: trajectories that are not chaotic to 1e-12 of the parameters over 200 steps.
  In float32 the sums are those of float64, rounded, so that they are more accurate than the array code's.
  A flow's steps then differ by rounding as well, and its end by its tolerance.
- In both cases Numba, CUDA and every processor return the same bits as each other, for any chunk size and
  number of threads: no function of a mathematical library is called (but for a fading ReLU's flow).
"""

from gradflow.compiled.installed import available, require, require_cupy
from gradflow.compiled.traced import UnsupportedError

__all__ = ["UnsupportedError", "available", "require", "require_cupy"]
