"""Hypothesis: no deadline, because a loaded machine is not a failure; the same examples in every run."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("gradflow", deadline=None, derandomize=True)
settings.load_profile("gradflow")
