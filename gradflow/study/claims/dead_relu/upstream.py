"""Effects of upstream layers on a dead neuron at small and at large rates (derivation 18)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gradflow.study.claims.dead_relu import settings
from gradflow.study.claims.dead_relu.neuron import INPUTS
from gradflow.study.claims.dead_relu.settings import BUDGET, HORIZON, SMALL, as_text, some_of, start_of
from gradflow.study.claims.evidence import count, largest, median, share
from gradflow.study.claims.ledger import Finding, by_rule
from gradflow.study.claims.words import each, finding
from gradflow.theory.upstream import UNIFORM, Network, gradient, limit, path, revival_steps, revival_time

FOLLOWED = (0.01, 0.05, 0.2, 0.5)
"""Rates at which networks are followed until they have settled."""

CONTRADICTED = " The numbers contradict the derivation."


class Against(NamedTuple):
    """At one rate below the limit's largest stable one: how many the flow and training bring back."""

    stable: int
    by_flow: int
    lost: int
    gained: int

    @property
    def left_dead(self) -> int:
        """How many the flow leaves dead."""
        return self.stable - self.by_flow


def pull(network: Network) -> np.ndarray:
    """Return the size of each gradient of networks that are to return ReLU(x)."""
    return np.asarray(np.abs(gradient(network, INPUTS, np.maximum(INPUTS, 0.0))))


def without_second_path(network: Network) -> float:
    """Return the largest gradient of the layer below if the neuron is the only way from it to the output."""
    return largest(pull(network._replace(d=0.0))[:2])


def surroundings(quick: bool) -> Finding:
    """Look at what moves around a dead neuron, with a second path and without."""
    network = settings.dead_networks(500 if quick else 5000)
    pulls = pull(network)
    own, n = largest(pulls[2:5]), pulls.shape[1]
    cut = without_second_path(network)
    moving = count(np.any(pulls[:2] > 0.0, axis=0))
    return finding(
        # What the theorem excludes can be no condition for "reproduced".
        by_rule(open=own or cut, refuted=moving < n, conditional=True),
        "Its inputs do if the layer below is trained by a second path around the neuron. The neuron's own weights do not: their "
        "gradient is {largest_gradient_of_the_neuron:g}. With a second path the gradient upstream is not 0 in {moving_upstream} of {networks} random networks; where the dead neuron is the only way from the layer below to the output it is "
        "{largest_gradient_upstream_without_a_second_path:g}, and nothing but what stands behind the neuron learns (derivation 18, part 1).{against}",
        {
            "networks": n,
            "moving_upstream": moving,
            "largest_gradient_of_the_neuron": own,
            "largest_gradient_upstream_without_a_second_path": cut,
        },
        against=CONTRADICTED if own or cut else "",
    )


def rate_sets_size(quick: bool) -> Finding:
    """Compare one step, and the end of training, at rates that differ."""
    network = settings.dead_networks(100 if quick else 500)
    rates = (0.02, 0.01, 0.005)
    start, end = start_of(network), np.stack(limit(network, UNIFORM))

    def distances(rate: float, steps: int, to: np.ndarray) -> np.ndarray:
        return np.asarray(np.linalg.norm(trained(start, rate, steps) - to, axis=0))

    first = {f"{rate:g}": float(np.mean(distances(rate, 1, start))) for rate in rates}
    last = {f"{rate:g}": median(distances(rate, round(HORIZON / rate / 2), end)) for rate in rates}
    way = float(np.mean(np.linalg.norm(end - start, axis=0)))
    steps = list(first.values())
    uneven = any(abs(step / steps[0] - r / rates[0]) >= 1e-9 for step, r in zip(steps, rates, strict=True))
    same = max(last.values()) < 0.1 * way
    return finding(
        by_rule(open=uneven, conditional=same),
        "Of a single step, exactly: from {networks} dead random networks the first step is {first} in the mean. Of the change in "
        "the end {too}: the way from start to limit is {way:.3g} in the mean, and the end of training is off the flow's limit by only {last} in the median. A small rate takes more steps on the same path.",
        {
            "networks": int(start.shape[1]),
            "first_step": first,
            "distance_from_the_flows_limit": last,
            "way": way,
        },
        first=each("{0:.2e} at rate {label}", first),
        last=each("{0:.2e} at rate {label}", last),
        too="it is not so" if same else "too",
    )


def small_never(quick: bool) -> Finding:
    """Train, at ever smaller rates, networks whose dead neuron the flow brings back."""
    network = settings.dead_networks(150 if quick else 600)
    time = revival_time(network, UNIFORM)
    soon = np.flatnonzero((time > 0.02) & (time < 2.0))
    network = some_of(network, soon)
    found: dict[str, dict[str, float]] = {}
    for rate in (0.01, 0.001) if quick else (0.01, 0.001, SMALL):
        steps = revival_steps(network, UNIFORM, rate, round(2.5 / rate))
        back = steps > 0
        found[f"{rate:g}"] = {
            "back": count(back),
            "median_steps": median(steps[back]) if back.any() else -1.0,
            "median_rate_times_steps_over_time": median(rate * steps[back] / time[soon][back])
            if back.any()
            else -1.0,
        }
    least = list(found.values())[-1]
    refuted = least["back"] > 0.9 * soon.size and soon.size > 0
    return finding(
        by_rule(refuted=refuted, open=least["back"]),
        "{begin}: a small rate delays, it does not prevent. Of {networks} random networks whose dead neuron the gradient flow brings "
        "back at 0.02 < t < 2, training brings back {found}: rate times steps is {ratio:.3f} of the flow's time at the smallest "
        "rate. Below some rate every rate brings back what the flow does (derivation 18, part 5). Within a given number of steps the sentence is true of small rates; of a neuron that nothing moves it is true at all rates.",
        {"networks": int(soon.size), "at_rates": found},
        begin="Not so" if refuted else "Not decided",
        found=each("{back} at rate {label}, after {median_steps:.0f} steps in the median", found, "; "),
        ratio=least["median_rate_times_steps_over_time"],
    )


def large_crosses(quick: bool) -> Finding:
    """Look for neurons that a larger rate brings across by their inputs, and that the smallest leaves
    dead."""
    alone = settings.isolated(quick)
    found = settings.sweep(200 if quick else 2000)
    within, crossed = found.within, found.only_at_a_larger_rate
    return finding(
        by_rule(open=alone["largest_move_of_w1_b1_w2"], refuted=not crossed),
        f"The upstream inputs, and one of the three is enough: {{only_at_a_larger_rate}} of {found.n} random dead neurons behind an upstream layer "
        f"with a second path are back within {BUDGET} steps at some larger rate and not at {found.rates[0]:g}; {{within}} are. The neuron's own weights and "
        "bias it cannot shift, as their gradient is 0 (derivation 12, part 2; momentum and decay apart): gradient descent at rates "
        f"up to {settings.RATES[-1]:g} moves w1, b1 and w2 of a dead neuron by {{isolated[largest_move_of_w1_b1_w2]:g}}.",
        {"isolated": alone, "back_within_the_budget": within, "only_at_a_larger_rate": crossed},
        within=as_text(within),
    )


def input_evolves(quick: bool) -> Finding:
    """Measure how far the interval of x moves while the neuron is dead."""
    network = settings.dead_networks(300 if quick else 3000)
    end = limit(network, UNIFORM)
    shift = np.abs(end.c - np.asarray(network.c))
    stretch = np.abs(np.sqrt(3.0) * np.abs(end.a) - np.sqrt(3.0) * np.abs(np.asarray(network.a)))
    time = revival_time(network, UNIFORM)
    cut = without_second_path(network)
    moved = count((shift > 0.0) | (stretch > 0.0))
    return finding(
        by_rule(open=cut, refuted=moved < time.size, conditional=True),
        "If a second path trains them. Then the input x, uniform on an interval, changes in {networks_in_which_x_changes} of {networks} random networks: it shifts "
        "by {median_shift:.3g} and widens or narrows by {median_change_of_half_width:.3g} (medians) by the end of the flow, and {share_back:.1%} of the dead neurons "
        "come back (derivation 18). If the dead neuron is the only way to the output, the gradient upstream is {gradient_without_a_second_path:g} and x stays as it is (part 1).{against}",
        {
            "networks": int(time.size),
            "networks_in_which_x_changes": moved,
            "median_shift": median(shift),
            "median_change_of_half_width": median(stretch),
            "share_back": share(np.isfinite(time)),
            "gradient_without_a_second_path": cut,
        },
        against=CONTRADICTED if cut else "",
    )


def small_minimal(quick: bool) -> Finding:
    """Measure the upstream layer's change at small rates, within a budget and in the end."""
    network = settings.dead_networks(100 if quick else 500)
    start = start_of(network)
    way = np.linalg.norm((np.stack(limit(network, UNIFORM)) - start)[:2], axis=0)

    def gone(now: np.ndarray) -> float:
        return median(np.linalg.norm((now - start)[:2], axis=0) / way)

    budget = {f"{rate:g}": gone(trained(start, rate, BUDGET)) for rate in (0.01, 0.001, SMALL)}
    at = (1.0, 5.0) if quick else (1.0, 5.0, 20.0)
    later = {f"{t:g}": gone(np.stack(path(network, UNIFORM, t))) for t in at}
    return finding(
        by_rule(refuted=budget[f"{SMALL:g}"] >= 0.1, conditional=later[f"{at[-1]:g}"] > 0.5),
        f"Within a given number of steps: after {BUDGET} steps the upstream layer has gone {{budget}} of the distance to its limit (medians of {{networks}} "
        "networks). In the end it is not: at a small rate it follows the flow, which has gone {later}, "
        f"for rate {SMALL:g} after {at[-1] / SMALL:.0f} steps.",
        {
            "networks": int(way.size),
            "share_of_the_distance_after_the_budget": budget,
            "share_under_the_flow": later,
        },
        budget=as_text(budget),
        later=each("{0:.0%} at t = {label}", later),
    )


def large_likely(quick: bool) -> Finding:
    """Compare the shares that come back at growing rates, within a budget and in the end."""
    found = settings.sweep(200 if quick else 3000, FOLLOWED)
    budget, settled = found.within, found.in_the_end
    against = compared(found)
    values = list(budget.values())
    follows = abs(next(iter(settled.values())) - found.ever) < 0.02
    return finding(
        by_rule(refuted=values[-1] <= values[0], conditional=follows),
        f"Within {BUDGET} steps it is: of {{networks}} random dead neurons {{budget}} are back. Left to settle (rate times steps = {HORIZON:g}) the rate matters "
        "only where it is large: {at_the_end}, and {under_the_flow:.1%} under the flow. Where the limit is stable at the rate, training gains and loses: {against}. {lost}.",
        {
            "networks": found.n,
            "within_the_budget": budget,
            "settled": settled,
            "under_the_flow": found.ever,
            "against_the_flow": against,
        },
        budget=as_text(budget),
        at_the_end=as_text(settled),
        against=each(
            "of {stable} at rate {label}, {gained} that the flow leaves dead, and {lost} lost of {by_flow}",
            against,
            "; ",
        ),
        lost="So a larger rate may also lose a neuron"
        if any(entry.lost for entry in against.values())
        else "None is lost in this sample",
    )


def compared(found: settings.Revivals) -> dict[str, Against]:
    """Compare each rate with the flow, over the networks whose limit is stable at that rate."""
    back = found.time < HORIZON
    return {
        f"{rate:g}": Against(
            *(count(stable & which) for which in (True, back, back & ~trained_back, ~back & trained_back))
        )
        for rate, stable, trained_back in zip(found.rates, found.stable.T, found.settled.T, strict=True)
    }


def trained(start: np.ndarray, rate: float, steps: int) -> np.ndarray:
    """Return a, c and d after so many steps of gradient descent with the neuron dead."""
    a, c, d = start
    for _ in range(steps):
        of_slope, of_level = d * a - UNIFORM.slope, d * c - UNIFORM.level
        a, c, d = (
            a - 2.0 * rate * d * of_slope,
            c - 2.0 * rate * d * of_level,
            d - 2.0 * rate * (a * of_slope + c * of_level),
        )
    return np.stack([a, c, d])
