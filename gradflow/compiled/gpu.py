"""CuPy, if it is there."""

from __future__ import annotations

from typing import Any

from gradflow.base.arrays import Array, is_array, to_numpy


def library() -> Any:
    """Return CuPy."""
    import cupy

    return cupy


def available() -> bool:
    """Whether CuPy is installed and finds a GPU."""
    try:
        return bool(library().cuda.is_available())
    except ImportError:
        return False


def require() -> None:
    """Raise a one-line ValueError unless CuPy is installed and finds a GPU."""
    if not available():
        raise ValueError(
            "backend: cupy is not installed or finds no GPU (docs.cupy.dev/en/stable/install.html)"
        )


def there(value: Any) -> Any:
    """Return an array on the GPU; what is none as it is."""
    return library().asarray(to_numpy(value)) if is_array(value) else value


def back(values: Any) -> Any:
    """Return a named tuple with its arrays in NumPy."""
    arrays: dict[str, Array] = {
        name: to_numpy(value) for name, value in values._asdict().items() if is_array(value)
    }
    return values._replace(**arrays)
