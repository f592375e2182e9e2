"""Runs that several claims look at: computed once, in whatever process, and forgotten when none needs it
any more."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

Result = TypeVar("Result")


class Work(NamedTuple):
    """A computation that claims need, to be done before them and in any process.

    Attributes
    ----------
    name : str
        Of its own among all that is done in a study.
    function : callable
        Of a module, so that another process finds it.
    arguments : tuple
        What it is called with; hashable. The result is plain data, as JSON has them.
    """

    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]


_KNOWN: dict[Work, Any] = {}
_CACHES: list[Callable[[], None]] = []


def know(results: Mapping[Work, Any]) -> None:
    """Take over results from elsewhere."""
    _KNOWN.update(results)


def done(work: Work) -> Any:
    """Return the result of a piece of work, which is done here unless it is known."""
    if work not in _KNOWN:
        _KNOWN[work] = work.function(*work.arguments)
    return _KNOWN[work]


def remembered(function: Callable[..., Result]) -> functools._lru_cache_wrapper[Result]:
    """Remember the results of a function by its arguments, until `forget`."""
    cached = functools.cache(function)
    _CACHES.append(cached.cache_clear)
    return cached


def forget() -> None:
    """Give back the memory of all that is known and remembered."""
    _KNOWN.clear()
    for clear in _CACHES:
        clear()
