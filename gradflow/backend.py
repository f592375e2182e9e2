"""The only module that knows which array libraries exist.

Everything else takes its functions from the namespace that the arrays themselves belong to, so the
same lines run on NumPy, on CuPy and on any library that follows the array API standard.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import array_api_compat
import numpy as np

from gradflow.labels import unlabelled

# No static type covers the arrays of all libraries yet; the name says what is meant.
Array: TypeAlias = Any
ArrayLike: TypeAlias = Any


def is_array(value: object) -> bool:
    """Whether `value` is an array (not a Python or NumPy scalar) of some array library."""
    return bool(array_api_compat.is_array_api_obj(value)) and not isinstance(value, np.generic)


def namespace(*values: object) -> Any:
    """Return the array namespace of the arrays among `values`; NumPy's where there is none.

    Raises
    ------
    TypeError
        If the arrays belong to different libraries.
    """
    arrays = [value for value in values if is_array(value)]
    if not arrays:
        return array_api_compat.array_namespace(np.empty(0))
    return array_api_compat.array_namespace(*arrays)


def as_floating(values: Iterable[Any]) -> tuple[Any, list[Array]]:
    """Make `values` arrays of one real floating dtype, in the namespace they share.

    Python numbers adapt to the dtype of the arrays beside them, so that a float32 batch stays
    float32; without arrays, and for integers, the dtype is float64.

    Returns
    -------
    xp
        The namespace.
    arrays
        One array for each value, shapes unchanged.

    Raises
    ------
    TypeError
        If a value is neither a real number nor an array of real numbers.
    """
    values = [np.asarray(v) if isinstance(v, (np.generic, Sequence)) else unlabelled(v) for v in values]
    xp = namespace(*values)
    arrays = [value for value in values if is_array(value)]
    for value in values:
        if is_array(value):
            if not xp.isdtype(value.dtype, ("real floating", "integral")):
                raise TypeError(f"expected real numbers, got an array of dtype {value.dtype}")
        elif isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeError(f"expected a real number or an array, got {value!r}")
    floating = [a.dtype for a in arrays if xp.isdtype(a.dtype, "real floating")]
    dtype = xp.result_type(*floating) if floating else xp.float64
    like = {"device": device(arrays[0])} if arrays else {}
    return xp, [
        xp.astype(v, dtype, copy=False) if is_array(v) else xp.asarray(v, dtype=dtype, **like) for v in values
    ]


def device(array: Array) -> Any:
    """Return the device that holds `array`."""
    return array_api_compat.device(array)


def erfc(values: Array) -> Array:
    """Return the complementary error function, which the array standard lacks: SciPy's, or CuPy's."""
    if array_api_compat.is_cupy_array(values):
        from cupyx.scipy.special import erfc as on_gpu

        return on_gpu(values)
    from scipy.special import erfc as on_cpu

    if array_api_compat.is_numpy_array(values):
        return on_cpu(values)
    xp = namespace(values)
    return xp.asarray(on_cpu(to_numpy(values)), dtype=values.dtype, device=device(values))


def to_numpy(array: Array) -> np.ndarray:
    """Copy an array of any supported library to NumPy (the boundary to xarray and Matplotlib)."""
    if array_api_compat.is_cupy_array(array):
        return np.asarray(array.get())
    home = namespace(array).__array_namespace_info__().default_device()
    if device(array) != home:
        array = array_api_compat.to_device(array, home)
    if hasattr(array, "__array__"):
        return np.asarray(array)
    return np.asarray(np.from_dlpack(array))
