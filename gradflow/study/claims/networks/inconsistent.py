"""He's start with zero biases on six inputs: do breakpoints, which start at 0, ever come to an input?

As long as none has, all neurons that face one way are active on the same inputs, so that a step of gradient descent
is one linear map v → A v of their vectors v = (w1, b1, w2), with A the same for all of them. So two vectors a side
are all that is followed, whatever the width is: with v₀ = (a, 0, w), v = a p + w q. Sums over the neurons are
quadratic in p and q with coefficients Σ a², Σ a w, Σ w², and (as w1 ± b1 is a linear function of w/a, times a)
the first breakpoint to leave (−1, 1) is that of the least or the largest ratio w/a.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradflow.compiled.jit import compiled
from gradflow.study.claims.ledger import Finding, by_rule
from gradflow.study.claims.networks.many import interval
from gradflow.study.claims.words import each, finding

INPUTS = (1.0, 2.0, 3.0)
PUBLISHED_LABELS = (1.0, -2.0, 1.0)
"""At 1, 2, 3, and with the other sign at −1, −2, −3; a shift is added to all of them."""

PUBLISHED_SHIFTS = (0.0, 0.01, 0.1)
PUBLISHED_WIDTHS = (16, 32, 64, 128, 256, 512, 1024, 2048)
PUBLISHED_RUNS = 10_000
"""Networks for every width and shift: 240 000 in all."""

PUBLISHED_CORE_HOURS = 1000.0

SMALL, MOST = 1e-6, 5_000_000
"""A network has settled when its residuals' moments are this part of the first ones; steps it may take."""

SETTLED, CROSSED, UNFINISHED = 0, 1, 2

BLOCK = 250
"""Networks drawn at a time."""


def descend(  # type: ignore[no-untyped-def]
    moments, ratios, weights, rates, shift, labels, small, most, codes, taken
):
    """Follow networks until a breakpoint reaches an input or the residuals are gone.

    moments: (n, 2, 3), Σ a², Σ a w, Σ w² of either side (a > 0, a < 0); ratios: (n, 2, 2), least and largest w/a;
    weights: (n, 2, 3) of the inputs of either side.
    """
    for i in range(len(rates)):
        pa, pb, pw, qa, qb, qw = np.zeros((6, 2))
        pa[:] = 1.0
        qw[:] = 1.0
        bias, first, code, step = 0.0, 0.0, 2, 0
        rate = rates[i]
        while step < most:
            shared, largest, crossed = 0.0, 0.0, False
            for s in range(2):
                sign = 1.0 - 2.0 * s
                aa, aw, ww = moments[i, s, 0], moments[i, s, 1], moments[i, s, 2]
                slope = pa[s] * pw[s] * aa + (pa[s] * qw[s] + qa[s] * pw[s]) * aw + qa[s] * qw[s] * ww
                level = pb[s] * pw[s] * aa + (pb[s] * qw[s] + qb[s] * pw[s]) * aw + qb[s] * qw[s] * ww + bias
                r0, r1 = 0.0, 0.0
                for k in range(3):
                    x = sign * (k + 1.0)
                    r = weights[i, s, k] * (slope * x + level - (sign * labels[k] + shift))
                    r0 += r
                    r1 += r * x
                shared += r0
                largest = max(largest, abs(r0), abs(r1))
                h0, h1 = rate * r0, rate * r1
                a, b, w = pa[s], pb[s], pw[s]
                pa[s], pb[s], pw[s] = a - h1 * w, b - h0 * w, w - h1 * a - h0 * b
                a, b, w = qa[s], qb[s], qw[s]
                qa[s], qb[s], qw[s] = a - h1 * w, b - h0 * w, w - h1 * a - h0 * b
                for end in range(2):
                    rho = ratios[i, s, end]
                    inner, outer = pa[s] + rho * qa[s], pb[s] + rho * qb[s]
                    crossed |= not abs(outer) < inner
            bias -= rate * shared
            step += 1
            if crossed:
                code = 1
                break
            if step == 1:
                first = largest
            if largest <= small * first:
                code = 0
                break
        codes[i] = code
        taken[i] = step


def crossing(width: int, shift: float, runs: int, seed: int) -> dict[str, Any]:
    """Return how many of `runs` networks have a breakpoint that reaches an input, and the steps of the others."""
    numbers, vectors = "float64[:,:,::1]", "float64[::1]"
    kinds = (
        numbers,
        numbers,
        numbers,
        vectors,
        "float64",
        vectors,
        "float64",
        "int64",
        "int64[::1]",
        "int64[::1]",
    )
    loop = compiled(descend, kinds)
    rng = np.random.default_rng([seed, width])
    codes, taken = np.zeros(runs, dtype=np.int64), np.zeros(runs, dtype=np.int64)
    for begin in range(0, runs, BLOCK):
        n = min(BLOCK, runs - begin)
        moments, ratios, weights = drawn(rng, width, n)
        # A network whose neurons all face one way, or that has no two inputs on a side, counts as crossed.
        lost = np.any(~np.isfinite(ratios), axis=(1, 2)) | np.any(np.sum(weights > 0, axis=2) < 2, axis=1)
        rates = _rates(moments, weights)
        some, steps = codes[begin : begin + n], taken[begin : begin + n]
        ratios[lost] = 0.0
        loop(moments, ratios, weights, rates, shift, np.array(PUBLISHED_LABELS), SMALL, MOST, some, steps)
        some[lost] = CROSSED
    return {
        "runs": runs,
        "crossed": int(np.sum(codes == CROSSED)),
        "unfinished": int(np.sum(codes == UNFINISHED)),
        "median_steps": int(np.median(taken)),
    }


def drawn(rng: np.random.Generator, width: int, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return moments, ratios and the inputs' weights of n networks from He's start."""
    a = math.sqrt(2.0) * rng.normal(size=(n, width))
    w = math.sqrt(2.0 / width) * rng.normal(size=(n, width))
    # The data are width² draws from the six inputs.
    weights = rng.multinomial(width * width, [1.0 / 6.0] * 6, size=n).reshape(n, 2, 3) / float(width * width)
    moments, ratios = np.zeros((n, 2, 3)), np.zeros((n, 2, 2))
    quotient = w / a
    for s, mine in enumerate((a > 0, a < 0)):
        for k, product in enumerate((a * a, a * w, w * w)):
            moments[:, s, k] = np.sum(np.where(mine, product, 0.0), axis=1)
        ratios[:, s, 0] = np.min(np.where(mine, quotient, np.inf), axis=1)
        ratios[:, s, 1] = np.max(np.where(mine, quotient, -np.inf), axis=1)
    return moments, ratios, weights


def _rates(moments: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return one over the largest eigenvalue of what the first step multiplies the lines' errors by."""
    n = len(moments)
    x = np.array([INPUTS, [-value for value in INPUTS]])
    gram, kernel = np.zeros((n, 4, 4)), np.zeros((n, 4, 4))
    for s in range(2):
        at = slice(2 * s, 2 * s + 2)
        powers = [np.sum(weights[:, s] * x[s] ** k, axis=1) for k in range(3)]
        gram[:, at, at] = np.moveaxis(np.array([[powers[2], powers[1]], [powers[1], powers[0]]]), -1, 0)
        kernel[:, 2 * s, 2 * s] = moments[:, s, 0] + moments[:, s, 2]
        kernel[:, 2 * s + 1, 2 * s + 1] = moments[:, s, 2]
    kernel[:, 1::2, 1::2] += 1.0
    return np.asarray(1.0 / np.max(np.abs(np.linalg.eigvals(kernel @ gram)), axis=1))


def curve(runs: dict[int, int], seed: int = 0) -> list[dict[str, Any]]:
    """Return the share of networks that cross for every width and shift; `runs` networks of every width."""
    found = []
    for width, n in runs.items():
        for k, shift in enumerate(PUBLISHED_SHIFTS):
            entry = crossing(width, shift, n, seed + k)
            found.append({"width": width, "shift": shift, **entry, "share": entry["crossed"] / n})
    return found


QUICK = dict.fromkeys((16, 64, 256), 300)
FULL = {16: 10_000, 32: 10_000, 64: 10_000, 128: 4000, 256: 2000, 512: 1000, 1024: 500, 2048: 250}
"""Networks of each width; `whole` runs all 240 000 (``gradflow reproduce --only networks.inconsistent --whole``)."""


def inconsistent(quick: bool) -> Finding:
    """See whether the share of networks that cross falls with the width, for each shift of the labels."""
    return _judged(QUICK if quick else FULL, "less than a minute")


def whole() -> Finding:
    """See the same with as many networks as published."""
    return _judged(dict.fromkeys(PUBLISHED_WIDTHS, PUBLISHED_RUNS), "some minutes")


def _judged(runs: dict[int, int], cost: str) -> Finding:
    rows = curve(runs)
    for row in rows:
        row["interval"] = interval(row["crossed"], row["runs"])
    by_shift = {shift: [row for row in rows if row["shift"] == shift] for shift in PUBLISHED_SHIFTS}
    # It falls if the widest have an interval below that of the narrowest, and less than a third of their share.
    falls = {
        shift: some[-1]["interval"][1] < some[0]["interval"][0] and 3.0 * some[-1]["share"] < some[0]["share"]
        for shift, some in by_shift.items()
    }
    done = all(row["unfinished"] == 0 for row in rows)
    return finding(
        by_rule(open=not done, refuted=not any(falls.values()), conditional=not all(falls.values())),
        "Share of networks of which a breakpoint reaches an input (exact 95 % intervals of the widest): {shares}. It falls with the width for the shifts {falls_for}, and not for {others}: the mean of the labels' lines is then no longer 0, biases have to move, and among many neurons some have so small a w1 that theirs is enough. All others come to the two regressions, to 1e-6 of the first residuals. "
        "As long as no breakpoint has reached an input, two vectors a side stand for all neurons, so that {networks} networks take {cost} of one processor (the paper: {published_networks} and more than {published_core_hours:g} core hours).",
        {
            "rows": rows,
            "networks": sum(row["runs"] for row in rows),
            "published_networks": 3 * len(PUBLISHED_WIDTHS) * PUBLISHED_RUNS,
            "published_core_hours": PUBLISHED_CORE_HOURS,
        },
        shares="; ".join(
            f"labels + {shift:g}: "
            + each("{share:.1%} at {width}", some)
            + " ({:.1%} to {:.1%})".format(*some[-1]["interval"])
            for shift, some in by_shift.items()
        ),
        cost=cost,
        falls_for=each("{0:g}", [shift for shift, does in falls.items() if does]),
        others=each("{0:g}", [shift for shift, does in falls.items() if not does]),
    )
