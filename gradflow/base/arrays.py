"""The only module that knows which array libraries exist.

Everything else takes its functions from the namespace that the arrays themselves belong to, so the
same lines run on NumPy, on CuPy and on any library that follows the array API standard.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import array_api_compat
import numpy as np

from gradflow.base.labelled import unlabelled

# No static type covers the arrays of all libraries yet; the name says what is meant.
Array: TypeAlias = Any
ArrayLike: TypeAlias = Any

DTYPES = ("float32", "float64")
"""The names of the dtypes in which everything is computed."""

_NUMPY = array_api_compat.array_namespace(np.empty(0))
_REAL = np.dtype("float64")


def is_array(value: object) -> bool:
    """Whether `value` is an array (not a Python or NumPy scalar) of some array library."""
    # What is asked for most often is answered first.
    if type(value) is np.ndarray:
        return True
    is_other = isinstance(value, (float, int, np.generic, type))
    return not is_other and bool(array_api_compat.is_array_api_obj(value))


def namespace(*values: object) -> Any:
    """Return the array namespace of the arrays among `values`; NumPy's where there is none.

    Raises
    ------
    TypeError
        If the arrays belong to different libraries.
    """
    arrays = [value for value in values if is_array(value)]
    if all(type(array) is np.ndarray for array in arrays):
        return _NUMPY
    return array_api_compat.array_namespace(*arrays)


def adopted(value: Any) -> Any:
    """Return a value as array code takes it.

    Sequences, NumPy's scalars and what turns itself into a NumPy array (a DataArray, a Series)
    become one; subclasses of NumPy's arrays lose their class, and foreign byte orders their order. Python's
    numbers and the arrays of other libraries stay as they are.

    Raises
    ------
    TypeError
        If a NumPy array has masked entries, or a list is ragged.
    """
    if type(value) in (float, int):
        return value
    value = unlabelled(value)
    if isinstance(value, np.ma.MaskedArray):
        _refuse_masked(value)
    if isinstance(value, np.ndarray):
        plain = np.asarray(value)
        return plain if plain.dtype.isnative else plain.astype(plain.dtype.newbyteorder("="))
    if is_array(value):
        return value
    if isinstance(value, (list, tuple)):
        for item in value:
            _refuse_masked(item)
    is_text = isinstance(value, (str, bytes, bytearray, memoryview))
    if is_text or not (isinstance(value, (np.generic, Sequence)) or hasattr(value, "__array__")):
        return value
    try:
        return np.asarray(value)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(
            f"expected a number or an array of numbers, got a {type(value).__name__} that makes no array"
        ) from None


def _refuse_masked(value: Any) -> None:
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise TypeError(
            "expected numbers without masked entries, got a masked array; leave those out, or fill them"
        )


def as_floating(values: Iterable[Any], names: Sequence[str] = ()) -> tuple[Any, list[Array]]:
    """Make `values` arrays of one real floating dtype, in the namespace they share.

    Python numbers adapt to the dtype of the arrays beside them, so that a float32 batch stays
    float32; without arrays, and for integers, the dtype is float64.

    Parameters
    ----------
    values : numbers and arrays
        Arrays of integers, float32 or float64.
    names : sequence of str, optional
        What the values are called in an error, in their order.

    Returns
    -------
    xp
        The namespace.
    arrays
        One array for each value, shapes unchanged.

    Raises
    ------
    TypeError
        If a value is neither a real number nor an array of real numbers, has another precision (float16 has
        too few digits for any result here), or if arrays belong to different libraries.
    ValueError
        If an integer is beyond the range of float64, or a number beyond that of float32 arrays beside it.
    """
    values = list(values)
    if all(type(v) is float or (type(v) is np.ndarray and v.dtype is _REAL) for v in values):
        return _NUMPY, [np.asarray(v) for v in values]
    values = [_checked(value, names[i] if i < len(names) else "") for i, value in enumerate(values)]
    arrays = [value for value in values if is_array(value)]
    try:
        xp = namespace(*arrays)
    except TypeError as error:
        kinds = ", ".join(sorted({type(a).__module__.partition(".")[0] for a in arrays}))
        raise TypeError(f"arrays: expected one array library for all, got {kinds}") from error
    floating = [a.dtype for a in arrays if xp.isdtype(a.dtype, "real floating")]
    dtype = xp.result_type(*floating) if floating else xp.float64
    like = {"device": device(arrays[0])} if arrays else {}
    if dtype == xp.float32:
        _require_range(xp, dtype, [v for v in values if not is_array(v)])
    return xp, [
        xp.astype(v, dtype, copy=False) if is_array(v) else xp.asarray(v, dtype=dtype, **like) for v in values
    ]


def _require_range(xp: Any, dtype: Any, found: Sequence[Any]) -> None:
    """Raise a one-line ValueError if a finite number is beyond the range of a dtype."""
    most = float(xp.finfo(dtype).max)
    for value in found:
        if most < abs(float(value)) < np.inf:
            raise ValueError(f"arrays: in float32 numbers are at most {most:.4g}, got {float(value):g}")


def _checked(value: Any, name: str) -> Any:
    """Return a value as a Python number or an array of numbers in an allowed dtype."""
    if type(value) is float:
        return value
    prefix = f"{name}: " if name else ""
    try:
        found = adopted(value)
    except TypeError as error:
        raise TypeError(f"{prefix}{error}") from None
    if is_array(found):
        if isinstance(found, np.ndarray):
            allowed = found.dtype.kind in "iu" or found.dtype in DTYPES
        else:
            xp = namespace(found)
            allowed = xp.isdtype(found.dtype, "integral") or found.dtype in (xp.float32, xp.float64)
        if not allowed:
            raise TypeError(
                f"{prefix}expected real numbers (integers, float32 or float64), "
                f"got an array of dtype {found.dtype}"
            )
        return found
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        kind = f"a {type(found).__name__}" if not isinstance(found, str) else repr(found[:60])
        raise TypeError(f"{prefix}expected a real number or an array of such, got {kind}")
    try:
        return float(found)
    except OverflowError:
        raise ValueError(f"{prefix}expected a number in the range of float64, got a longer integer") from None


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


def beyond_range() -> np.errstate:
    """Return what lets a result beyond the largest number be infinite, or NaN, without a warning."""
    return np.errstate(over="ignore", invalid="ignore")


def to_numpy(array: Array) -> np.ndarray:
    """Copy an array of any supported library to NumPy (the boundary to xarray and Matplotlib)."""
    if array_api_compat.is_cupy_array(array):
        return np.asarray(array.get())
    if array_api_compat.is_torch_array(array):
        return np.asarray(array.detach().cpu())
    home = namespace(array).__array_namespace_info__().default_device()
    if device(array) != home:
        array = array_api_compat.to_device(array, home)
    if hasattr(array, "__array__"):
        return np.asarray(array)
    return np.asarray(np.from_dlpack(array))
