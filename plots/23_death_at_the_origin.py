"""Death in finite time at w1 = b1 = 0: where directions attract, one that dies, and how often it happens."""

from __future__ import annotations

import functools

import numpy as np
from matplotlib.figure import Figure

from gradflow.flow.ensemble import integrate_ensemble
from gradflow.neuron.activity import DEAD, activity
from gradflow.neuron.problem import Problem, Uniform
from gradflow.study.figures.curves import At, Curve, Curves
from gradflow.study.figures.frames import sheet
from gradflow.study.figures.script import main, signed
from gradflow.theory.origin import dies, dies_by

START, WIDE = (-0.194, 0.568, -1.0, -3.0), 4.0
WIDTHS, N, LONGEST = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0), 3000, 30.0
AT, LEVEL = (1.0, WIDE), -2.1

# Half a minute.
QUICK = False

TITLE = "Death in finite time needs wide inputs"
CAPTION = (
    "Teacher ReLU(x), inputs uniform on [−L, L]. (a) H, the rate at which (w1, b1) shrinks near w1 = b1 = "
    "0 (derivation 30), against its direction ϑ, "
    "relative to its largest value, for w2 = −1, b2 = {level}; directions descend H. Where "
    "it has a minimum with H > 0 they attract, and an open set of starts dies in finite time; on [−1, 1] "
    "there is none. (b) The size of (w1, b1) from {START} on [−{WIDE:g}, {WIDE:g}]: dead at t = "
    "{death:.3f}; dotted: the trap proves at t = 0 that it is dead by {bound:.3f}. (c) Share of {N} "
    "starts (w1, b1 in [−0.3, 0.3], |w2| in [1, 2], b2 in [−2, 2]; those that live at t = 0) that come to "
    "w1 = b1 = 0 by t = {LONGEST:g}: {told}; and of those that the trap decides at t = 0 ({decided}); "
    "wrongly: {false}."
)


def problem(width: float) -> Problem:
    """Return the default teacher on [−L, L]."""
    return Problem(inputs=Uniform(-width, width))


def heights(width: float, angle: np.ndarray, level: float = LEVEL) -> np.ndarray:
    """Return H for w2 = −1."""
    node, weight = np.polynomial.legendre.leggauss(400)
    x = width * node
    psi = np.maximum(x * np.cos(angle)[:, None] + np.sin(angle)[:, None], 0.0)
    return np.asarray(-(psi * (level - np.maximum(x, 0.0))) @ weight / 2.0)


def scaled(width: float, angle: np.ndarray) -> np.ndarray:
    """Return H relative to its largest value."""
    found = heights(width, angle)
    return np.asarray(found / np.max(found))


@functools.cache
def path() -> tuple[np.ndarray, np.ndarray]:
    """Return times and sizes of (w1, b1) from the start."""
    times = np.linspace(0.0, 0.16, 81)
    start = np.array(START)[:, None]
    sizes = [float(np.hypot(*start[:2, 0]))]
    for t in times[1:]:
        final = integrate_ensemble(start, problem(WIDE), float(t), rtol=1e-9).final
        sizes.append(float(np.hypot(final[0, 0], final[1, 0])))
    return times, np.array(sizes)


def death() -> float:
    """Return when the size is 0, from its last values above it: it falls linearly there."""
    times, sizes = path()
    last = np.flatnonzero(sizes > 0.0)[-1]
    slope = (sizes[last] - sizes[last - 1]) / (times[last] - times[last - 1])
    return float(times[last] - sizes[last] / slope)


@functools.cache
def counts(width: float) -> tuple[int, int, int, int]:
    """Return how many starts live, die, are decided, and are decided wrongly."""
    rng = np.random.default_rng(0)
    w1, b1 = rng.uniform(-0.3, 0.3, (2, N))
    w2 = rng.choice([-1.0, 1.0], N) * rng.uniform(1.0, 2.0, N)
    theta = np.stack([w1, b1, w2, rng.uniform(-2.0, 2.0, N)])
    theta = theta[:, np.asarray(activity(theta, problem(width))) != DEAD]
    final = integrate_ensemble(theta, problem(width), LONGEST, rtol=1e-8).final
    gone, known = np.hypot(final[0], final[1]) == 0.0, np.asarray(dies(theta, problem(width)))
    return theta.shape[1], int(np.sum(gone)), int(np.sum(known)), int(np.sum(known & ~gone))


def numbers() -> dict[str, object]:
    """Return what the caption states."""
    found = {width: counts(width) for width in WIDTHS}
    return {
        "level": signed(LEVEL),
        "death": death(),
        "bound": float(dies_by(np.array(START), problem(WIDE))),
        "told": ", ".join(f"{dead} of {n} at L = {width:g}" for width, (n, dead, _, _) in found.items()),
        "decided": ", ".join(
            f"{known} at L = {width:g}" for width, (_, _, known, _) in found.items() if known
        ),
        "false": sum(wrong for _, _, _, wrong in found.values()),
    }


def draw() -> Figure:
    """Return the figure."""
    angle = np.linspace(0.0, np.pi, 301)
    directions = [Curve(f"L = {width:g}", angle / np.pi, scaled(width, angle), marked=False) for width in AT]
    times, sizes = path()
    shares = np.array([[dead / n, known / n] for n, dead, known, _ in map(counts, WIDTHS)])
    return sheet(
        [
            Curves(
                directions, r"direction $\vartheta/\pi$", "H, relative to its largest", shares=False,
                legend="upper right",
            ),
            Curves(
                [Curve("", times, sizes, marked=False)], "time", "size of $(w_1, b_1)$",
                shares=False, at=[At(float(dies_by(np.array(START), problem(WIDE))))],
            ),
            Curves(
                [Curve("dies", WIDTHS, shares[:, 0]), Curve("proved at once", WIDTHS, shares[:, 1])],
                "half-width L", "share of the starts", "", legend="upper left",
            ),
        ],
        columns=3,
    )  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main(globals()))
