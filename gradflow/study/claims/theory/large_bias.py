"""Large |b2| can kill the neuron: in which dynamics, and from which b2 on (derivations 10 and 12).

At w1 = w2 = 1, b1 = 0 the residual of the default problem is the constant b2, so ∇L = b2 (1/2, 1, 1/2, 2):
after a step of GD the pre-activation is 1 − (3/2) η b2 at the right end and −1 − η b2/2 at the left one.
"""

from __future__ import annotations

import numpy as np

from gradflow.descent import GD, train
from gradflow.descent.optimisers.hyper import Config
from gradflow.ends import Decide, bracket
from gradflow.ends.outcome import CONSTANT, GLOBAL
from gradflow.flow.ensemble import integrate_ensemble
from gradflow.neuron.activity import ACTIVITIES, DEAD, activity
from gradflow.neuron.problem import Neuron
from gradflow.study.claims.ledger import Claim, Finding
from gradflow.study.claims.single_neuron.settings import ADAM, POPULATION
from gradflow.theory.steps import killing_rates
from gradflow.theory.survival import survives_until

RATES = (0.01, 0.1, 0.4)
"""GD's rates whose threshold is located; the first is the post's."""

EARLY = 300
"""Steps within which a neuron that dies in the first transient is dead."""


def large_bias(quick: bool) -> Finding:
    """Compare the flow, one step of GD and some steps of GD and Adam from w1 = w2 = 1, b1 = 0."""
    biases = np.linspace(-10.0, 10.0, 9 if quick else 41)
    safe = int(np.sum(np.isinf(survives_until(Neuron(b2=100.0 * biases), POPULATION))))
    run = integrate_ensemble(Neuron(b2=biases), POPULATION, 50.0, rtol=1e-7)
    ends = [ACTIVITIES[int(code)] for code in run.activity]
    predicted = [2.0 / (3.0 * rate) for rate in RATES]
    found = [bracket(_dies(GD(rate), 1), (0.0, 2.0 / rate), tol=1e-9, sections=100) for rate in RATES]
    deviation = max(abs(t.value * r / (2.0 / 3.0) - 1.0) for t, r in zip(found, RATES, strict=True))
    # The same by `killing_rates`, for both signs of b2.
    many = np.linspace(-200.0, 200.0, 4001 if quick else 40_001)
    rates = np.random.default_rng(0).exponential(0.05, many.size)
    least, largest = killing_rates(Neuron(b2=many), POPULATION)
    closed = np.where(many > 0.0, 2.0 / (3.0 * np.where(many > 0.0, many, 1.0)), np.inf)
    killed = _dies(GD(rates), 1)(many) == CONSTANT
    wrong = int(np.sum(killed != ((least <= rates) & (rates <= largest))))
    formula = float(np.max(np.abs(least[many > 0.0] / closed[many > 0.0] - 1.0)))
    below_zero = int(np.sum(killed & (many < 0.0)))
    later = bracket(_dies(GD(RATES[0]), EARLY), (0.0, 0.99 * predicted[0]), tol=1e-3, sections=100).value
    adam = bracket(_dies(ADAM, EARLY), (1.5, 3.5), tol=1e-3, sections=100).value
    flow_kills = "dead" in ends or safe < biases.size
    agrees = deviation < 1e-9 and wrong == 0 and formula < 1e-14 and below_zero == 0
    return Finding(
        "open" if not agrees else "reproduced" if flow_kills else "conditional",
        f"It depends on the dynamics. From w1 = w2 = 1, b1 = 0 the flow {'may kill' if flow_kills else 'never kills'}: there Q = 0, "
        f"and a neuron with Q >= 0 does not die in finite time (derivation 10, part 2; the bound is infinite for {safe} of "
        f"{biases.size} b2 in [{100 * biases[0]:g}, {100 * biases[-1]:g}]); at t = 50 {ends.count('balanced')} of {len(ends)} "
        f"starts with |b2| <= {biases[-1]:g} are balanced, {ends.count('hyperactive')} hyperactive, {ends.count('dead')} dead. "
        "One step of GD kills iff b2 >= 2/(3 eta) (derivation 12, part 1, and 10, part 6): b2 >= "
        + ", ".join(f"{b:.4f} at rate {r}" for b, r in zip(predicted, RATES, strict=True))
        + f"; bisecting the first step gives that within {_size(deviation)}, {many.size} pairs of b2 and rate "
        + ("all agree with the theorem" if not wrong else f"agree but for {wrong}")
        + f", and {below_zero or 'no'} negative b2 is killed. Within {EARLY} steps the first b2 that kills is {later:.2f} for GD at rate "
        f"{RATES[0]}, and {adam:.3f} for Adam at rate {ADAM.lr}.",
        {
            "flow_bound_infinite": safe,
            "flow_starts": int(biases.size),
            "flow_ends": {name: ends.count(name) for name in ACTIVITIES},
            "gd_first_step": {
                str(rate): {"predicted": value, "bisected": at.value, "uncertainty": at.uncertainty}
                for rate, value, at in zip(RATES, predicted, found, strict=True)
            },
            "largest_relative_deviation": deviation,
            "pairs_of_b2_and_rate": int(many.size),
            "pairs_killed": int(np.sum(killed)),
            "pairs_killed_with_negative_b2": below_zero,
            "pairs_that_disagree": wrong,
            f"gd_rate_{RATES[0]}_first_kills_at": later,
            f"adam_rate_{ADAM.lr}_first_kills_at": adam,
            "steps": EARLY,
        },
    )


def _dies(config: Config, steps: int) -> Decide:
    """Return the rule that tells which b2 are dead after so many steps, as outcomes: constant or not
    (global)."""

    def outcomes(b2: np.ndarray) -> np.ndarray:
        end = train(Neuron(b2=b2), POPULATION, config, steps, events=False, first_change=False).final
        return np.where(activity(end, POPULATION) == DEAD, CONSTANT, GLOBAL)

    return outcomes


def _size(value: float) -> str:
    return f"{value:.0e}" if value else "rounding"


CLAIMS = (
    Claim(
        "theory.large-b2",
        "Liu 2026, Observation 1: the theorems",
        "Large |b2| can kill the neuron: under which dynamics, and from which b2 on?",
        large_bias,
    ),
)
