"""The article's numerical example, z = 0.1 x − 0.5, run as it is written, and its own arithmetic."""

from __future__ import annotations

import math

import numpy as np

from gradflow.ends import bracket
from gradflow.ends.outcome import CONSTANT
from gradflow.field import gradient
from gradflow.flow.ensemble import integrate_ensemble
from gradflow.neuron.activity import ACTIVITIES, DEAD, activity
from gradflow.neuron.problem import Neuron, Problem, Uniform
from gradflow.study.claims.dead_relu import settings
from gradflow.study.claims.dead_relu.settings import (
    EXAMPLE,
    LARGE,
    SMALL,
    STATED_LARGE,
    STATED_SMALL,
    STATED_THRESHOLD,
    STEPS,
    some_of,
)
from gradflow.study.claims.evidence import by_name, count, median
from gradflow.study.claims.ledger import Finding, by_rule
from gradflow.study.claims.single_neuron.settings import dead_or_not
from gradflow.study.claims.words import each, finding
from gradflow.theory.upstream import UNIFORM, revival_steps, revival_time

TOP = float(settings.PROBLEM.hi)
"""The largest input."""

BATCH = 1_000_000
"""How many normal inputs are drawn."""

TOPS = {
    "a unit interval": 1.0,
    "a uniform input of variance 1": math.sqrt(3.0),
    "8-bit pixels as they are": 255.0,
}
"""The largest inputs of some common inputs."""


def _steps(quick: bool) -> int:
    return 2000 if quick else STEPS


def is_dead(quick: bool) -> Finding:
    """Find the inputs for which the example is dead, and which common inputs these are."""
    w1, b1 = float(EXAMPLE.w1), float(EXAMPLE.b1)
    wall = -b1 / w1

    def reaches(hi: np.ndarray) -> np.ndarray:
        codes = [activity(EXAMPLE, Problem(inputs=Uniform(-1.0, float(end)))) for end in hi]
        return dead_or_not(np.array(codes) == DEAD)

    dead = {name: bool(reaches(np.array([top]))[0] == CONSTANT) for name, top in TOPS.items()}
    share = 0.5 * math.erfc(wall / math.sqrt(2.0))
    # "Effectively": not expected to be active on one of a large batch of standardised inputs.
    dead["standard normal inputs"] = BATCH * share < 1.0
    values: dict[str, object] = {
        "wall": wall,
        "dead_on": dead,
        "share_of_normal_inputs": share,
        "seen_in_a_million": 1.0 if share == 1.0 else -math.expm1(BATCH * math.log1p(-share)),
    }
    some = any(dead.values()) and not all(dead.values())
    if some:
        found = bracket(reaches, (0.0, max(TOPS.values())), tol=1e-9, sections=50).value
        values["bisected"] = found
        if abs(found - wall) >= 1e-8:
            return Finding("open", f"Bisection gives {found:.8f} for a wall at {wall:g}.", values)
    return finding(
        by_rule(conditional=some, refuted=not any(dead.values())),
        f"The neuron is dead iff no input exceeds {-b1:g}/{w1:g} = {{wall:g}}{{bisection}}: dead on {{on}}; not on {{off}}. On inputs up to 1 the largest "
        f"pre-activation is {w1 + b1:g}. Of standard normal inputs a share of {{share_of_normal_inputs:.3g}} activates it, and of {BATCH} at least one does with probability "
        "{seen_in_a_million:.3g}.",
        values,
        bisection=f" (bisecting the end of an interval gives {found:.8f})" if some else "",
        on=each("{0}", [name for name, is_so in dead.items() if is_so], none="none of the inputs tried"),
        off=each("{0}", [name for name, is_so in dead.items() if not is_so]),
    )


def case1_bias(quick: bool) -> Finding:
    """Run the example at the small rate and compare with the stated biases."""
    b1 = float(EXAMPLE.b1)
    step = settings.step_size(STATED_SMALL)[0]
    steps = _steps(quick)
    pull = np.asarray(gradient(EXAMPLE, settings.PROBLEM))
    end = settings.run_example(SMALL, steps)
    moved = float(end[1]) - b1
    return finding(
        by_rule(
            refuted=pull[1] == moved == 0.0,
            reproduced=math.isclose(moved, step * steps, rel_tol=0.1),
            open=True,
        ),
        f"The bias does {{move}}: its gradient is {pull[1]:g}, and after {{steps}} steps of gradient descent at rate {SMALL:g} it is {{bias_after:.4f}} (b2, the only parameter "
        f"with a gradient, has gone from {float(EXAMPLE.b2):g} to {end[3]:.4f}). Steps of {{published_step:g}} would need a gradient of {{gradient_that_it_needs:g}}.",
        {
            "gradient": pull,
            "bias_after": float(end[1]),
            "steps": steps,
            "published_step": step,
            "gradient_that_it_needs": -step / SMALL,
        },
        move="move" if moved else "not move at all",
    )


def own_steps() -> tuple[float, int, bool, str]:
    """Return the bias after the article's own steps, the first step after which the largest input is active,
    whether the neuron is still dead in the end, and that in words."""
    w1 = float(EXAMPLE.w1)
    step = settings.step_size(STATED_SMALL)[0]
    last = STATED_SMALL[0] + step * STEPS
    crossing = math.floor((-w1 * TOP - STATED_SMALL[0]) / step + 1e-9) + 1
    dead = last + w1 * TOP <= 0.0
    return last, crossing, dead, "still be dead" if dead else f"be active from step {crossing} on"


def case1_negligible(quick: bool) -> Finding:
    """Add up the article's own steps."""
    step = settings.step_size(STATED_SMALL)[0]
    last, crossing, dead, end = own_steps()
    return finding(
        by_rule(refuted=not dead),
        f"By the article's own steps of {{published_step:g}} the shift after {{steps}} steps is {{shift:g}}, {abs(step * STEPS / STATED_SMALL[0]):g} times the bias it starts from: the bias "
        f"would be {{bias_after:+g}}, and on inputs up to {TOP:g} the neuron would {end}. With the true gradient, 0, there is no shift.",
        {
            "published_step": step,
            "steps": STEPS,
            "shift": step * STEPS,
            "bias_after": last,
            "active_from_step": crossing,
        },
    )


def case1_never(quick: bool) -> Finding:
    """Ask whether the neuron stays dead at the small rate: as it is run, and by the article's own steps."""
    steps = _steps(quick)
    ends = {f"{rate:g}": settings.run_example(rate, steps) for rate in (SMALL, LARGE, 1.0)}
    dead = {rate: bool(activity(end, settings.PROBLEM) == DEAD) for rate, end in ends.items()}
    small, *others = dead
    last, _, by_own, end = own_steps()
    return finding(
        by_rule(refuted=not (dead[small] or by_own), conditional=not (dead[small] and by_own)),
        f"Run as written, the neuron {{stays}} within {{steps}} steps at rate {SMALL:g}{{why}}. By the article's own steps, which suppose a gradient, its bias would be {last:+g} after "
        f"{STEPS} steps, and on inputs up to {TOP:g} it would {end}.",
        {"dead_after": dead, "steps": steps, "by_its_own_steps": {"bias_after": last, "dead": by_own}},
        stays="stays dead" if dead[small] else "comes back",
        why=f", not because the rate is small (at rates {each('{0}', [rate for rate in others if dead[rate]])} it does so as well) but because its gradient is 0 (derivation 12, part 2)"
        if dead[small]
        else "",
    )


def case2_bias(quick: bool) -> Finding:
    """Compare the stated biases of the larger rate with the small rate's gradient, and with a run."""
    b1 = float(EXAMPLE.b1)
    step = settings.step_size(STATED_SMALL)[0]
    steps = _steps(quick)
    end = float(settings.run_example(LARGE, steps)[1])
    large = settings.step_size(STATED_LARGE)
    magnitude = step / SMALL
    expected = magnitude * LARGE
    implied = [step / LARGE for step in large]
    same = all(math.isclose(step, expected, rel_tol=0.05) for step in large)
    return finding(
        by_rule(refuted=not (same and end != b1)),
        f"The numbers contradict each other: a gradient that moves the bias by {step:g} at rate {SMALL:g} has the magnitude {magnitude:g}, and moves it by {{step_with_the_same_gradient:g}} at rate {LARGE:g}, "
        "not by {large}; those steps need gradients of {implied}. At {step_with_the_same_gradient:g} a step the bias would need {steps_needed} steps to "
        f"{STATED_LARGE[-1]:+g}, not {len(large)}. Run as written the bias is {{bias_after:.2f}} after {steps} steps: its gradient is 0 at every rate.",
        {
            "published_steps": large,
            "step_with_the_same_gradient": expected,
            "gradients_they_need": implied,
            "steps_needed": math.ceil((STATED_LARGE[-1] - STATED_LARGE[0]) / expected - 1e-9),
            "bias_after": end,
        },
        large=each("{0:g}", large),
        implied=each("{0:g}", implied),
    )


def case2_threshold(quick: bool) -> Finding:
    """Find the bias from which some input activates the neuron."""
    w1 = float(EXAMPLE.w1)
    found = {}
    for hi in (1.0, 2.0, 5.0):
        problem = Problem(inputs=Uniform(-1.0, hi))

        def alive(b1: np.ndarray, problem: Problem = problem) -> np.ndarray:
            return dead_or_not(activity(Neuron(EXAMPLE.w1, b1), problem) == DEAD)

        found[f"{hi:g}"] = bracket(alive, (-2.0, 2.0), tol=1e-10, sections=50).value
    fits = [hi for hi, value in found.items() if abs(value - STATED_THRESHOLD) < 1e-8]
    return finding(
        by_rule(refuted=not fits, conditional=len(fits) < len(found)),
        f"At a bias of {STATED_THRESHOLD:g} the inputs that activate the neuron are those above {{input_needed:g}}. The threshold is {-w1:g} times the largest input: {{found}}.{{supposes}}",
        {
            "thresholds": found,
            "published_threshold": STATED_THRESHOLD,
            "input_needed": -STATED_THRESHOLD / w1,
        },
        found=each("{0:.4f} for inputs up to {label}", found),
        supposes=f" So the sentence supposes inputs up to {' or '.join(fits)}, which the article does not say."
        if fits
        else "",
    )


def case2_resumes(quick: bool) -> Finding:
    """Start from the stated end of case 2 with random w2 and b2: is there a gradient, and where does the
    flow go."""
    w1 = float(EXAMPLE.w1)
    n = 60 if quick else 400
    w2, b2 = np.random.default_rng(0).normal(size=(2, n))
    start = np.stack([np.full(n, w1), np.full(n, STATED_LARGE[-1]), w2, b2])
    alive = activity(start, settings.PROBLEM) != DEAD
    learns = count(alive & np.all(np.abs(gradient(start, settings.PROBLEM))[:3] > 0.0, axis=0))
    end = integrate_ensemble(start, settings.PROBLEM, 20.0, rtol=1e-6).final
    codes = np.asarray(activity(end, settings.PROBLEM))
    ends = by_name(codes, ACTIVITIES)
    still, gone = n - ends["dead"], codes == DEAD
    lighter = w1**2 + STATED_LARGE[-1] ** 2 < w2**2
    # Of the same starts, which have moved to within rounding of the dead set again.
    z = np.max(end[0] * np.array([[settings.PROBLEM.lo], [settings.PROBLEM.hi]]) + end[1], axis=0)
    faded = count((z <= 1e-3) & ~gone)
    return finding(
        by_rule(
            open=np.any(gone & ~lighter),
            refuted=not learns,
            reproduced=learns == still == n and not faded,
            conditional=True,
        ),
        f"With w1 = {w1:g}, the stated bias {STATED_LARGE[-1]:g} and {{starts}} random w2 and b2, the neuron is active on some inputs in {count(alive)} cases, and w1, b1 and w2 have a gradient in {{with_gradient}}. "
        f"Under the gradient flow {still} are active at t = 20 and {{ends[dead]}} dead again, {count(gone & lighter)} of these with w1^2 + b1^2 < w2^2 at the start, the only ones that the flow can kill (derivation 10); "
        "{nearly_dead} of the active only just, with a largest pre-activation below 0.001. What the article does not say is how the bias would get there.",
        {"starts": n, "with_gradient": learns, "ends": ends, "nearly_dead": faded},
    )


def demonstrates(quick: bool) -> Finding:
    """Ask whether the rate controls how quickly the neuron leaves: in the example, and behind an upstream
    layer."""
    b1 = float(EXAMPLE.b1)
    moved = {f"{rate:g}": float(settings.run_example(rate, 200)[1]) - b1 for rate in (SMALL, LARGE)}
    network = settings.dead_networks(100 if quick else 500)
    time = revival_time(network, UNIFORM)
    soon = (time > 0.5) & (time < 5.0)
    apart = {}
    for rate in (0.05, 0.02, 0.01) if quick else (0.02, 0.01, 0.005, 0.002):
        steps = revival_steps(some_of(network, soon), UNIFORM, rate, round(8.0 / rate))
        back = steps > 0
        apart[f"{rate:g}"] = (
            median(np.abs(rate * steps[back] / time[soon][back] - 1.0)) if back.any() else 1.0
        )
    scales = list(apart.values())[-1] < 0.05
    return finding(
        by_rule(refuted=not scales, conditional=not any(moved.values())),
        "The example does not demonstrate it: its bias moves by {moved}. The sentence holds where an upstream layer brings the neuron back: the number of steps is the flow's time over the rate (derivation 18, "
        "part 5). For {networks} networks that the flow brings back at 0.5 < t < 5, steps times rate differs from that time by {apart} in the median.",
        {"example_moves": moved, "networks": count(soon), "median_relative_difference": apart},
        moved=each("{0:g} at rate {label}", moved),
        apart=each("{0:.2%} at rate {label}", apart),
    )
