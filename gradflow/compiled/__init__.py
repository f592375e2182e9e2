"""Scalar code in compiled form.

Plain functions, the field's formulas and the optimisers' rules among them, are compiled by Numba as they
stand (`jit`, `registers`, `on_numba`): a training step is `gradflow.descent.compiled.block`, a flow
`gradflow.flow.compiled.driver`. Where the field has no closed form it is added up over nodes or inputs by
scalar code too (`integral`, `smooth`). Nothing is reassociated, contracted or approximated, so that no result
depends on the size of a block or the number of threads, to the bit. Numba is imported when the first
trajectory is computed, not before. For a GPU numba-cuda compiles training in closed form, or on large
samples, from the same text (`kernels`, `on_cuda`, `gradflow.descent.compiled.threads`).

Compiled results beside the array code's:

- In closed form, and on samples of a piecewise linear student, training agrees to rounding (in this version
  of NumPy and Numba to the bit).
- With a smooth student or teacher exponentials and the order of sums differ: under gradient descent
  trajectories that are not chaotic agree to 1e-12 of the parameters over 200 steps; methods that divide by
  the gradient's size, such as Adam, amplify rounding where it is small. In float32 the sums are those of
  float64, rounded, so that they are more accurate than the array code's. A flow's steps then differ by
  rounding as well, and its end by its tolerance.
- Every processor returns the same bits: no function of a mathematical library is called (but for a fading
  ReLU's flow).
"""

from gradflow.compiled.unsupported import UnsupportedError

__all__ = ["UnsupportedError"]
