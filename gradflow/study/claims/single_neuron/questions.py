"""The post's questions: can the bias be controlled better, and which neurons learn better?

What is proved about the other kinds of neurons stands in ``derivations/21_other_parametrisations.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradflow.descent.modifiers import Modifiers
from gradflow.ends import bracket
from gradflow.ends.outcome import GLOBAL, LINEAR
from gradflow.field.baselines import best_constant, best_line
from gradflow.field.kinds import BOUNDED, KINDS, PLAIN, SHIFTED, SOLVED_BIAS, SOLVED_OUTPUT
from gradflow.flow.of_kind import flow
from gradflow.neuron.problem import Neuron, Problem
from gradflow.study.claims.ledger import Claim, Finding
from gradflow.study.claims.single_neuron import practices
from gradflow.study.claims.single_neuron.settings import POPULATION
from gradflow.study.claims.single_neuron.shares import (
    B1,
    DYNAMICS,
    conditions,
    described,
    final_losses,
    shares,
    size_of,
    table,
)

FIRST = "Liu 2026, Question 1"
SECOND = "Liu 2026, Question 2"

MARGIN = 0.01
"""Shares that differ by no more count as equal: the runs are of finite length."""

LAMBDA_STEPS = 4.0
"""Decay on b′: η λ times the number of steps, so that |b′| falls to exp(−4) of its start at the end."""


def solved(quick: bool) -> Finding:
    """Solve for b2, and for w2 and b2, at every step, and count which starts reach the teacher."""
    size = size_of(quick)
    found = table((PLAIN, SOLVED_BIAS, SOLVED_OUTPUT), size)
    b1 = np.linspace(*B1, size.starts)
    balanced = float(np.mean(np.abs(b1) < 1.0))
    ends = {name: float(np.mean(side)) for name, side in (("linear", b1 >= 1.0), ("constant", b1 <= -1.0))}
    gains = {name: found[name]["solved-bias"]["global"] - found[name]["plain"]["global"] for name in DYNAMICS}
    grows = [name for name in DYNAMICS if gains[name] > MARGIN]
    falls = [name for name in DYNAMICS if gains[name] < -MARGIN]
    misses = max(
        abs(found[name][kind]["global"] - balanced)
        for name in DYNAMICS
        for kind in ("solved-bias", "solved-output")
    )
    lost = {
        end: max(abs(found[name]["solved-bias"][end] - share) for name in DYNAMICS)
        for end, share in ends.items()
    }
    keeps = max(lost.values()) == 0.0

    def flow_ends(values: np.ndarray) -> np.ndarray:
        loss = flow(SOLVED_BIAS, Neuron(b1=values), POPULATION, 200.0, rtol=1e-4 if quick else 1e-8).loss
        return np.where(loss < 0.5 * best_line(POPULATION).loss, GLOBAL, LINEAR)

    edge = bracket(flow_ends, (0.5, 1.0), tol=2e-2 if quick else 1e-5, sections=8 if quick else 20)
    return Finding(
        "refuted" if not grows else "conditional" if falls or keeps or misses else "reproduced",
        "Yes: b2 = E f* - w2 E phi is the best one, and following the loss over the other three costs one more gradient. "
        f"The share of starts that reach the teacher grows by more than a point under {', '.join(grows) or 'no dynamics'} and falls so under "
        f"{', '.join(falls) or 'none'}: "
        + "; ".join(
            f"{name}: {described(found[name], ('plain', 'solved-bias', 'solved-output'))}"
            for name in DYNAMICS
        )
        + f" (start balanced: {balanced:.0%}). "
        + (
            "What starts balanced learns the teacher, at these starts, and no other start does. "
            if not misses
            else f"The share differs from that of the balanced starts by up to {misses:.1%}. "
        )
        + (
            "Dead starts stay dead and hyperactive ones stay on the line: solving removes the danger of b2, not that of b1. "
            if keeps
            else ""
        )
        + "With w2 solved as well this is a theorem (derivation 21, part 5). With b2 alone it is one for -1 < b1 <= 0 and "
        f"false close to the hyperactive wall (part 7): on w1 = w2 = 1 the flow is lost from b1 = {edge.value:.4f} on, though "
        f"balanced up to 1. Setting: {conditions(size)}.",
        {
            "shares": found,
            "share_of_balanced_starts": balanced,
            "largest_difference_from_it": misses,
            "flow_with_solved_b2_is_lost_from_b1": edge.value,
            "its_uncertainty": edge.uncertainty,
        },
    )


def parametrisation(quick: bool) -> Finding:
    """Train w(x + b′) without and with decay on b′, and the breakpoint that cannot leave the input."""
    size = size_of(quick)
    rate, steps = size.adam
    lam = LAMBDA_STEPS / (rate * steps)
    on_shift, on_all = Modifiers(decoupled=(0.0, lam, 0.0, 0.0)), Modifiers(decoupled=(lam, lam, 0.0, 0.0))
    runs = {
        "plain": (PLAIN, Modifiers()),
        "plain, decay on w1 and b1": (PLAIN, on_all),
        "plain, decay on b1": (PLAIN, on_shift),
        "shifted": (SHIFTED, Modifiers()),
        "shifted, decay on b'": (SHIFTED, on_shift),
        "bounded": (BOUNDED, Modifiers()),
    }
    found = {
        name: shares(final_losses(kind, "Adam", size, modifiers=extra))
        for name, (kind, extra) in runs.items()
    }
    # GD with a small rate stands for the flow where it has to be quick.
    slow = "GD" if quick else "flow"
    follow = table((PLAIN, SHIFTED, BOUNDED), size, (slow,))[slow]
    # A teacher that bends at 1/2: its best shift is not 0, so decay on it costs.
    away = Problem(Neuron(1.0, -0.5, 1.0, 0.0))
    held = final_losses(SHIFTED, "Adam", size, away, on_shift)
    cost = float(np.nanmedian(held) / best_line(away).loss)
    free = shares(final_losses(SHIFTED, "Adam", size, away), away)["global"]
    reached = shares(held, away)["global"]
    names, best = tuple(found), max(found, key=lambda name: found[name]["global"])
    shift, decay = found["shifted"]["global"], found["shifted, decay on b'"]["global"]
    bounded, plain = found["bounded"]["global"], found["plain"]["global"]
    helps = {"decay on b'": decay > shift, "balancing": bounded > plain}
    idle = found["plain, decay on w1 and b1"]["constant"] > 0.0
    verdict: Any = "refuted" if not any(helps.values()) else "conditional"
    if all(helps.values()) and shift > plain and follow["shifted"]["global"] > follow["plain"]["global"]:
        verdict = "reproduced" if cost < 1e-3 else "conditional"
    return Finding(
        verdict,
        "Share of starts that reach the teacher under Adam: "
        + described(found, names)
        + f"; under {'GD' if quick else 'the flow'}: {described(follow, tuple(follow))}. Largest: {best}. w(x + b') alone "
        + (
            f"leaves {found['shifted']['constant']:.0%} dead and {found['shifted']['linear']:.0%} on the line. "
            if shift < 1.0
            else "loses none. "
        )
        + f"Decay on b' {'helps' if decay > shift else 'does not help'}: it moves the breakpoint of a dead neuron "
        "towards 0 as exp(-lambda t), so every dead one comes back when that passes the end of the input (derivation 21, part 10). "
        f"With the same decay on w1 and b1 the breakpoint does not move; {'dead ones stay so' if idle else 'none stayed dead here'}. "
        f"For a teacher that bends at 1/2, where decay pulls away from the minimum, {reached:.0%} of the starts are at the teacher with decay (median "
        f"loss {cost:.0e} of the line's) and {free:.0%} without. "
        f"A breakpoint bounded to the input {'helps' if helps['balancing'] else 'does not help'}, and is never dead, but may sit on a "
        f"plateau near the end: {follow['bounded']['other']:.0%} under {'GD' if quick else 'the flow'}, {found['bounded']['other']:.0%} under Adam. "
        f"Setting: lambda = {lam:.3g}; {conditions(size)}.",
        {
            "adam": found,
            slow: follow,
            "lambda": lam,
            "teacher_bends_at_one_half": {
                "median_loss_with_decay_over_line": cost,
                "share_at_the_teacher_with_decay": reached,
                "share_at_the_teacher_without_decay": free,
            },
        },
    )


def silu(quick: bool) -> Finding:
    """Compare SiLU learning a SiLU neuron with ReLU learning a ReLU neuron."""
    size = size_of(quick)
    problems = {"relu": POPULATION, "silu": Problem(activation="silu")}
    lengths = (size.adam[1], (2 if quick else 3) * size.adam[1])
    values: dict[str, Any] = {}
    for name, problem in problems.items():
        line, spread = float(best_line(problem).loss), float(best_constant(problem).loss)
        entry: dict[str, Any] = {"line_loss_over_variance": line / spread}
        for steps in lengths:
            loss = final_losses(PLAIN, "Adam", size._replace(adam=(size.adam[0], steps)), problem)
            entry[f"after_{steps}"] = {
                "at_the_teacher": float(np.mean(loss <= 1e-3 * line)),
                "below_the_line": float(np.mean(loss <= 0.5 * line)),
                "median_loss_over_variance": float(np.nanmedian(loss) / spread),
            }
        values[name] = entry
    measures = ("at_the_teacher", "below_the_line", "median_loss_over_variance")
    first, last = (f"after_{steps}" for steps in lengths)

    def better(when: str, measure: str) -> bool:
        a, b = values["silu"][when][measure], values["relu"][when][measure]
        return bool(a < b if measure.startswith("median") else a > b)

    wins = {f"{measure} {when}": better(when, measure) for when in (first, last) for measure in measures}
    slow = not better(first, "at_the_teacher")
    return Finding(
        "reproduced" if all(wins.values()) else "conditional" if any(wins.values()) else "refuted",
        f"Better in {sum(wins.values())} of {len(wins)} comparisons. Starts that have beaten half the best line's loss, SiLU against ReLU: "
        + ", ".join(
            f"{values['silu'][when]['below_the_line']:.0%} against {values['relu'][when]['below_the_line']:.0%} after {steps} steps"
            for when, steps in zip((first, last), lengths, strict=True)
        )
        + "; starts at the teacher (1e-3 of the line's loss): "
        + ", ".join(
            f"{values['silu'][when]['at_the_teacher']:.0%} against {values['relu'][when]['at_the_teacher']:.0%}"
            for when in (first, last)
        )
        + "; median loss over the target's variance: "
        + ", ".join(
            f"{values['silu'][when]['median_loss_over_variance']:.1e} against {values['relu'][when]['median_loss_over_variance']:.1e}"
            for when in (first, last)
        )
        + (". SiLU is slow: after the shorter run no more are at the teacher" if slow else "")
        + f". A SiLU neuron is an easier target for a line (loss {values['silu']['line_loss_over_variance']:.1%} of its variance, ReLU "
        f"{values['relu']['line_loss_over_variance']:.1%}). Setting: Adam at rate {size.adam[0]}; {size.starts} x {size.starts} starts.",
        values,
    )


def something_better(quick: bool) -> Finding:
    """Rank all kinds of neurons by the share of starts that reach the teacher."""
    size = size_of(quick)
    # GD with a small rate stands for the flow where it has to be quick.
    dynamics = DYNAMICS[1:] if quick else DYNAMICS
    losses = {
        name: {kind.name: final_losses(kind, name, size) for kind in KINDS.values()} for name in dynamics
    }
    found = {name: {kind: shares(loss) for kind, loss in row.items()} for name, row in losses.items()}
    reach = {name: {kind: entry["global"] for kind, entry in found[name].items()} for name in dynamics}
    least = {kind: min(reach[name][kind] for name in dynamics) for kind in KINDS}
    order = sorted(least, key=lambda kind: -least[kind])
    gate = [reach[name]["gated"] > reach[name]["plain"] + MARGIN for name in dynamics]
    winners = [
        kind
        for kind in order
        if all(reach[name][kind] > reach[name]["plain"] + MARGIN for name in dynamics) and kind != "gated"
    ]
    line = float(best_line(POPULATION).loss)
    below = {name: float(np.mean(losses[name]["gated"] < 0.5 * line)) for name in dynamics}
    return Finding(
        "reproduced" if all(gate) else "conditional" if winners or any(gate) else "refuted",
        "Share of starts that reach the teacher: "
        + "; ".join(f"{name}: {described(found[name], tuple(order))}" for name in dynamics)
        + f". By the worst of these dynamics the largest is that of {order[0]} ({least[order[0]]:.0%}). "
        + (
            f"Better than plain by more than a point throughout: {', '.join(winners)}. "
            if winners
            else "No kind without a gate is better throughout. "
        )
        + f"The gate is {'better' if all(gate) else 'not better'} in this count (better in {sum(gate)} of {len(gate)} dynamics), as a gated neuron that is "
        "hyperactive is a parabola and has traps of its own, with loss 1/768 (derivation 21, part 9), but they lie lower than the line: "
        + ", ".join(
            f"{share:.0%} get below half the line's loss under {name}" for name, share in below.items()
        )
        + f". Setting: {conditions(size)}.",
        {"shares": found, "least_share": least, "order": order, "gated_below_half_the_line": below},
    )


CLAIMS = (
    Claim(
        "q1.solved",
        FIRST,
        "Can we analytically compute the bias instead of learning it via gradient descent?",
        solved,
    ),
    Claim(
        "q1.parametrisation",
        FIRST,
        "Writing w(x + b') may allow us to control neuron activity more directly, e.g. by weight decay on b' or explicit balancing.",
        parametrisation,
    ),
    Claim("q2.silu-better", SECOND, "SiLU is better than ReLU.", silu),
    Claim("q2.something-better", SECOND, "Is there something better, gating?", something_better),
    *practices.CLAIMS,
)

UNTESTABLE: tuple[tuple[str, str], ...] = (
    (
        "Our ultimate goal is to gain insights relevant to LLM training: LR warmup, LR decay, weight decay and MoE balancing may "
        "implicitly control neuron activity levels.",
        "A goal and an intuition about language models; what decay and rates do to one neuron is in q1.parametrisation and obs2.",
    ),
    (
        "In some LLM training setups, bias terms are disabled. Whitening inputs and normalizing intermediate representations are "
        "common practices.",
        "What others do; what it does to one neuron is in practice.model-bias and practice.data-bias.",
    ),
    (
        "This might be why we have various ugly tricks for LLM (learning rate schedule, weight decay, etc).",
        "A conjecture on motives. (That a neuron which has left the balanced state hardly returns is theory.irreversibility.)",
    ),
)
