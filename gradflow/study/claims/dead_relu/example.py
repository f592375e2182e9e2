"""The article's numerical example, z = 0.1 x − 0.5, run as it is written, and its own arithmetic."""

from __future__ import annotations

import math

import numpy as np

from gradflow.ends import bracket
from gradflow.ends.outcome import CONSTANT, GLOBAL
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
)
from gradflow.study.claims.ledger import Claim, Finding
from gradflow.theory.upstream import UNIFORM, revival_steps, revival_time

SETUP = "Seed: learning rate and dead ReLU, Example"
FIRST = "Seed: learning rate and dead ReLU, Example, case 1"
SECOND = "Seed: learning rate and dead ReLU, Example, case 2"
QUICK_STEPS = 2000


BATCH = 1_000_000
"""How many normal inputs are drawn."""


def is_dead(quick: bool) -> Finding:
    """Find the inputs for which the example is dead, and which common inputs these are."""
    w1, b1 = float(EXAMPLE.w1), float(EXAMPLE.b1)
    wall = -b1 / w1

    def reaches(hi: np.ndarray) -> np.ndarray:
        codes = [activity(EXAMPLE, Problem(inputs=Uniform(-1.0, float(end)))) for end in hi]
        return np.where(np.array(codes) == DEAD, CONSTANT, GLOBAL)

    tops = {
        "a unit interval": 1.0,
        "a uniform input of variance 1": math.sqrt(3.0),
        "8-bit pixels as they are": 255.0,
    }
    dead = {name: bool(reaches(np.array([top]))[0] == CONSTANT) for name, top in tops.items()}
    share = 0.5 * math.erfc(wall / math.sqrt(2.0))
    seen = 1.0 if share == 1.0 else -math.expm1(BATCH * math.log1p(-share))
    # "Effectively": not expected to be active on one of a large batch of standardised inputs.
    dead["standard normal inputs"] = BATCH * share < 1.0
    values: dict[str, object] = {
        "wall": wall,
        "dead_on": dead,
        "share_of_normal_inputs": share,
        "seen_in_a_million": seen,
    }
    some = any(dead.values()) and not all(dead.values())
    if some:
        found = bracket(reaches, (0.0, max(tops.values())), tol=1e-9, sections=50)
        values["bisected"] = found.value
        if abs(found.value - wall) >= 1e-8:
            return Finding("open", f"Bisection gives {found.value:.8f} for a wall at {wall:g}.", values)
    names = {
        state: ", ".join(name for name, is_so in dead.items() if is_so is state) for state in (True, False)
    }
    return Finding(
        "conditional" if some else "reproduced" if all(dead.values()) else "refuted",
        f"The neuron is dead iff no input exceeds {-b1:g}/{w1:g} = {wall:g}"
        + (f" (bisecting the end of an interval gives {values['bisected']:.8f})" if some else "")
        + f": dead on {names[True] or 'none of the inputs tried'}; not on {names[False] or '(none)'}. On inputs up to 1 the largest pre-activation is "
        f"{w1 * 1.0 + b1:g}. Of standard normal inputs a share of {share:.3g} activates it, and of {BATCH} at least one does with probability {seen:.3g}.",
        values,
    )


def case1_bias(quick: bool) -> Finding:
    """Run the example at the small rate and compare with the stated biases."""
    steps = QUICK_STEPS if quick else STEPS
    pull = np.asarray(gradient(EXAMPLE, settings.PROBLEM))
    end = settings.run_example(SMALL, steps)
    moved = float(end[1]) - float(EXAMPLE.b1)
    stated = settings.step_size(STATED_SMALL)
    needed = -stated[0] / SMALL
    return Finding(
        "refuted"
        if pull[1] == 0.0 and moved == 0.0
        else "reproduced"
        if math.isclose(moved, stated[0] * steps, rel_tol=0.1)
        else "open",
        f"The bias does {'not move at all' if moved == 0.0 else 'move'}: its gradient is {pull[1]:g}, and after {steps} steps of gradient descent at rate {SMALL:g} it is {end[1]:.4f} (b2, the only parameter "
        f"with a gradient, has gone from {float(EXAMPLE.b2):g} to {end[3]:.4f}). Steps of {stated[0]:g} would need a gradient of {needed:g}.",
        {
            "gradient": pull.tolist(),
            "bias_after": float(end[1]),
            "steps": steps,
            "published_step": stated[0],
            "gradient_that_it_needs": needed,
        },
    )


def case1_negligible(quick: bool) -> Finding:
    """Add up the article's own steps."""
    step = settings.step_size(STATED_SMALL)[0]
    shift = step * STEPS
    last, crossing = own_steps()
    top = float(settings.PROBLEM.hi)
    negligible = last + float(EXAMPLE.w1) * top <= 0.0
    return Finding(
        "reproduced" if negligible else "refuted",
        f"By the article's own steps of {step:g} the shift after {STEPS} steps is {shift:g}, {abs(shift / STATED_SMALL[0]):g} times the bias it starts from: the bias would be {last:+g}, and"
        + (
            f" the neuron would still be dead on inputs up to {top:g}."
            if negligible
            else f" on inputs up to {top:g} the neuron would be active from step {crossing} on."
        )
        + " With the true gradient, 0, there is no shift.",
        {
            "published_step": step,
            "steps": STEPS,
            "shift": shift,
            "bias_after": last,
            "active_from_step": crossing,
        },
    )


def case1_never(quick: bool) -> Finding:
    """Ask whether the neuron stays dead at the small rate: as it is run, and by the article's own steps."""
    steps = QUICK_STEPS if quick else STEPS
    rates = (SMALL, LARGE, 1.0)
    ends = {f"{rate:g}": settings.run_example(rate, steps) for rate in rates}
    dead = {rate: bool(activity(end, settings.PROBLEM) == DEAD) for rate, end in ends.items()}
    small = dead[f"{SMALL:g}"]
    last, crossing = own_steps()
    by_own = last + float(EXAMPLE.w1) * float(settings.PROBLEM.hi) <= 0.0
    others = [rate for rate in list(dead)[1:] if dead[rate]]
    return Finding(
        "reproduced" if small and by_own else "conditional" if small or by_own else "refuted",
        f"Run as written, the neuron {'stays dead' if small else 'comes back'} within {steps} steps at rate {SMALL:g}"
        + (
            f", not because the rate is small (at rates {', '.join(others) or '(none)'} it does so as well) but because its gradient is 0 (derivation 12, part 2)"
            if small
            else ""
        )
        + f". By the article's own steps, which suppose a gradient, its bias would be {last:+g} after {STEPS} steps, and on inputs up to {float(settings.PROBLEM.hi):g} it would "
        + ("still be dead." if by_own else f"be active from step {crossing} on."),
        {"dead_after": dead, "steps": steps, "by_its_own_steps": {"bias_after": last, "dead": by_own}},
    )


def own_steps() -> tuple[float, int]:
    """Return the bias after the article's own steps, and the first step after which the largest input is
    active."""
    step = settings.step_size(STATED_SMALL)[0]
    wall = -float(EXAMPLE.w1) * float(settings.PROBLEM.hi)
    return STATED_SMALL[0] + step * STEPS, math.floor((wall - STATED_SMALL[0]) / step + 1e-9) + 1


def case2_bias(quick: bool) -> Finding:
    """Compare the stated biases of the larger rate with the small rate's gradient, and with a run."""
    steps = QUICK_STEPS if quick else STEPS
    end = settings.run_example(LARGE, steps)
    small, large = settings.step_size(STATED_SMALL), settings.step_size(STATED_LARGE)
    magnitude = small[0] / SMALL
    expected = magnitude * LARGE
    implied = [step / LARGE for step in large]
    same = all(math.isclose(step, expected, rel_tol=0.05) for step in large)
    needed = math.ceil((STATED_LARGE[-1] - STATED_LARGE[0]) / expected - 1e-9)
    return Finding(
        "reproduced" if same and float(end[1]) != float(EXAMPLE.b1) else "refuted",
        f"The numbers contradict each other: a gradient that moves the bias by {small[0]:g} at rate {SMALL:g} has the magnitude {magnitude:g}, and moves it by {expected:g} at rate {LARGE:g}, not by "
        f"{', '.join(f'{step:g}' for step in large)}; those steps need gradients of {', '.join(f'{value:g}' for value in implied)}. At {expected:g} a step the bias would need {needed} steps "
        f"to {STATED_LARGE[-1]:+g}, not {len(large)}. Run as written the bias is {end[1]:.2f} after {steps} steps: its gradient is 0 at every rate.",
        {
            "published_steps": large,
            "step_with_the_same_gradient": expected,
            "gradients_they_need": implied,
            "steps_needed": needed,
            "bias_after": float(end[1]),
        },
    )


def case2_threshold(quick: bool) -> Finding:
    """Find the bias from which some input activates the neuron."""
    ends = (1.0, 2.0, 5.0)
    found = {}
    for hi in ends:
        problem = Problem(inputs=Uniform(-1.0, hi))

        def alive(b1: np.ndarray, problem: Problem = problem) -> np.ndarray:
            return np.where(activity(Neuron(EXAMPLE.w1, b1), problem) == DEAD, CONSTANT, GLOBAL)

        found[f"{hi:g}"] = bracket(alive, (-2.0, 2.0), tol=1e-10, sections=50).value
    fits = [hi for hi, value in found.items() if abs(value - STATED_THRESHOLD) < 1e-8]
    needs = -STATED_THRESHOLD / float(EXAMPLE.w1)
    return Finding(
        "reproduced" if len(fits) == len(ends) else "conditional" if fits else "refuted",
        f"At a bias of {STATED_THRESHOLD:g} the inputs that activate the neuron are those above {needs:g}. The threshold is {-float(EXAMPLE.w1):g} times the largest input: "
        + ", ".join(f"{value:.4f} for inputs up to {hi}" for hi, value in found.items())
        + (
            f". So the sentence supposes inputs up to {' or '.join(fits)}, which the article does not say."
            if fits
            else "."
        ),
        {"thresholds": found, "published_threshold": STATED_THRESHOLD, "input_needed": needs},
    )


def case2_resumes(quick: bool) -> Finding:
    """Start from the stated end of case 2 with random w2 and b2: is there a gradient, and where does the
    flow go."""
    n = 60 if quick else 400
    rng = np.random.default_rng(0)
    w2, b2 = rng.normal(size=(2, n))
    start = np.stack([np.full(n, float(EXAMPLE.w1)), np.full(n, STATED_LARGE[-1]), w2, b2])
    alive = activity(start, settings.PROBLEM) != DEAD
    pull = np.abs(gradient(start, settings.PROBLEM))
    learns = int(np.sum(alive & np.all(pull[:3] > 0.0, axis=0)))
    run = integrate_ensemble(start, settings.PROBLEM, 20.0, rtol=1e-6)
    ends = [ACTIVITIES[int(code)] for code in np.asarray(activity(run.final, settings.PROBLEM))]
    still = ends.count("balanced") + ends.count("hyperactive")
    lighter = float(EXAMPLE.w1) ** 2 + STATED_LARGE[-1] ** 2 < w2**2
    gone = np.array([end == "dead" for end in ends])
    # Of the same starts, which have moved to within rounding of the dead set again.
    z = np.max(run.final[0] * np.array([[settings.PROBLEM.lo], [settings.PROBLEM.hi]]) + run.final[1], axis=0)
    faded = int(np.sum((z <= 1e-3) & ~gone))
    return Finding(
        "open"
        if np.any(gone & ~lighter)
        else "refuted"
        if learns == 0
        else "reproduced"
        if learns == n and still == n and not faded
        else "conditional",
        f"With w1 = {float(EXAMPLE.w1):g}, the stated bias {STATED_LARGE[-1]:g} and {n} random w2 and b2, the neuron is active on some inputs in {int(np.sum(alive))} cases, and w1, b1 and w2 have a gradient in {learns}. "
        f"Under the gradient flow {still} are active at t = 20 and {ends.count('dead')} dead again, {int(np.sum(gone & lighter))} of these with w1^2 + b1^2 < w2^2 at the start, the only ones that the flow can kill (derivation 10); {faded} of the active only just, with a largest pre-activation below 0.001. What the article does not say is how the bias would get there.",
        {
            "starts": n,
            "with_gradient": learns,
            "ends": {name: ends.count(name) for name in ACTIVITIES},
            "nearly_dead": faded,
        },
    )


def demonstrates(quick: bool) -> Finding:
    """Ask whether the rate controls how quickly the neuron leaves: in the example, and behind an upstream
    layer."""
    rates = (0.05, 0.02, 0.01) if quick else (0.02, 0.01, 0.005, 0.002)
    moved = {
        f"{rate:g}": float(settings.run_example(rate, 200)[1]) - float(EXAMPLE.b1) for rate in (SMALL, LARGE)
    }
    network = settings.dead_networks(100 if quick else 500)
    time = revival_time(network, UNIFORM)
    soon = (time > 0.5) & (time < 5.0)
    network = type(network)(*(np.asarray(value)[soon] for value in network))
    apart = {}
    for rate in rates:
        steps = revival_steps(network, UNIFORM, rate, round(8.0 / rate))
        back = steps > 0
        apart[f"{rate:g}"] = (
            float(np.median(np.abs(rate * steps[back] / time[soon][back] - 1.0))) if back.any() else 1.0
        )
    scales = list(apart.values())[-1] < 0.05
    leaves = any(value != 0.0 for value in moved.values())
    return Finding(
        "reproduced" if leaves and scales else "conditional" if scales else "refuted",
        f"The example does not demonstrate it: its bias moves by {', '.join(f'{value:g} at rate {rate}' for rate, value in moved.items())}. The sentence holds where an upstream layer brings the neuron back: the "
        f"number of steps is the flow's time over the rate (derivation 18, part 5). For {int(np.sum(soon))} networks that the flow brings back at 0.5 < t < 5, steps times rate differs from that time by "
        + ", ".join(f"{value:.2%} at rate {rate}" for rate, value in apart.items())
        + " in the median.",
        {"example_moves": moved, "networks": int(np.sum(soon)), "median_relative_difference": apart},
    )


CLAIMS = (
    Claim(
        "dead.example-dead",
        SETUP,
        "With z = 0.1x - 0.5, initially z < 0 for all reasonable inputs x: the neuron is effectively dead.",
        is_dead,
    ),
    Claim("dead.case1-bias", FIRST, "At rate 0.0001 the bias goes -0.5000, -0.4999, -0.4998.", case1_bias),
    Claim(
        "dead.case1-negligible", FIRST, "Even after 10,000 steps, the shift is negligible.", case1_negligible
    ),
    Claim("dead.case1-never", FIRST, "z remains negative; the neuron never activates.", case1_never),
    Claim(
        "dead.case2-bias",
        SECOND,
        "At rate 0.01 the same gradient magnitude produces much larger updates: -0.50, -0.30, -0.10, 0.05.",
        case2_bias,
    ),
    Claim(
        "dead.case2-threshold",
        SECOND,
        "Once the bias crosses -0.1, some values of x produce z > 0.",
        case2_threshold,
    ),
    Claim(
        "dead.case2-resumes",
        SECOND,
        "The ReLU activates, the gradient is no longer zero, the neuron resumes learning.",
        case2_resumes,
    ),
    Claim(
        "dead.demonstrates",
        SECOND,
        "The learning rate controls how quickly a ReLU neuron can move out of the negative region and re-enter active gradient flow.",
        demonstrates,
    ),
)
