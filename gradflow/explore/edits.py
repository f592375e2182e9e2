"""Edits of a state: what a click, a drag or a choice makes of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gradflow.explore.frames import knots
from gradflow.explore.state import LARGEST, State, knots_of, knots_text, read
from gradflow.explore.tasks import reach
from gradflow.networks.line.starts import start as start_of

DIGITS = 4
"""Digits after the point that a click or a drag leaves."""


def moved(state: State, x: float, y: float) -> State:
    """Return a state whose start is at a place of the plane; of several neurons the first is moved."""
    if not (math.isfinite(x) and math.isfinite(y)):
        return state
    changes: dict[str, Any] = {}
    for name, place in zip(state.axes, (x, y), strict=True):
        value = round(min(max(float(place), -LARGEST), LARGEST), DIGITS) + 0.0
        changes[name] = value if name == "b2" else (value, *getattr(state, name)[1:])
    return replace(state, **changes)


def dragged(state: State, x: Sequence[float], y: Sequence[float]) -> str:
    """Return the target whose knots were dragged: in order, the outer ones at the ends of the input."""
    lo, hi = reach(state) if state.law == "uniform" else (-LARGEST, LARGEST)
    order = sorted(range(len(x)), key=lambda i: x[i])
    xs = [round(min(max(float(x[i]), lo), hi), DIGITS) + 0.0 for i in order]
    ys = [round(float(y[i]), DIGITS) + 0.0 for i in order]
    if state.law == "uniform":
        xs[0], xs[-1] = lo, hi
    return knots_text(tuple(xs), tuple(ys))


def drawn(state: State, rule: str, m: int, seed: int) -> State:
    """Return a state that starts from a random network."""
    found = start_of(rule, m, seed)
    w1, b1, w2 = (
        tuple(np.round(np.asarray(part), DIGITS).tolist()) for part in (found.w1, found.b1, found.w2)
    )
    return replace(state, w1=w1, b1=b1, w2=w2, b2=round(float(found.b2), DIGITS))


def with_choice(state: State, name: str, text: str) -> tuple[State, str, str]:
    """Return the state, the field and its text that a choice on the page stands for.

    "knots" is a target on whose graph knots lie that can be dragged; with the interval the outer knots move.
    """
    if name == "knots" or (name == "target" and text == "knots"):
        return state, "target", text if name == "knots" else knots_text(*knots(state))
    if name == "interval" and ";" in state.target and state.law == "uniform":
        found = read({"interval": text}, state)
        lo, hi = found.state.interval
        if not found.errors and lo < hi:
            x, y = knots_of(state.target)
            inner = [i for i in range(1, len(x) - 1) if lo < x[i] < hi]
            xs, ys = (lo, *(x[i] for i in inner), hi), (y[0], *(y[i] for i in inner), y[-1])
            return replace(state, target=knots_text(xs, ys)), name, text
    return state, name, text
