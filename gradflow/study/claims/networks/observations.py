"""The first post's Observations 0 to 3 asked again of networks: do others take a bad neuron's place?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradflow.descent import Adam, AdamW
from gradflow.networks.line.ends import references
from gradflow.networks.line.starts import start
from gradflow.networks.line.task import task_of
from gradflow.neuron.problem import Problem, Sample
from gradflow.study.claims.ledger import Finding, throughout
from gradflow.study.claims.networks.many import trained
from gradflow.study.claims.words import each, finding

WIDTHS = (1, 2, 5, 20, 100)
NETWORKS, STEPS = 12, 2000
QUICK_WIDTHS = (1, 5, 20)

LEARNT = 1e-3
"""A loss of this part of the best line's is called learnt."""

Start = Callable[[int, int], np.ndarray]

PROBLEM = Problem()


def plain(m: int, n: int) -> np.ndarray:
    """Return n uniform starts."""
    return np.array(start("uniform", m, 5, (n,)).rows)


def one_is(b1: float, all_of_them: bool = False) -> Start:
    """Return starts in which the first neuron, or every one, has w1 = 1 and this b1 (more than 1 in size)."""

    def draw(m: int, n: int) -> np.ndarray:
        rows = plain(m, n)
        some = m if all_of_them else 1
        spread = np.random.default_rng(6).uniform(1.0, 1.3, (some, n))
        rows[:some], rows[m : m + some] = 1.0, b1 * spread
        return rows

    return draw


def raised(b2: float) -> Start:
    """Return starts with this b2 and all neurons as the post's: w1 > 0, w2 > 0, b1 = 0, their products' sum 1."""

    def draw(m: int, n: int) -> np.ndarray:
        w = np.random.default_rng(7).uniform(0.5, 1.5, (m, n))
        a = np.random.default_rng(8).uniform(0.5, 1.5, (m, n))
        size = np.sqrt(np.sum(w * a, axis=0))
        return np.concatenate([w / size, np.zeros((m, n)), a / size, np.full((1, n), b2)])

    return draw


def learnt(
    draw: Start, m: int, config: Any, quick: bool = False, problem: Problem = PROBLEM
) -> dict[str, Any]:
    """Return how many networks of m neurons learn the target, and the median of the losses."""
    n, steps = (4, STEPS // 2) if quick else (NETWORKS, STEPS)
    low = LEARNT * references(task_of(PROBLEM)).line
    ended = trained(draw(m, n), task_of(problem), config, steps, low)
    return {"learnt": float(np.mean(ended.loss <= low)), "median": float(np.nanmedian(ended.loss))}


def by_width(cases: dict[str, tuple[Start, Any]], quick: bool, problem: Problem = PROBLEM) -> dict[str, Any]:
    """Return what `learnt` does, by case and width."""
    widths = QUICK_WIDTHS if quick else WIDTHS
    return {
        name: {str(m): learnt(draw, m, config, quick, problem) for m in widths}
        for name, (draw, config) in cases.items()
    }


RATE = Adam(lr=0.01)


def _told(cases: dict[str, Any]) -> str:
    return "; ".join(f"{name}: " + each("{learnt:.0%}", row.values()) for name, row in cases.items())


def _asked(cases: dict[str, Any], words: str, quick: bool, holds: list[bool]) -> Finding:
    return finding(
        throughout(holds),
        "Share of random networks of {widths} neurons that learn max(x, 0) (a loss below a thousandth of the best line's) within {steps} steps of Adam: {told}. {words}",
        {"cases": cases},
        widths=each("{0}", QUICK_WIDTHS if quick else WIDTHS),
        steps=STEPS // 2 if quick else STEPS,
        told=_told(cases),
        words=words,
    )


def _stuck(row: dict[str, Any]) -> list[bool]:
    """Whether fewer than half learn, for each width above 1."""
    return [some["learnt"] < 0.5 for m, some in row.items() if m != "1"]


def hyperactive(quick: bool) -> Finding:
    """See whether one hyperactive or dead neuron, or only such neurons, keep networks from learning."""
    cases = by_width(
        {
            "one hyperactive": (one_is(1.1), RATE),
            "all hyperactive": (one_is(1.1, True), RATE),
            "one dead": (one_is(-1.1), RATE),
            "all dead": (one_is(-1.1, True), RATE),
            "none set": (plain, RATE),
        },
        quick,
    )
    holds = [stuck for row in list(cases.values())[:4] for stuck in _stuck(row)]
    words = (
        "One bad neuron is made up for by others once there are several; a network of dead ones never learns."
    )
    return _asked(cases, words, quick, holds)


def large_bias(quick: bool) -> Finding:
    """See whether a large negative b2 makes networks end on the line."""
    cases = by_width({f"b2 = {b2:g}": (raised(b2), RATE) for b2 in (-1.1, -1.2, -2.0)}, quick)
    holds = [stuck for row in list(cases.values())[1:] for stuck in _stuck(row)]
    words = "All neurons start with breakpoint 0, positive weights and a sum of w1 w2 of 1, as the post's one neuron does."
    return _asked(cases, words, quick, holds)


def large_rate(quick: bool) -> Finding:
    """See whether a large rate of Adam leaves networks without a living neuron."""
    cases = by_width({f"rate {lr:g}": (raised(-1.0), Adam(lr=lr)) for lr in (0.01, 0.2, 0.4)}, quick)
    return _asked(cases, "From b2 = -1, as the post's.", quick, _stuck(cases["rate 0.4"]))


def smooth(quick: bool) -> Finding:
    """See whether SiLU recovers from b2 = −2, where ReLU is stuck (100 inputs, a teacher of the same kind)."""
    inputs = Sample(np.linspace(-1.0, 1.0, 100))
    cases = {}
    for name, b2 in (("relu", -2.0), ("silu", -2.0)):
        problem = Problem(activation=name, teacher_activation=name, inputs=inputs)
        widths = (1, 5) if quick else (1, 2, 5, 20)
        cases[name] = {str(m): learnt(raised(b2), m, RATE, quick, problem) for m in widths}
    holds = [row["median"] < cases["relu"][m]["median"] for m, row in cases["silu"].items()]
    return finding(
        throughout(holds),
        "From b2 = -2, on 100 inputs, after {steps} steps of Adam, the median loss of networks of {widths} neurons is {relu} with ReLU and {silu} with SiLU (the post: one neuron, 20 000 steps).",
        {"cases": cases},
        steps=STEPS // 2 if quick else STEPS,
        widths=each("{label}", cases["relu"]),
        relu=each("{median:.1e}", cases["relu"].values()),
        silu=each("{median:.1e}", cases["silu"].values()),
    )


def remedies(quick: bool) -> Finding:
    """See which of the post's remedies, and more neurons, help where five neurons fail."""
    troubles: dict[str, tuple[Start, Any]] = {
        "all hyperactive": (one_is(1.1, True), RATE),
        "b2 = -2": (raised(-2.0), RATE),
        "rate 0.4": (raised(-1.0), Adam(lr=0.4)),
    }
    leaky = Problem(activation="leaky-relu=0.01", teacher_activation="relu")
    found: dict[str, dict[str, float]] = {}
    for name, (draw, config) in troubles.items():
        ways: dict[str, tuple[int, Any, Problem]] = {
            "as it is": (5, config, PROBLEM),
            "a smaller rate": (5, Adam(lr=0.1 * config.lr), PROBLEM),
            "weight decay": (5, AdamW(lr=config.lr, weight_decay=0.01), PROBLEM),
            "leaky ReLU": (5, config, leaky),
            "20 neurons": (20, config, PROBLEM),
        }
        found[name] = {
            way: learnt(draw, m, steps, quick, problem)["learnt"] for way, (m, steps, problem) in ways.items()
        }
    helps = [row[way] > row["as it is"] + 0.1 for row in found.values() for way in row if way != "as it is"]
    return finding(
        throughout(helps),
        "Share of networks that learn max(x, 0) within {steps} steps: {told}. (A remedy helps where its share is larger by a tenth. The leaky student cannot become the ReLU exactly, and weight decay keeps a loss above 0.)",
        {"troubles": found},
        steps=STEPS // 2 if quick else STEPS,
        told="; ".join(
            f"{name}: " + ", ".join(f"{way} {share:.0%}" for way, share in row.items())
            for name, row in found.items()
        ),
    )
