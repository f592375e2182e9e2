"""Values of an option that a shell offers: the names that it may be."""

from __future__ import annotations

from collections.abc import Callable

Offer = Callable[[str], list[str]]
"""Returns values that begin as the incomplete one; where it has none, a shell offers files."""


def among(*names: str) -> Offer:
    """Return what offers some names.

    Examples
    --------
    >>> among("flow", "gd")("f")
    ['flow']
    """
    return lambda incomplete: [name for name in names if name.startswith(incomplete)]


def claims(incomplete: str) -> list[str]:
    """Return the ids of claims that begin so."""
    from gradflow.study.claims import LEDGER

    return among(*(claim.id for claim in LEDGER))(incomplete)


def derivations(incomplete: str) -> list[str]:
    """Return the numbers and names of derivations that begin so, names if there is nothing yet."""
    from gradflow.proofs.catalogue import catalogue

    scripts = catalogue()
    numbers = [str(script.number) for script in scripts] if incomplete else []
    return among(*numbers, *(script.slug for script in scripts))(incomplete)
