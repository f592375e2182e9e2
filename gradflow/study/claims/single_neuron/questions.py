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
from gradflow.study.claims.evidence import share
from gradflow.study.claims.ledger import Finding, by_rule
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
from gradflow.study.claims.words import each, finding

MARGIN = 0.01
"""Shares that differ by no more count as equal: the runs are of finite length."""

LAMBDA_STEPS = 4.0
"""Decay on b′: η λ times the number of steps, so that |b′| falls to exp(−4) of its start at the end."""


def solved(quick: bool) -> Finding:
    """Solve for b2, and for w2 and b2, at every step, and count which starts reach the teacher."""
    size = size_of(quick)
    found = table((PLAIN, SOLVED_BIAS, SOLVED_OUTPUT), size)
    b1 = np.linspace(*B1, size.starts)
    balanced, ends = share(np.abs(b1) < 1.0), {"linear": share(b1 >= 1.0), "constant": share(b1 <= -1.0)}
    gains = {name: row["solved-bias"]["global"] - row["plain"]["global"] for name, row in found.items()}
    grows = [name for name in DYNAMICS if gains[name] > MARGIN]
    falls = [name for name in DYNAMICS if gains[name] < -MARGIN]
    misses = max(
        abs(row[kind]["global"] - balanced)
        for row in found.values()
        for kind in ("solved-bias", "solved-output")
    )
    keeps = all(row["solved-bias"][end] == part for row in found.values() for end, part in ends.items())

    def flow_ends(values: np.ndarray) -> np.ndarray:
        loss = flow(SOLVED_BIAS, Neuron(b1=values), POPULATION, 200.0, rtol=1e-4 if quick else 1e-8).loss
        return np.where(loss < 0.5 * best_line(POPULATION).loss, GLOBAL, LINEAR)

    edge = bracket(flow_ends, (0.5, 1.0), tol=2e-2 if quick else 1e-5, sections=8 if quick else 20)
    return finding(
        by_rule(refuted=not grows, conditional=falls or keeps or misses),
        "Yes: b2 = E f* - w2 E phi is the best one, and following the loss over the other three costs one more gradient. The share of starts that reach the teacher grows by more than a point under {grows} and falls so under {falls}: {shown} (start balanced: "
        "{share_of_balanced_starts:.0%}). {misses}{keeps}With w2 solved as well this is a theorem (derivation 21, part 5). With b2 alone it is one for -1 < b1 <= 0 and false close to the hyperactive wall (part 7): on w1 = w2 = 1 the flow is lost from b1 = "
        "{flow_with_solved_b2_is_lost_from_b1:.4f} on, though balanced up to 1. Setting: {setting}.",
        {
            "shares": found,
            "share_of_balanced_starts": balanced,
            "largest_difference_from_it": misses,
            "flow_with_solved_b2_is_lost_from_b1": edge.value,
            "its_uncertainty": edge.uncertainty,
        },
        grows=each("{0}", grows, none="no dynamics"),
        falls=each("{0}", falls, none="none"),
        shown="; ".join(f"{name}: {described(row, tuple(row))}" for name, row in found.items()),
        misses=f"The share differs from that of the balanced starts by up to {misses:.1%}. "
        if misses
        else "What starts balanced learns the teacher, at these starts, and no other start does. ",
        keeps="Dead starts stay dead and hyperactive ones stay on the line: solving removes the danger of b2, not that of b1. "
        if keeps
        else "",
        setting=conditions(size),
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
    bends = {
        "median_loss_with_decay_over_line": cost,
        "share_at_the_teacher_with_decay": shares(held, away)["global"],
        "share_at_the_teacher_without_decay": shares(final_losses(SHIFTED, "Adam", size, away), away)[
            "global"
        ],
    }
    plain, *_, shift, decay, bounded = (row["global"] for row in found.values())
    helps = {"decay": decay > shift, "balancing": bounded > plain}
    better = shift > plain and follow["shifted"]["global"] > follow["plain"]["global"]
    idle = found["plain, decay on w1 and b1"]["constant"] > 0.0
    return finding(
        by_rule(
            refuted=not any(helps.values()),
            reproduced=all(helps.values()) and better and cost < 1e-3,
            conditional=True,
        ),
        "Share of starts that reach the teacher under Adam: {shown}; under {slow}: {follow}. Largest: {best}. w(x + b') alone {alone} Decay on b' {decay}: it moves the breakpoint of a dead neuron towards 0 as exp(-lambda t), so every dead one comes back when that "
        "passes the end of the input (derivation 21, part 10). With the same decay on w1 and b1 the breakpoint does not move; {idle}. For a teacher that bends at 1/2, where decay pulls away from the minimum, {bends[share_at_the_teacher_with_decay]:.0%} of the starts "
        "are at the teacher with decay (median loss {bends[median_loss_with_decay_over_line]:.0e} of the line's) and {bends[share_at_the_teacher_without_decay]:.0%} without. A breakpoint bounded to the input {balancing}, and is never dead, but may sit on a plateau "
        "near the end: {plateau:.0%} under {slow}, {adam[bounded][other]:.0%} under Adam. Setting: lambda = {lambda:.3g}; {setting}.",
        {
            "adam": found,
            slow: follow,
            "lambda": lam,
            "teacher_bends_at_one_half": bends,
        },
        bends=bends,
        shown=described(found, tuple(found)),
        slow="GD" if quick else "the flow",
        follow=described(follow, tuple(follow)),
        best=max(found, key=lambda name: found[name]["global"]),
        alone=f"leaves {found['shifted']['constant']:.0%} dead and {found['shifted']['linear']:.0%} on the line."
        if shift < 1.0
        else "loses none.",
        decay="helps" if helps["decay"] else "does not help",
        idle="dead ones stay so" if idle else "none stayed dead here",
        balancing="helps" if helps["balancing"] else "does not help",
        plateau=follow["bounded"]["other"],
        setting=conditions(size),
    )


def silu(quick: bool) -> Finding:
    """Compare SiLU learning a SiLU neuron with ReLU learning a ReLU neuron."""
    size = size_of(quick)
    rate, steps = size.adam
    lengths = (steps, (2 if quick else 3) * steps)
    values: dict[str, Any] = {}
    for name, problem in (("relu", POPULATION), ("silu", Problem(activation="silu"))):
        line, spread = float(best_line(problem).loss), float(best_constant(problem).loss)
        values[name] = {"line_loss_over_variance": line / spread}
        for length in lengths:
            loss = final_losses(PLAIN, "Adam", size._replace(adam=(rate, length)), problem)
            values[name][f"after_{length}"] = {
                "at_the_teacher": share(loss <= 1e-3 * line),
                "below_the_line": share(loss <= 0.5 * line),
                "median_loss_over_variance": float(np.nanmedian(loss) / spread),
            }
    pairs = {length: [values[name][f"after_{length}"] for name in ("silu", "relu")] for length in lengths}
    wins = [
        a[measure] < b[measure] if measure.startswith("median") else a[measure] > b[measure]
        for a, b in pairs.values()
        for measure in a
    ]
    return finding(
        by_rule(refuted=not any(wins), conditional=not all(wins)),
        f"Better in {sum(wins)} of {len(wins)} comparisons. Starts that have beaten half the best line's loss, SiLU against ReLU: {{below}}; starts at the teacher (1e-3 of the line's loss): {{there}}; median loss over the target's variance: {{medians}}{{slow}}. A SiLU neuron is an "
        "easier target for a line (loss {silu[line_loss_over_variance]:.1%} of its variance, ReLU {relu[line_loss_over_variance]:.1%}). "
        f"Setting: Adam at rate {rate}; {size.starts} x {size.starts} starts.",
        values,
        below=each(
            "{0[0][below_the_line]:.0%} against {0[1][below_the_line]:.0%} after {label} steps", pairs
        ),
        there=each("{0[0][at_the_teacher]:.0%} against {0[1][at_the_teacher]:.0%}", pairs),
        medians=each(
            "{0[0][median_loss_over_variance]:.1e} against {0[1][median_loss_over_variance]:.1e}", pairs
        ),
        slow="" if wins[0] else ". SiLU is slow: after the shorter run no more are at the teacher",
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
    reach = [{kind: entry["global"] for kind, entry in row.items()} for row in found.values()]
    least = {kind: min(row[kind] for row in reach) for kind in KINDS}
    order = sorted(least, key=lambda kind: -least[kind])
    better = {kind: [row[kind] > row["plain"] + MARGIN for row in reach] for kind in order}
    gate = better["gated"]
    winners = [kind for kind in order if all(better[kind]) and kind != "gated"]
    line = float(best_line(POPULATION).loss)
    below = {name: share(row["gated"] < 0.5 * line) for name, row in losses.items()}
    return finding(
        by_rule(reproduced=all(gate), conditional=winners or any(gate), refuted=True),
        f"Share of starts that reach the teacher: {{shown}}. By the worst of these dynamics the largest is that of {order[0]} ({least[order[0]]:.0%}). {{winners}} The gate is {{gate}} in this count (better in {sum(gate)} of {len(gate)} dynamics), as a gated neuron that is hyperactive is a "
        "parabola and has traps of its own, with loss 1/768 (derivation 21, part 9), but they lie lower than the line: {below}. Setting: {setting}.",
        {"shares": found, "least_share": least, "order": order, "gated_below_half_the_line": below},
        shown="; ".join(f"{name}: {described(row, tuple(order))}" for name, row in found.items()),
        winners=f"Better than plain by more than a point throughout: {', '.join(winners)}."
        if winners
        else "No kind without a gate is better throughout.",
        gate="better" if all(gate) else "not better",
        below=each("{0:.0%} get below half the line's loss under {label}", below),
        setting=conditions(size),
    )
