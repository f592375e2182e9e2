"""Large |b2| can kill the neuron: in which dynamics, and from which b2 on (derivations 10 and 12).

At w1 = w2 = 1, b1 = 0 the residual of the default problem is the constant b2, so ∇L = b2 (1/2, 1, 1/2, 2):
after a step of GD the pre-activation is 1 − (3/2) η b2 at the right end and −1 − η b2/2 at the left one.
"""

from __future__ import annotations

import numpy as np

from gradflow.descent import GD, train_arrays
from gradflow.descent.optimisers.hyper import Config
from gradflow.ends import Decide, bracket
from gradflow.ends.outcome import CONSTANT
from gradflow.flow.ensemble import integrate_ensemble
from gradflow.neuron.activity import ACTIVITIES, DEAD, activity
from gradflow.neuron.problem import Neuron
from gradflow.study.claims.evidence import by_name, count, largest
from gradflow.study.claims.ledger import Finding, by_rule
from gradflow.study.claims.single_neuron.settings import ADAM, POPULATION, dead_or_not
from gradflow.study.claims.words import each, finding
from gradflow.theory.steps import killing_rates
from gradflow.theory.survival import survives_until

RATES = (0.01, 0.1, 0.4)
"""GD's rates whose threshold is located; the first is the post's."""

EARLY = 300
"""Steps within which a neuron that dies in the first transient is dead."""


def large_bias(quick: bool) -> Finding:
    """Compare the flow, one step of GD and some steps of GD and Adam from w1 = w2 = 1, b1 = 0."""
    biases = np.linspace(-10.0, 10.0, 9 if quick else 41)
    safe = count(np.isinf(survives_until(Neuron(b2=100.0 * biases), POPULATION)))
    codes = integrate_ensemble(Neuron(b2=biases), POPULATION, 50.0, rtol=1e-7).activity
    ends = by_name(codes, ACTIVITIES)
    first = {}
    for rate in RATES:
        found = bracket(_dies(GD(rate), 1), (0.0, 2.0 / rate), tol=1e-9, sections=100)
        first[str(rate)] = {
            "predicted": 2.0 / (3.0 * rate),
            "bisected": found.value,
            "uncertainty": found.uncertainty,
        }
    deviation = max(
        abs(row["bisected"] * r / (2.0 / 3.0) - 1.0) for row, r in zip(first.values(), RATES, strict=True)
    )
    # The same by `killing_rates`, for both signs of b2.
    many = np.linspace(-200.0, 200.0, 4001 if quick else 40_001)
    rates = np.random.default_rng(0).exponential(0.05, many.size)
    last, above = killing_rates(Neuron(b2=many), POPULATION)
    up = many > 0.0
    killed = _dies(GD(rates), 1)(many) == CONSTANT
    wrong = count(killed != ((last <= rates) & (rates <= above)))
    formula = largest(last[up] / (2.0 / (3.0 * many[up])) - 1.0)
    below_zero = count(killed & (many < 0.0))
    later = bracket(
        _dies(GD(RATES[0]), EARLY), (0.0, 0.99 * first[str(RATES[0])]["predicted"]), tol=1e-3, sections=100
    ).value
    adam = bracket(_dies(ADAM, EARLY), (1.5, 3.5), tol=1e-3, sections=100).value
    flow_kills = ends["dead"] or safe < biases.size
    agrees = deviation < 1e-9 and wrong == 0 and formula < 1e-14 and below_zero == 0
    return finding(
        by_rule(open=not agrees, conditional=not flow_kills),
        f"It depends on the dynamics. From w1 = w2 = 1, b1 = 0 the flow {{kills}}: there Q = 0, and a neuron with Q >= 0 does not die in finite time (derivation 10, part 2; the bound is infinite for {{flow_bound_infinite}} of {{flow_starts}} b2 in [{100 * biases[0]:g}, {100 * biases[-1]:g}]); at t = 50 "
        f"{{flow_ends[balanced]}} of {{flow_starts}} starts with |b2| <= {biases[-1]:g} are balanced, {{flow_ends[hyperactive]}} hyperactive, {{flow_ends[dead]}} dead. One step of GD kills iff b2 >= 2/(3 eta) (derivation 12, part 1, and 10, part 6): b2 >= {{predicted}}; bisecting the first step gives that "
        f"within {{deviation}}, {{pairs_of_b2_and_rate}} pairs of b2 and rate {{agree}}, and {below_zero or 'no'} negative b2 is killed. Within {EARLY} steps the first b2 that kills is {later:.2f} for GD at rate {RATES[0]}, and {adam:.3f} for Adam at rate {ADAM.lr}.",
        {
            "flow_bound_infinite": safe,
            "flow_starts": int(biases.size),
            "flow_ends": ends,
            "gd_first_step": first,
            "largest_relative_deviation": deviation,
            "pairs_of_b2_and_rate": int(many.size),
            "pairs_killed": count(killed),
            "pairs_killed_with_negative_b2": below_zero,
            "pairs_that_disagree": wrong,
            f"gd_rate_{RATES[0]}_first_kills_at": later,
            f"adam_rate_{ADAM.lr}_first_kills_at": adam,
            "steps": EARLY,
        },
        kills="may kill" if flow_kills else "never kills",
        predicted=each("{predicted:.4f} at rate {label}", first),
        deviation=f"{deviation:.0e}" if deviation else "rounding",
        agree=f"agree but for {wrong}" if wrong else "all agree with the theorem",
    )


def _dies(config: Config, steps: int) -> Decide:
    """Return the rule that tells which b2 are dead after so many steps, as outcomes: constant or not
    (global)."""

    def outcomes(b2: np.ndarray) -> np.ndarray:
        end = train_arrays(Neuron(b2=b2), POPULATION, config, steps, events=False, first_change=False).final
        return dead_or_not(activity(end, POPULATION) == DEAD)

    return outcomes
