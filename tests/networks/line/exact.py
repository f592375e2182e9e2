"""Losses and gradients of networks on the line at 60 digits, with none of the package's code."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import mpmath
import numpy as np
from hypothesis import strategies as st

MP = mpmath.MPContext()
MP.dps = 60


class Exact(NamedTuple):
    """The loss and the gradient, and the integrals of the absolute values of their terms."""

    loss: Any
    gradient: list[Any]
    loss_size: Any
    gradient_size: list[Any]


class Line(NamedTuple):
    """A teacher's neurons (w1, b1, w2) and bias, or knots; and a density in steps."""

    teacher: tuple[list[float], list[float], list[float], float] | None
    knots: tuple[list[float], list[float]] | None
    x: list[float]
    density: list[float]
    slopes: tuple[float, float] = (0.0, 1.0)


def phi(z: Any, slopes: tuple[float, float]) -> Any:
    return (slopes[1] if z > 0 else slopes[0]) * z


def target(line: Line, x: Any, middle: Any) -> Any:
    """Return the target at x, continued from the piece in which `middle` is."""
    if line.knots is None:
        assert line.teacher is not None
        w1, b1, w2, b2 = line.teacher
        found = MP.mpf(b2)
        for a, b, c in zip(w1, b1, w2, strict=True):
            slope = line.slopes[1] if MP.mpf(a) * middle + b > 0 else line.slopes[0]
            found += c * slope * (MP.mpf(a) * x + b)
        return found
    kx, ky = line.knots
    piece = max(0, min(sum(1 for k in kx if k <= middle) - 1, len(kx) - 2))
    begin, end = MP.mpf(kx[piece]), MP.mpf(kx[piece + 1])
    return (ky[piece] * (end - x) + ky[piece + 1] * (x - begin)) / (end - begin)


def exactly(rows: np.ndarray, line: Line) -> Exact:
    """Return loss and gradient of one network of 3m + 1 parameters."""
    m = len(rows) // 3
    w1, b1, w2 = ([MP.mpf(float(v)) for v in rows[i * m : (i + 1) * m]] for i in range(3))
    b2 = MP.mpf(float(rows[-1]))
    lo, hi = MP.mpf(line.x[0]), MP.mpf(line.x[-1])
    inner = [-b / w for w, b in zip(w1, b1, strict=True) if w != 0]
    inner += [MP.mpf(v) for v in line.x] + [MP.mpf(0)]
    if line.knots is not None:
        inner += [MP.mpf(v) for v in line.knots[0]]
        kx, ky = line.knots
        inner += [
            MP.mpf(x0) + (MP.mpf(x1) - x0) * (-MP.mpf(y0) / (MP.mpf(y1) - y0))
            for x0, x1, y0, y1 in zip(kx[:-1], kx[1:], ky[:-1], ky[1:], strict=True)
            if y0 != y1 and x0 != x1
        ]
    else:
        assert line.teacher is not None
        inner += [-MP.mpf(b) / w for w, b in zip(line.teacher[0], line.teacher[1], strict=True) if w != 0]
    points = sorted({p for p in inner if lo < p < hi} | {lo, hi})
    mass = sum(
        MP.mpf(d) * (MP.mpf(b) - a) for d, a, b in zip(line.density, line.x[:-1], line.x[1:], strict=True)
    )
    loss = loss_size = MP.mpf(0)
    gradient, size = ([MP.mpf(0)] * (3 * m + 1) for _ in range(2))
    for a, b in pairwise(points):
        middle, width = (a + b) / 2, b - a
        step = max(i for i, v in enumerate(line.x[:-1]) if v <= middle)
        weight = MP.mpf(line.density[step]) / mass * width
        active = [
            line.slopes[1] if w * middle + c > 0 else line.slopes[0] for w, c in zip(w1, b1, strict=True)
        ]
        terms = [
            [v * s * (w * x + c) for v, s, w, c in zip(w2, active, w1, b1, strict=True)]
            + [b2, -target(line, x, middle)]
            for x in (a, b)
        ]
        sizes = [sum(abs(t) for t in some) for some in terms]
        r = [sum(some) for some in terms]
        loss += weight * (r[0] ** 2 + r[0] * r[1] + r[1] ** 2) / 3
        loss_size += weight * (sizes[0] ** 2 + sizes[0] * sizes[1] + sizes[1] ** 2) / 3
        features = [
            [v * s * x for v, s in zip(w2, active, strict=True)]
            + [v * s for v, s in zip(w2, active, strict=True)]
            + [s * (w * x + c) for s, w, c in zip(active, w1, b1, strict=True)]
            + [MP.mpf(1)]
            for x in (a, b)
        ]
        for k in range(3 * m + 1):
            f, g = features[0][k], features[1][k]
            gradient[k] += 2 * weight * (2 * f * r[0] + f * r[1] + g * r[0] + 2 * g * r[1]) / 6
            f, g = abs(f), abs(g)
            size[k] += 2 * weight * (2 * f * sizes[0] + f * sizes[1] + g * sizes[0] + 2 * g * sizes[1]) / 6
    return Exact(loss, gradient, loss_size, size)


# Where breakpoints like to be: knots, ends, each other, and beside them.
PLACES = st.one_of(
    st.sampled_from([-1.0, 1.0, 0.0, 0.5, -0.5, 1.0 - 1e-14, -1.0 + 1e-14, 1.0 + 1e-13, 1e-9, 2.0, -3.0]),
    st.floats(-1.2, 1.2),
)
SIZES = st.one_of(st.sampled_from([0.0, 1.0, -1.0, 1e-6, -1e6]), st.floats(0.01, 3.0), st.floats(-3.0, -0.01))


@st.composite
def networks(draw: st.DrawFn, most: int = 6) -> np.ndarray:
    """Return 3m + 1 parameters of an adversarial network."""
    m = draw(st.integers(1, most))
    w1 = np.array([draw(SIZES) for _ in range(m)])
    places = np.array([draw(PLACES) for _ in range(m)])
    flat = np.array([draw(st.sampled_from([0.0, 0.7, -0.4])) for _ in range(m)])
    b1 = np.where(w1 == 0.0, flat, -w1 * places)
    w2 = np.array([draw(SIZES) for _ in range(m)])
    return np.concatenate([w1, b1, w2, [draw(SIZES)]])
