"""Neurons and problems made to lie on the thresholds of theorems, where rounding decides."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gradflow.neuron.problem import Neuron, Problem, Uniform


class Cases(NamedTuple):
    """Neurons and teachers, shape (4, n), intervals, shape (n,), and the slopes of all."""

    theta: np.ndarray
    teacher: np.ndarray
    lo: np.ndarray
    hi: np.ndarray
    slopes: tuple[float, float]

    @property
    def problem(self) -> Problem:
        return Problem(Neuron(*self.teacher), Uniform(self.lo, self.hi), self.slopes)


def cases(n: int, seed: int, slopes: tuple[float, float] = (0.0, 1.0)) -> Cases:
    """Return n cases: any problem with any of `KINDS` of neurons."""
    rng = np.random.default_rng([seed, *np.frombuffer(np.array(slopes).tobytes(), dtype=np.uint8)])
    lo, hi = intervals(rng, n)
    teacher = teachers(rng, lo, hi)
    aim = Lines(teacher, lo, hi, slopes)
    theta = np.empty((4, n))
    kind = rng.integers(0, len(KINDS), n)
    for code, draw in enumerate(KINDS):
        here = kind == code
        theta[:, here] = draw(rng, aim.take(here))
    # A few roundings more or less.
    for _ in range(2):
        at = rng.random((4, n)) < 0.15
        theta = np.where(at, np.nextafter(theta, rng.choice([-np.inf, np.inf], (4, n))), theta)
    return Cases(theta, teacher, lo, hi, slopes)


def intervals(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return intervals of width 1e-6 to 1e4: about 0, beginning at 0, anywhere, and the default one."""
    width = 10.0 ** rng.uniform(-6.0, 4.0, n)
    centre = width * rng.choice([0.0, 0.5, -0.5, 1.0], n) * 10.0 ** rng.choice([0.0, 0.0, 0.0, -3.0, 1.0], n)
    lo, hi = centre - 0.5 * width, centre + 0.5 * width
    default = rng.random(n) < 0.3
    return np.where(default, -1.0, lo), np.where(default, 1.0, hi)


def teachers(rng: np.random.Generator, lo: np.ndarray, hi: np.ndarray) -> np.ndarray:
    """Return teachers with breakpoints in the middle, within 1e-1 to 1e-15 of an end, on it and beyond it."""
    n = lo.shape[0]
    share = 10.0 ** rng.uniform(-15.0, -1.0, n)
    share = np.where(rng.random(n) < 0.1, 0.0, share) * np.where(rng.random(n) < 0.1, -1.0, 1.0)
    share = np.where(rng.random(n) < 0.25, rng.random(n), share)
    at = np.where(rng.random(n) < 0.5, hi - share * (hi - lo), lo + share * (hi - lo))
    w1 = _signs(rng, n) * np.where(rng.random(n) < 0.3, 1.0, 10.0 ** rng.uniform(-8.0, 8.0, n))
    w2 = _signs(rng, n) * np.where(rng.random(n) < 0.5, 1.0 / np.abs(w1), 10.0 ** rng.uniform(-8.0, 8.0, n))
    size = 10.0 ** rng.uniform(-3.0, 15.0, n) * rng.choice([0.0, 0.0, 1.0], n)
    return np.stack([w1, -at * w1, w2, _signs(rng, n) * size])


class Lines:
    """The best lines of teachers, to rounding."""

    def __init__(
        self, teacher: np.ndarray, lo: np.ndarray, hi: np.ndarray, slopes: tuple[float, float]
    ) -> None:
        self.teacher, self.lo, self.hi, self.slopes = teacher, lo, hi, slopes
        w1, b1, w2, b2 = teacher
        at = np.clip(-b1 / w1, lo, hi)
        share = (at - lo) / (hi - lo)
        left, right = (np.where((w1 > 0.0) == side, slopes[1], slopes[0]) for side in (False, True))
        k = w1 * w2

        def weight(v: np.ndarray) -> np.ndarray:
            return np.asarray(v * v * (3.0 - 2.0 * v))

        self.slope = k * (left * weight(share) + right * weight(1.0 - share))
        self.mean = b2 + 0.5 * k * (right * (hi - at) * (1.0 - share) - left * (at - lo) * share)
        self.line_loss = ((right - left) * k * (hi - lo)) ** 2 * (share * (1.0 - share)) ** 3 / 3.0
        self.mean_x, self.width = 0.5 * (lo + hi), hi - lo
        self.n = lo.shape[0]

    def take(self, here: np.ndarray) -> Lines:
        return Lines(self.teacher[:, here], self.lo[here], self.hi[here], self.slopes)


def anywhere(rng: np.random.Generator, aim: Lines) -> np.ndarray:
    """Return neurons of all sizes with a breakpoint on or about the input."""
    w1, w2 = (_signs(rng, aim.n) * 10.0 ** rng.uniform(-8.0, 8.0, aim.n) for _ in range(2))
    at = aim.mean_x + aim.width * rng.uniform(-0.6, 0.6, aim.n)
    b2 = aim.mean + np.abs(w1 * w2) * aim.width * rng.normal(size=aim.n)
    return np.stack([w1, -at * w1, w2, b2])


def on_the_line(rng: np.random.Generator, aim: Lines) -> np.ndarray:
    """Return neurons that are the best line, or lie beside it, with the walls near or far."""
    s = aim.slopes[1] if aim.slopes[0] == 0.0 else rng.choice(aim.slopes, aim.n)
    side = np.where(s == aim.slopes[1], 1.0, -1.0)
    w2 = _signs(rng, aim.n) * 10.0 ** (rng.uniform(-8.0, 8.0, aim.n) * rng.choice([0.3, 1.0], aim.n))
    error = _signs(rng, aim.n) * 10.0 ** rng.uniform(-18.0, 1.0, aim.n) * rng.choice([0.0, 1.0], aim.n)
    w1 = aim.slope / s / w2 * (1.0 + error)
    reach = np.maximum(-side * w1 * aim.lo, -side * w1 * aim.hi)
    gap = 10.0 ** (rng.uniform(-16.0, 15.0, aim.n) * rng.choice([1.0, 0.2], aim.n))
    b1 = side * (reach + gap * rng.choice([0.0, 1.0, 1.0], aim.n))
    level = _signs(rng, aim.n) * 10.0 ** rng.uniform(-18.0, 1.0, aim.n) * rng.choice([0.0, 1.0], aim.n)
    b2 = aim.mean * (1.0 + level) - s * w2 * (w1 * aim.mean_x + b1)
    return np.stack([w1, b1, w2, b2])


def at_the_trap(rng: np.random.Generator, aim: Lines) -> np.ndarray:
    """Return neurons at the distance ℓ from one wall."""
    s = aim.slopes[1]
    variance = aim.width**2 / 12.0
    trace = variance + aim.mean_x**2 + 1.0
    root = np.sqrt((variance - aim.mean_x**2 - 1.0) ** 2 + 4.0 * aim.mean_x**2 * variance)
    c = abs(s) * np.sqrt(2.0 * variance / (trace + root))
    size = _sizes(rng, aim.n, 3.0)
    w2 = _signs(rng, aim.n) * size
    path = size * 10.0 ** rng.uniform(-8.0, 0.0, aim.n)
    excess = 0.5 * c * path * (2.0 * size - path)
    angle = rng.uniform(0.0, 2.0 * np.pi, aim.n)
    w1 = (aim.slope + excess * np.cos(angle) / np.sqrt(variance)) / (s * w2)
    b1 = np.maximum(path * np.hypot(1.0, aim.lo) - w1 * aim.lo, path * np.hypot(1.0, aim.hi) - w1 * aim.hi)
    b2 = aim.mean + excess * np.sin(angle) - s * w2 * (w1 * aim.mean_x + b1)
    return np.stack([w1, b1, w2, b2])


def at_the_barrier(rng: np.random.Generator, aim: Lines) -> np.ndarray:
    """Return neurons whose loss is the best line's or the best constant's, or nearly: shifted teachers."""
    w1, b1, w2, b2 = aim.teacher
    scale = _sizes(rng, aim.n, 4.0)
    level = np.where(
        rng.random(aim.n) < 0.7, aim.line_loss, aim.line_loss + aim.slope**2 * aim.width**2 / 12.0
    )
    near = 1.0 + _signs(rng, aim.n) * 10.0 ** rng.uniform(-17.0, -1.0, aim.n) * rng.choice([0.0, 1.0], aim.n)
    shift = _signs(rng, aim.n) * np.sqrt(level) * near
    bent = _signs(rng, aim.n) * 10.0 ** rng.uniform(-17.0, -3.0, aim.n) * rng.choice([0.0, 1.0], aim.n)
    return np.stack([w1 * scale, b1 * scale * (1.0 + bent), w2 / scale, b2 + shift])


def dead(rng: np.random.Generator, aim: Lines) -> np.ndarray:
    """Return dead neurons, some on a wall, at the best constant or nearly."""
    w1 = _signs(rng, aim.n) * 10.0 ** rng.uniform(-8.0, 8.0, aim.n) * rng.choice([0.0, 1.0, 1.0], aim.n)
    reach = np.minimum(-w1 * aim.lo, -w1 * aim.hi)
    b1 = reach - 10.0 ** rng.uniform(-16.0, 15.0, aim.n) * rng.choice([0.0, 1.0], aim.n)
    near = 1.0 + _signs(rng, aim.n) * 10.0 ** rng.uniform(-18.0, 0.0, aim.n) * rng.choice([0.0, 1.0], aim.n)
    return np.stack([w1, b1, 10.0 ** rng.uniform(-8.0, 8.0, aim.n), aim.mean * near])


def huge(rng: np.random.Generator, aim: Lines) -> np.ndarray:
    """Return neurons whose large biases cancel, but for rounding."""
    w1, _, w2, b2 = aim.teacher
    b1 = 10.0 ** rng.uniform(2.0, 16.0, aim.n)
    return np.stack(
        [w1 * rng.choice([1.0, 2.0], aim.n), b1, w2, aim.mean - aim.slopes[1] * w2 * b1 + 0.0 * b2]
    )


def balanced_weights(rng: np.random.Generator, aim: Lines) -> np.ndarray:
    """Return neurons with w1² + b1² = w2², but for rounding."""
    w1 = _signs(rng, aim.n) * 10.0 ** rng.uniform(-8.0, 8.0, aim.n)
    b1 = w1 * rng.choice([0.0, 1.0, 0.75, 0.3], aim.n) + rng.choice([0.0, 0.0, 1.0], aim.n)
    w2 = _signs(rng, aim.n) * np.hypot(w1, b1)
    return np.stack([w1, b1, w2, aim.mean + rng.normal(size=aim.n)])


def at_the_signs(rng: np.random.Generator, aim: Lines) -> np.ndarray:
    """Return neurons as steep as the best line and as high, but for rounding, or steeper and lower."""
    s = aim.slopes[1]
    w2 = _signs(rng, aim.n) * _sizes(rng, aim.n, 4.0)
    more = 10.0 ** rng.uniform(-17.0, 1.0, aim.n) * rng.choice([0.0, 1.0, 1.0, -1.0], aim.n)
    w1 = aim.slope / (s * w2) * (1.0 + more)
    gap = 10.0 ** rng.uniform(-16.0, 6.0, aim.n) * rng.choice([0.0, 1.0, 1.0], aim.n)
    b1 = np.maximum(-w1 * aim.lo, -w1 * aim.hi) + gap
    lower = 10.0 ** rng.uniform(-17.0, 1.0, aim.n) * rng.choice([0.0, 1.0, 1.0, -1.0], aim.n)
    level = s * w2 * (w1 * aim.mean_x + b1)
    return np.stack([w1, b1, w2, aim.mean - level - np.sign(w2) * lower * (np.abs(level) + 1.0)])


def near_the_teacher(rng: np.random.Generator, aim: Lines) -> np.ndarray:
    """Return neurons with the teacher's breakpoint, to rounding, on its side or the other."""
    w1, b1, _, _ = aim.teacher
    factor = _signs(rng, aim.n) * _sizes(rng, aim.n, 6.0)
    bent = 1.0 + _signs(rng, aim.n) * 10.0 ** rng.uniform(-17.0, 0.0, aim.n) * rng.choice([0.0, 1.0], aim.n)
    w2 = _signs(rng, aim.n) * _sizes(rng, aim.n, 4.0)
    return np.stack([w1 * factor, b1 * factor * bent, w2, aim.mean * rng.choice([1.0, 1.1], aim.n)])


def at_the_cone(rng: np.random.Generator, aim: Lines) -> np.ndarray:
    """Return neurons at the edges of derivation 13's cone, or as far outside as its part (5) asks for."""
    s = aim.slopes[1]
    w2 = _signs(rng, aim.n) * _sizes(rng, aim.n, 2.0)
    w1 = aim.slope / (s * w2) * (1.0 + 10.0 ** rng.uniform(-8.0, 1.0, aim.n))
    rho1, up = s * w1 * w2 - aim.slope, np.sign(s * w2)
    near, away = np.where(w1 > 0.0, aim.lo, aim.hi), np.abs(aim.lo)
    slopes = (
        aim.width**2 / 12.0 * np.abs(near) / np.abs(1.0 + near * aim.mean_x),
        away,
        rng.uniform(0.3, 3.0, aim.n),
    )
    rho0 = np.choose(rng.integers(0, 3, aim.n), slopes) * np.abs(rho1) * _nearly(rng, aim.n)
    most = np.minimum(np.abs(s * w2), 1.0)
    gap = rho0 * most / (1.0 + most**2) * rng.choice([1.0, 0.3], aim.n) * _nearly(rng, aim.n)
    gap = np.where(rng.random(aim.n) < 0.5, gap, 10.0 ** rng.uniform(-8.0, 8.0, aim.n))
    b1 = np.maximum(-w1 * aim.lo, -w1 * aim.hi) + gap
    return np.stack([w1, b1, w2, aim.mean + up * rho0 - s * w2 * (w1 * aim.mean_x + b1)])


def at_the_fading(rng: np.random.Generator, aim: Lines) -> np.ndarray:
    """Return neurons active on little, with b2 or the share of the output at the limits of derivation 31."""
    w1 = _signs(rng, aim.n) * _sizes(rng, aim.n, 2.0)
    part = aim.width * np.minimum(
        10.0 ** rng.uniform(-12.0, 0.0, aim.n) * rng.choice([1.0, 0.01], aim.n), 0.9
    )
    end = np.where(w1 > 0.0, aim.hi, aim.lo)
    at = end - np.sign(w1) * part
    z = np.abs(w1) * part
    w2 = _signs(rng, aim.n) * np.where(
        rng.random(aim.n) < 0.5, z / np.hypot(1.0, end) * _nearly(rng, aim.n), 1.0
    )
    wt, bt, vt, ct = aim.teacher
    y = wt * np.where(rng.random(aim.n) < 0.5, at, end) + bt
    level = vt * np.where(y > 0.0, aim.slopes[1], aim.slopes[0]) * y + ct
    b2 = np.where(
        rng.random(aim.n) < 0.5,
        level * _nearly(rng, aim.n),
        aim.mean + rng.normal(size=aim.n) * (level - aim.mean),
    )
    return np.stack([w1, -at * w1, w2, b2])


def at_the_origin(rng: np.random.Generator, aim: Lines) -> np.ndarray:
    """Return small neurons with the b2 at which, by derivation 30, their breakpoint hardly moves."""
    at = aim.lo + aim.width * rng.uniform(0.0, 1.0, aim.n)
    side = _signs(rng, aim.n)
    end = np.where(side > 0.0, aim.hi, aim.lo)
    wt, bt, vt, ct = aim.teacher
    knot = np.clip(-bt / wt, np.minimum(at, end), np.maximum(at, end))
    targets, weights = np.zeros(aim.n), np.zeros(aim.n)
    for a, b in ((at, knot), (knot, end)):
        for node in (0.5 - 0.5 / 3.0**0.5, 0.5 + 0.5 / 3.0**0.5):
            x = a + node * (b - a)
            y = wt * x + bt
            f = vt * np.where(y > 0.0, aim.slopes[1], aim.slopes[0]) * y
            targets += (b - a) * f * (1.0 + at * x)
            weights += (b - a) * (1.0 + at * x)
    b2 = ct + targets / weights * _nearly(rng, aim.n)
    w2 = _signs(rng, aim.n) * _sizes(rng, aim.n, 2.0)
    u = np.abs(w2) * 10.0 ** rng.uniform(-8.0, 0.0, aim.n) * rng.choice([1.0, 1.0, 1e-8], aim.n)
    w1 = side * u / np.hypot(1.0, at)
    return np.stack([w1, -at * w1, w2, b2])


KINDS = (
    anywhere,
    on_the_line,
    at_the_trap,
    at_the_barrier,
    dead,
    huge,
    balanced_weights,
    at_the_signs,
    near_the_teacher,
    at_the_cone,
    at_the_fading,
    at_the_origin,
)


def _nearly(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return factors of 1, or off it by 1e-17 to 1e-1."""
    off = 10.0 ** rng.uniform(-17.0, -1.0, n) * rng.choice([0.0, 1.0], n)
    return np.asarray(1.0 + _signs(rng, n) * off)


def _sizes(rng: np.random.Generator, n: int, usual: float) -> np.ndarray:
    """Return sizes within 10^±usual, where theorems decide most, and one in four from 1e-8 to 1e8."""
    return np.asarray(10.0 ** (rng.uniform(-1.0, 1.0, n) * rng.choice([usual, usual, usual, 8.0], n)))


def _signs(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.asarray(rng.choice([-1.0, 1.0], n))
