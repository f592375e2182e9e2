"""Too large a learning rate can kill the neuron: from which rate on, and what no rate above holds.

Derivation 12, part 1, gives the rates at which one step of GD kills; derivation 16 the largest rate at which
a global minimum is stable.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gradflow.descent import GD, train_arrays
from gradflow.ends.outcome import GLOBAL, outcome
from gradflow.neuron.activity import DEAD, activity
from gradflow.study.claims.evidence import count
from gradflow.study.claims.ledger import Finding, by_rule
from gradflow.study.claims.single_neuron.observation2 import START
from gradflow.study.claims.single_neuron.settings import POPULATION
from gradflow.study.claims.words import each, finding
from gradflow.theory.stability import flattest_minimum, stable_minima
from gradflow.theory.steps import killing_rates
from gradflow.theory.survival import survives_until

SHARES = (0.1, 0.3, 1.0)
"""Rates at which the share of random starts that one step kills is told."""

RELATIVE = (0.7, 0.85, 0.95, 1.02, 1.1, 1.3)
"""Rates whose ends are looked at, as multiples of the largest stable one."""


class Holding(NamedTuple):
    """At some rates, how many runs end at the teacher, and how many of them outside the stable minima."""

    rates: list[float]
    runs: int
    at_teacher: list[int]
    outside: int


def large_rate(quick: bool) -> Finding:
    """Compare the rates that kill, and those that hold a minimum, with what GD does."""
    one = one_step(10_000 if quick else 100_000)
    along = along_runs(41 if quick else 161)
    first = float(killing_rates(START, POPULATION).least)
    until = float(survives_until(START, POPULATION))
    limit = 2.0 / float(flattest_minimum(POPULATION).sharpness)
    ends = holding(limit, 100 if quick else 500)
    runs = list(zip(ends.rates, ends.at_teacher, strict=True))
    below, above = [run for run in runs if run[0] < limit], [run for run in runs if run[0] > limit]
    safe = np.isinf(until)
    against = one["disagree"] or along["disagree"] or any(at for _, at in above) or ends.outside
    return finding(
        by_rule(open=against, refuted=not (one["killed"] and along["die"] and safe)),
        "One step of GD kills iff its rate is in an interval that starts at eta* (derivation 12, part 1): of {one_step[starts]} random starts with random rates {one_step[disagree]} do otherwise ({one_step[killed]} die). {one_step[with_killing_rates]} of the {one_step[alive]} that are alive have such a rate, "
        f"and for {{one_step[with_a_largest]}} of these a still larger one no longer kills; a step kills {{shares}}. From b2 = {float(START.b2):g} (w1 = w2 = 1, b1 = 0) {{first}} in the first step, but eta* changes along the run: of {{along[rates]}} rates in [0.2, 1] {{along[die]}} kill within {{along[steps]}} "
        "steps, the first at {along[least_that_kills]:g}, at step {deaths}, {each} at the step at which its rate reaches eta*. The flow {flow} (derivation 10, part 2). And no global minimum is stable for GD above the rate {largest_stable_rate:.6f} (derivation 16): of {ends_of_random_starts.runs} random starts, "
        "{below} end at the teacher at rates {below_at}, {all} at a minimum that is stable at their rate, and {above} at rates {above_at}.",
        {
            "one_step": one,
            "from_the_posts_start": along,
            "largest_stable_rate": limit,
            "ends_of_random_starts": ends,
        },
        along=along,
        shares=each("{0:.0%} at rate {label}", one["killed_by_a_step"]),
        first="no rate kills" if np.isinf(first) else f"rates from {first:.3g} on kill",
        deaths=each("{0}", along["steps_of_death"]),
        each="not each" if along["disagree"] else "each",
        flow="never kills that start" if safe else f"may kill after t = {until:.3g}",
        below=each("{0[1]}", below, none=""),
        below_at=each("{0[0]:.3f}", below, none=""),
        all=f"all but {ends.outside}" if ends.outside else "all",
        above=each("{0[1]}", above, none=""),
        above_at=each("{0[0]:.3f}", above, none=""),
    )


def one_step(n: int) -> dict[str, Any]:
    """Take one step from n random starts at random rates, and compare with `killing_rates`."""
    rng = np.random.default_rng(0)
    start, rate = rng.normal(size=(4, n)), rng.exponential(1.0, n)
    least, largest = killing_rates(start, POPULATION)
    alive = activity(start, POPULATION) != DEAD
    end = train_arrays(start, POPULATION, GD(rate), 1, events=False, first_change=False).final
    dead = activity(end, POPULATION) == DEAD
    shares = {str(r): float(np.mean(((least <= r) & (r <= largest))[alive])) for r in SHARES}
    return {
        "starts": n,
        "alive": count(alive),
        "with_killing_rates": count(alive & np.isfinite(least)),
        "with_a_largest": count(alive & np.isfinite(largest)),
        "killed": count(alive & dead),
        "disagree": int(np.sum(dead != ((least <= rate) & (rate <= largest)))),
        "killed_by_a_step": shares,
    }


def along_runs(n: int, steps: int = 60) -> dict[str, Any]:
    """Train the post's start at n rates; compare the steps of death with `killing_rates` along the runs."""
    rates = np.linspace(0.2, 1.0, n)
    run = train_arrays(START, POPULATION, GD(rates), steps, record_every=1, events=False)
    states = np.moveaxis(run.theta, 0, 1)
    least, largest = killing_rates(states[:, :-1], POPULATION)
    predicted = _first((least <= rates) & (rates <= largest))
    found = _first(activity(states[:, 1:], POPULATION) == DEAD)
    return {
        "rates": n,
        "steps": steps,
        "die": count(found > 0),
        "least_that_kills": float(rates[found > 0].min(initial=np.inf)) if np.any(found > 0) else 0.0,
        "steps_of_death": sorted({int(step) for step in found if step > 0}),
        "disagree": count(found != predicted),
    }


def holding(limit: float, n: int, steps: int = 3000) -> Holding:
    """Train n random starts at rates below and above `limit`, and see where they end."""
    rates = limit * np.array(RELATIVE)
    start = np.random.default_rng(1).normal(size=(4, n, 1))
    run = train_arrays(start, POPULATION, GD(rates), steps, events=False, first_change=False)
    there = outcome(run.final, POPULATION, run.diverged) == GLOBAL
    least, largest = stable_minima(POPULATION, rates)
    size = np.abs(run.final[0])
    # At a rate without stable minima the interval is NaN, and nothing is inside.
    inside = (size >= least * (1.0 - 1e-6)) & (size <= largest * (1.0 + 1e-6))
    counts = np.sum(there, axis=0)
    return Holding(rates.tolist(), n, counts.tolist(), int(np.sum(there & ~inside)))


def _first(condition: np.ndarray) -> np.ndarray:
    """Return the first step, counted from 1, at which a condition holds, −1 where it never does."""
    return np.where(condition.any(axis=0), np.argmax(condition, axis=0) + 1, -1)
