"""Adam after the end: a neuron on the best line is carried along it and back to the input (derivation 28).

The post's takeaway: "once a neuron leaves the balanced state, it is very hard to return". Under gradient
descent a trapped neuron never does (derivation 26); Adam rests nowhere while ε is small. Three claims: one
start and its drift, how many of many starts are left, and what other methods do. Their long runs are work
(`gradflow.study.claims.shared`), which the figure needs too.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from gradflow.descent import GD, Adam, HeavyBall, RMSProp, train_arrays, update
from gradflow.ends.outcome import CONSTANT, GLOBAL, LINEAR, OUTCOMES, outcome
from gradflow.field import gradient
from gradflow.field.baselines import lines
from gradflow.neuron.activity import breakpoint_position
from gradflow.neuron.problem import Neuron, Problem, grid
from gradflow.study.claims.evidence import count, median
from gradflow.study.claims.ledger import Finding, by_rule
from gradflow.study.claims.shared import Work, done, remembered
from gradflow.study.claims.single_neuron.settings import POPULATION
from gradflow.study.claims.words import each, finding
from gradflow.theory.after_the_end import drift, escape_steps
from gradflow.theory.hyperactive import trapped_under_gd

START, RATE, LONG = Neuron(1.0, 0.0, 1.0, -1.18), 0.01, 40_000
"""The start, Adam's rate and the steps of the one run that is looked at closely."""

EARLIER: dict[str, Any] = {
    "breakpoint": {"8000": -1.0270, "12000": -1.0187, "16000": -1.0030},
    "at_the_input": 16_671,
    "excess_at_1000": 7e-18,
    "period": 540,
    "loss_at_17000": 1e-33,
    "peaks_at_the_teacher": 1e-5,
    "breakpoint_on_2001_inputs": {"10000": -1.0276, "12500": -1.0172, "15000": -1.0067},
    "teacher_on_2001_inputs_by": 17_500,
    "linear_at_rate_0.01": {"5000": 200, "20000": 197, "100000": 192, "400000": 161},
    "linear_at_rate_0.1_of_256": {"5000": 72, "20000": 48},
    "of_61_linear_after_200000": 0,
}
"""The same from gradients that were rounded otherwise (an earlier version of the formulas), and, on 2001 inputs,
from PyTorch's Adam and its gradients."""

RATES, N, STEPS = (0.01, 0.03, 0.1), 512, (5000, 20_000, 100_000, 400_000, 1_000_000)
"""The rates of the table of survival, how many starts, and when they are counted for it."""

COUNTED = tuple(
    sorted({*STEPS, *(5000 * round(k) for k in np.geomspace(1.0, STEPS[-1] / 5000, 40).tolist())})
)
"""When they are counted in all: for the figure too."""

B2 = (-1.30, -1.18)
"""Starts with w1 = w2 = 1, b1 = 0 and b2 in between come to the best line under Adam."""

WHILE = 5000
"""Steps after which they are there, and go on under another method."""

NOISE = 1e-16
"""The size of the errors that are added to gradients, so that none is 0 by rounding."""


class Dynamics(NamedTuple):
    """A method that goes on from Adam's best lines."""

    config: Any
    problem: Problem = POPULATION
    dtype: str = "float64"


SAMPLE = Problem(inputs=grid(2001))

METHODS = {
    "Adam": Dynamics(Adam(RATE)),
    "Adam with β2 = 0.99": Dynamics(Adam(RATE, beta2=0.99)),
    "Adam in single precision": Dynamics(Adam(RATE), dtype="float32"),
    "Adam on 2001 inputs": Dynamics(Adam(RATE), SAMPLE),
    "RMSProp at rate 0.001": Dynamics(RMSProp(0.001)),
    "AMSGrad": Dynamics(Adam(RATE, amsgrad=True)),
    "Adam with ε = 0.01": Dynamics(Adam(RATE, eps=1e-2)),
    "gradient descent": Dynamics(GD(RATE)),
    "heavy ball": Dynamics(HeavyBall(RATE)),
}

HELD = ("Adam with ε = 0.01", "gradient descent", "heavy ball")
"""Those of which derivations 16 and 28 find the best lines linearly stable at these rates."""


class Effort(NamedTuple):
    """How far the runs go: of random starts, of those on the best line, of those with shaken gradients."""

    starts: int
    longest: int
    few: int
    steps: int
    shaken: int
    rate: float


FULL, QUICK = Effort(N, STEPS[-1], 61, 200_000, 40_000, 0.02), Effort(64, 20_000, 7, 12_000, 10_000, 0.1)


def effort(quick: bool) -> Effort:
    """Return how far the runs of a check go."""
    return QUICK if quick else FULL


class Course(NamedTuple):
    """The run from `START`: steps, excess over the best line's loss, breakpoint, states, loss."""

    steps: np.ndarray
    excess: np.ndarray
    breakpoint: np.ndarray
    theta: np.ndarray
    loss: np.ndarray


class Escape(NamedTuple):
    """Steps of neurons with shaken gradients: to the first move and to the input (−1: not), and predicted."""

    first: np.ndarray
    arrived: np.ndarray
    predicted: np.ndarray


@remembered
def course() -> Course:
    """Train one neuron for `LONG` steps."""
    run = train_arrays(START, POPULATION, Adam(RATE), LONG, record_every=1, events=False, backend="numba")
    theta = np.moveaxis(np.asarray(run.theta), 1, 0)
    level, value = float(lines(POPULATION).line_loss.value), np.asarray(run.loss)
    return Course(np.asarray(run.steps), value - level, breakpoint_position(theta), theta, value)


def on_inputs() -> dict[str, Any]:
    """Train the same neuron on 2001 inputs: its breakpoint at some steps, and whether it learns in the end."""
    run = train_arrays(
        START, SAMPLE, Adam(RATE), EARLIER["teacher_on_2001_inputs_by"], record_every=2500, events=False
    )
    steps, at = np.asarray(run.steps).tolist(), breakpoint_position(np.moveaxis(np.asarray(run.theta), 1, 0))
    return {
        "breakpoint": {str(k): float(at[steps.index(int(k))]) for k in EARLIER["breakpoint_on_2001_inputs"]},
        "loss_at_the_last": float(np.asarray(run.loss)[-1]),
    }


def survivals(n: int, longest: int) -> dict[float, Work]:
    """Return the work of `survival` for each rate."""
    return {rate: Work(f"after the end: rate {rate:g}", survival, (rate, n, longest)) for rate in RATES}


def survival(rate: float, n: int, longest: int) -> dict[str, dict[str, int]]:
    """Return how many of n random starts have which outcome, by the step of `COUNTED`, as far as `longest`."""
    draw = np.random.default_rng(0)
    start = Neuron(1.0, draw.uniform(-2.5, 2.5, n), 1.0, draw.uniform(-3.0, 3.0, n))
    run = train_arrays(
        start, POPULATION, Adam(rate), longest, record_every=WHILE, events=False, backend="numba"
    )
    found = {}
    for step, theta in zip(np.asarray(run.steps).tolist(), run.theta, strict=True):
        if step in COUNTED:
            codes = np.asarray(outcome(theta, POPULATION, run.diverged))
            found[str(step)] = {OUTCOMES[code]: count(codes == code) for code in (GLOBAL, LINEAR, CONSTANT)}
    return found


def drifting(theta: np.ndarray, steps: np.ndarray, rate: float = RATE) -> np.ndarray:
    """Return the breakpoint after so many steps of the drift, from step 0 on."""
    found, now = [], theta
    for begin, end in pairwise(steps):
        found.append(float(breakpoint_position(now)))
        # The midpoint rule, in steps that are short beside the whole way.
        half = now + 0.5 * (end - begin) * drift(now, POPULATION, rate)
        now = now + (end - begin) * drift(half, POPULATION, rate)
    return np.array([*found, float(breakpoint_position(now))])


@remembered
def on_the_line(n: int) -> np.ndarray:
    """Return where Adam has brought n starts after `WHILE` steps, shape (4, n)."""
    start = Neuron(1.0, 0.0, 1.0, np.linspace(*B2, n))
    return np.asarray(train_arrays(start, POPULATION, Adam(RATE), WHILE, events=False).final)


def departures(n: int, steps: int) -> dict[str, Work]:
    """Return the work of `left` for each method."""
    return {name: Work(f"after the end: {name}", left, (name, n, steps)) for name in METHODS}


def left(name: str, n: int, steps: int) -> int:
    """Return how many of the neurons on the best line a method of `METHODS` takes off it."""
    method = METHODS[name]
    run = train_arrays(on_the_line(n), method.problem, method.config, steps, events=False, dtype=method.dtype)
    return count(np.asarray(outcome(run.final, method.problem, run.diverged)) != LINEAR)


def escape_work(n: int, steps: int, rate: float) -> Work:
    """Return the work of `escape`."""
    return Work("after the end: shaken", shaken, (n, steps, rate))


def shaken(n: int, steps: int, rate: float) -> list[list[float]]:
    """Go on with Adam from the best line at another rate, with errors of the size `NOISE` in the gradients.

    Adam keeps its state: one that begins anew has no memory of squares, and its first burst comes at once.
    Returns the fields of `Escape`, as lists.
    """
    start = Neuron(1.0, 0.0, 1.0, np.linspace(*B2, n))
    there = train_arrays(start, POPULATION, Adam(RATE), WHILE, events=False, state=True)
    begin, state = np.asarray(there.final), there.state
    theta, config, draw = begin, Adam(rate), np.random.default_rng(0)
    first, arrived = (np.full(n, -1) for _ in range(2))
    for k in range(1, steps + 1):
        pull = gradient(theta, POPULATION) + NOISE * draw.standard_normal(theta.shape)
        theta, state = update(config, pull, state, theta)
        first[(first < 0) & (np.max(np.abs(theta - begin), axis=0) > 1e-4)] = k
        arrived[(arrived < 0) & (np.abs(breakpoint_position(theta)) < 1.0)] = k
        if np.all(arrived > 0):
            break
    return [first.tolist(), arrived.tolist(), escape_steps(begin, POPULATION, rate).tolist()]


def escape(n: int, steps: int, rate: float) -> Escape:
    """Return what `shaken` has found."""
    return Escape(*(np.array(part) for part in done(escape_work(n, steps, rate))))


def ways(run: Escape) -> tuple[np.ndarray, np.ndarray]:
    """Return steps from the first move to the input, predicted and measured, of those that came there."""
    there = run.arrived > 0
    return run.predicted[there], (run.arrived - run.first)[there]


def needs_one(quick: bool) -> tuple[Work, ...]:
    """Return the work of `after_the_end`."""
    far = effort(quick)
    return (escape_work(far.few, far.shaken, far.rate),)


def needs_many(quick: bool) -> tuple[Work, ...]:
    """Return the work of `who_is_left`."""
    return tuple(survivals(effort(quick).starts, effort(quick).longest).values())


def needs_methods(quick: bool) -> tuple[Work, ...]:
    """Return the work of `methods_after_the_end`."""
    return tuple(departures(effort(quick).few, effort(quick).steps).values())


def after_the_end(quick: bool) -> Finding:
    """Follow one start closely, and compare the drift with neurons whose gradients are shaken."""
    far = effort(quick)
    alone, run = one(course()), escape(far.few, far.shaken, far.rate)
    predicted, measured = ways(run)
    shaken_ = {
        "rate": far.rate,
        "n": far.few,
        "arrived": int(predicted.size),
        "median_ratio": median(measured / predicted) if predicted.size else None,
    }
    proved = count(trapped_under_gd(on_the_line(far.few), RATE, POPULATION))
    sampled = on_inputs()
    leaves = alone["teacher"] and predicted.size > 0
    return finding(
        by_rule(open=not leaves, conditional=leaves),
        "It depends on the method. Under gradient descent at rate {rate:g} {trapped_under_gd} of {of} neurons on the best line are trapped by derivation 26. Adam rests at no minimum while ε < η λ/38 (derivation 28): from b2 = {b2:g} it is on the best line at step 1000 (excess {one_start[excess_at_1000]:.0e}), "
        "the first burst comes at step {one_start[first_burst]}, later ones {one_start[period]:.0f} steps apart, the breakpoint is at {one_start[breakpoint_at_8000]:.4f}, {one_start[breakpoint_at_12000]:.4f} and {one_start[breakpoint_at_16000]:.4f} after 8 000, 12 000 and 16 000 steps and on the input from step "
        "{one_start[at_the_input]} on (the drift predicts {one_start[predicted]:.0f} steps from the first burst, it took {one_start[took]}), and then the neuron goes to the teacher: the loss is {one_start[loss_at_17000]:.0e} at step 17 000, and bursts there take it to {one_start[peaks_at_the_teacher]:.0e} at most, which kills none. On 2001 inputs the breakpoint is at {on_inputs} after {sampled_at} steps, and the loss is {last:.0e} after {sampled_by} (PyTorch: {before}). Where the gradient is computed as exactly 0 a neuron stays; with errors of {noise:g} added, at rate {shaken[rate]:g}, {shaken[arrived]} of {of} come to the input, "
        "in {told} times the predicted number of steps (median).",
        {
            "one_start": alone,
            "of": far.few,
            "trapped_under_gd": proved,
            "shaken": shaken_,
            "on_2001_inputs": sampled,
            "earlier": {
                name: value for name, value in EARLIER.items() if not name.startswith(("linear", "of_"))
            },
        },
        on_inputs=each("{0:.4f}", list(sampled["breakpoint"].values())),
        sampled_at=each("{0}", list(sampled["breakpoint"])),
        last=sampled["loss_at_the_last"],
        sampled_by=EARLIER["teacher_on_2001_inputs_by"],
        before=each("{0:.4f}", list(EARLIER["breakpoint_on_2001_inputs"].values())),
        rate=RATE,
        b2=float(START.b2),
        noise=NOISE,
        told=f"{shaken_['median_ratio']:.2f}" if predicted.size else "no",
    )


def who_is_left(quick: bool) -> Finding:
    """Count the random starts that are on the best line, step by step, at several rates."""
    far = effort(quick)
    found = {rate: done(work) for rate, work in survivals(far.starts, far.longest).items()}
    table = {
        f"{rate:g}": {str(step): rows[str(step)] for step in STEPS if str(step) in rows}
        for rate, rows in found.items()
    }
    dead = sum(len({counts["constant"] for counts in rows.values()}) - 1 for rows in table.values())
    linear = {rate: {step: row["linear"] for step, row in rows.items()} for rate, rows in table.items()}
    left_it = [next(iter(counts.values())) > list(counts.values())[-1] for counts in linear.values()]
    return finding(
        by_rule(refuted=any(left_it), open=True),
        "{told}. Of {starts} random starts (b1 in [−2.5, 2.5], b2 in [−3, 3], w1 = w2 = 1) so many are linear: {table}; {dead}. An outcome under Adam is where a neuron is at a step.",
        {
            "linear": linear,
            "starts": far.starts,
            "changes_of_the_dead": dead,
            "earlier": {name: value for name, value in EARLIER.items() if name.startswith("linear")},
        },
        told="It does not stay" if any(left_it) else "None is seen to leave",
        dead="the number of the dead changes" if dead else "the dead are as many at all these steps",
        table=each(
            "{rows} at rate {label}",
            {rate: {"rows": each("{0} at step {label}", rows)} for rate, rows in linear.items()},
            "; ",
        ),
    )


def methods_after_the_end(quick: bool) -> Finding:
    """Go on from the best line with several methods, some of which hold it by a theorem."""
    far = effort(quick)
    by = {name: done(work) for name, work in departures(far.few, far.steps).items()}
    held, free = (sum(by[name] for name in by if (name in HELD) == is_held) for is_held in (True, False))
    return finding(
        by_rule(refuted=held > 0, open=not free, conditional=True),
        "It depends on the method. Of {of} neurons that Adam has brought to the best line so many have left it after {after} more steps: {left_by}. Derivations 16 and 28 find it linearly stable under {held}.",
        {
            "left": by,
            "of": far.few,
            "after": far.steps,
            "earlier": {name: EARLIER[name] for name in ("of_61_linear_after_200000",)},
        },
        left_by=each("{0} under {label}", by),
        held=", ".join(HELD),
    )


def one(run: Course) -> dict[str, Any]:
    """Return what is said of one run."""
    near = np.abs(run.breakpoint) < 1.0
    late = run.steps > WHILE
    entered = int(run.steps[near & late][0]) if np.any(near & late) else LONG
    while_there = late & (run.steps < entered)
    found = bursts(run.excess[while_there], run.steps[while_there])
    first = int(found[0]) if found.size else LONG
    return {
        "excess_at_1000": abs(float(run.excess[1000])),
        **{f"breakpoint_at_{k}": float(run.breakpoint[k]) for k in (8000, 12_000, 16_000)},
        "first_burst": first,
        "period": float(np.mean(np.diff(found))) if found.size > 1 else float("nan"),
        "at_the_input": entered,
        "took": entered - first,
        "predicted": float(escape_steps(run.theta[:, WHILE], POPULATION, RATE)),
        "loss_at_17000": float(run.loss[17_000]),
        "peaks_at_the_teacher": float(np.max(run.loss[20_000:])),
        "teacher": bool(np.median(run.excess[-1000:]) < -0.02),
    }


def bursts(excess: np.ndarray, steps: np.ndarray, apart: int = 100) -> np.ndarray:
    """Return the steps at which the excess is largest within `apart` steps, and above 1e-9."""
    high = np.flatnonzero(excess > 1e-9)
    if high.size == 0:
        return high
    groups = np.split(high, np.flatnonzero(np.diff(high) > apart) + 1)
    return np.array([steps[group[np.argmax(excess[group])]] for group in groups])
