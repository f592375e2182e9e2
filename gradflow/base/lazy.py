"""Packages whose modules are loaded when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType


def modules(package: str, path: list[str]) -> tuple[Callable[[str], ModuleType], Callable[[], list[str]]]:
    """Return the `__getattr__` and the `__dir__` of a package whose attributes are its modules.

    Parameters
    ----------
    package : str
        Its `__name__`.
    path : list of str
        Its `__path__`.
    """
    names = sorted(module.name for module in iter_modules(path))

    def load(name: str) -> ModuleType:
        """Load a module of the package."""
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return import_module(f"{package}.{name}")

    return load, lambda: list(names)
