"""The error of what has no compiled version."""

from __future__ import annotations


class UnsupportedError(ValueError):
    """Raised where there is no compiled version; the message is one line that names what was asked for."""
