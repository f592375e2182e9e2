"""Steps against flow: measured orders of gradient descent, heavy ball and Adam."""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from gradflow.descent import GD, Adam, HeavyBall, train_arrays
from gradflow.neuron.problem import Problem
from gradflow.study.figures.convergence import Errors, Orders, measured_order
from gradflow.study.figures.frames import sheet
from gradflow.study.figures.panels import Mark
from gradflow.study.figures.script import main
from gradflow.theory.adaptive_flows import adam_correction_field, adam_field, sign_field
from gradflow.theory.modified import gd_field, heavy_ball_field, heavy_ball_start
from gradflow.theory.solve import solve, solve_across

PROBLEM = Problem()
# Balanced, and so for all the time shown; about to become hyperactive; on the wrong side of the teacher.
INSIDE = np.array([1.2, 0.3, 0.8, -0.6])
CROSSING = np.array([1.1, 0.83, 1.38, -1.27])
FAR = np.array([1.5, 0.6, -1.5, -1.5])
FAN, MU, A, B, SHORT, EPS = 24, 0.9, 10.0, 0.1, (0.8, 0.9), 1e-2
DEFAULTS = Adam()

# Half a minute.
QUICK = False

TITLE = "Steps follow flows: measured orders"
CAPTION = (
    "Largest difference of a parameter between an optimiser and a flow at a fixed time, against the rate "
    "η (population loss, teacher ReLU(x), inputs uniform on [−1, 1]). In the legends the measured orders: "
    "slopes over the five smallest rates. (a) Gradient descent and its flow, its modified flow and its "
    "flow of third order, within a cell. (b) The same for {FAN} starts whose breakpoint leaves the input "
    "on the way: the third order falls to {wall:.2f}. (c) Heavy ball (μ = {MU}) comes μ/(1 − μ) steps "
    "late, so the modified flow gains an order only if its start is displaced by as much. (d) Adam with "
    "(1 − β1)/η = {A:g} and (1 − β2)/η = {B:g}, and its ODE in (θ, m, v). (e) Adam with β = {SHORT}, ε = "
    "{EPS:g}, the smoothed sign flow and its correction of first order. (f) The same and the ODE for the "
    "defaults β = (0.9, 0.999), ε = 1e-8: the correction helps only where η is well below 1 − β2; at η = "
    "{rate:.3g} its error is {corrected:.2g}, that of the sign flow {sign:.2g}, that of the ODE "
    "{ode:.2g}."
)


def run(start: np.ndarray, config: Callable[[float], Any], time: float, counts: np.ndarray) -> np.ndarray:
    """Return the parameters at `time` for each number of steps, shape (4, K, …)."""
    ends = [
        train_arrays(start, PROBLEM, config(time / n), int(n), events=False, first_change=False).final
        for n in counts
    ]
    return np.stack([np.asarray(end) for end in ends], axis=1)


def compare(
    label: str,
    velocity: Callable[[Any], Any],
    begin: np.ndarray,
    reached: np.ndarray,
    rates: np.ndarray,
    time: float,
) -> Errors:
    """Return the errors of a flow that starts at `begin` for every rate."""
    end = solve(lambda _, y: velocity(y), np.broadcast_to(begin, reached.shape), time)
    return Errors(label, rates, np.max(np.abs(end - reached), axis=0), 5)


@functools.cache
def gradient_descent() -> tuple[Errors, ...]:
    """Return panel (a)."""
    time, counts = 1.0, 2 ** np.arange(4, 11)
    rates, reached = time / counts, run(INSIDE, GD, time, counts)
    names = {1: "flow", 2: "modified", 3: "third order"}
    return tuple(
        compare(
            name,
            functools.partial(gd_field, problem=PROBLEM, lr=rates, order=order),
            INSIDE[:, None],
            reached,
            rates,
            time,
        )
        for order, name in names.items()
    )


@functools.cache
def through_a_wall() -> tuple[Errors, ...]:
    """Return panel (b): the largest error of many starts, which meet the wall at all fractions of a step."""
    time, counts = 0.6, 2 ** np.arange(4, 11)
    fan = np.repeat(CROSSING[:, None], FAN, axis=1)
    fan[1] += np.linspace(-0.02, 0.02, FAN)
    rates, reached = time / counts, run(fan, GD, time, counts)
    many, lr = np.broadcast_to(fan[:, None, :], reached.shape).reshape(4, -1), np.repeat(rates, FAN)
    series = []
    for order, name in ((1, "flow"), (2, "modified"), (3, "third order")):
        velocity = functools.partial(_in_cell, lr=lr, order=order)
        end, _, _ = solve_across(velocity, many, PROBLEM, "lo", time)
        errors = np.max(np.abs(end.reshape(reached.shape) - reached), axis=(0, 2))
        series.append(Errors(name, rates, errors, 5))
    return tuple(series)


def _in_cell(theta: Any, cell: Any, lr: np.ndarray, order: int) -> Any:
    return gd_field(theta, PROBLEM, lr, order, cell=cell)


@functools.cache
def heavy_ball() -> tuple[Errors, ...]:
    """Return panel (c)."""
    time, counts = 1.0, 2 ** np.arange(7, 14)
    rates, reached = time / counts, run(INSIDE, lambda rate: HeavyBall(rate, MU), time, counts)
    begin = np.repeat(INSIDE[:, None], counts.size, axis=1)
    moved = np.asarray(heavy_ball_start(begin, PROBLEM, rates, MU))
    first, second = (
        functools.partial(heavy_ball_field, problem=PROBLEM, lr=rates, momentum=MU, order=order)
        for order in (1, 2)
    )
    return (
        compare("flow", first, begin, reached, rates, time),
        compare("modified", second, begin, reached, rates, time),
        compare("displaced", second, moved, reached, rates, time),
    )


def ode(
    label: str, start: np.ndarray, config: Callable[[float], Adam], time: float, counts: np.ndarray
) -> Errors:
    """Return the errors of Adam's ODE, with the memory that Adam has at each rate."""
    rates, reached = time / counts, run(start, config, time, counts)
    betas = [(1.0 - np.float64(c.beta1), 1.0 - np.float64(c.beta2)) for c in map(config, rates)]
    a, b = (np.array([pair[i] for pair in betas]) / rates for i in (0, 1))
    state = np.zeros((3, 4, counts.size))
    state[0] = start[:, None]
    eps = config(rates[0]).eps
    end = solve(lambda t, y: np.stack(adam_field(y, t, PROBLEM, a, b, eps)), state, time)[0]
    return Errors(label, rates, np.max(np.abs(end - reached), axis=0), 5)


def _short_steps(eps: float, rate: float) -> Adam:
    return Adam(rate, 1.0 - A * rate, 1.0 - B * rate, eps)


@functools.cache
def adam_ode() -> tuple[Errors, ...]:
    """Return panel (d)."""
    counts = 2 ** np.arange(5, 12)
    return tuple(
        ode(
            label,
            start,
            partial(_short_steps, eps),
            1.0,
            counts,
        )
        for label, start, eps in (("ε = 0.01", INSIDE, 1e-2), ("ε = 1e-8", INSIDE, 1e-8))
    )


def fixed_memory(betas: tuple[float, float], eps: float, counts: np.ndarray, fit: int) -> tuple[Errors, ...]:
    """Return the errors of the sign flow and of the corrected one."""
    time = 0.5
    rates, reached = time / counts, run(FAR, lambda rate: Adam(rate, *betas, eps), time, counts)
    begin = FAR[:, None]
    sign = functools.partial(sign_field, problem=PROBLEM, eps=eps)
    corrected = functools.partial(
        adam_correction_field, problem=PROBLEM, lr=rates, beta1=betas[0], beta2=betas[1], eps=eps
    )
    series = (
        compare("sign flow", sign, begin, reached, rates, time),
        compare("corrected", corrected, begin, reached, rates, time),
    )
    return tuple(entry._replace(fit=fit) for entry in series)


@functools.cache
def short_memory() -> tuple[Errors, ...]:
    """Return panel (e)."""
    return fixed_memory(SHORT, EPS, 2 ** np.arange(5, 12), 5)


@functools.cache
def default_memory() -> tuple[Errors, ...]:
    """Return panel (f), from η = 0.01 down."""
    counts = 50 * 4 ** np.arange(6)
    series = fixed_memory((0.9, 0.999), 1e-8, counts, 0)
    third = ode("ODE", FAR, Adam, 0.5, counts[:4])
    return (*series, third._replace(fit=0))


def numbers() -> dict[str, object]:
    """Return what the caption states."""
    sign, corrected, third = (np.asarray(series.errors)[0] for series in default_memory())
    return {
        "wall": measured_order(through_a_wall()[2]),
        "rate": np.asarray(default_memory()[0].rates)[0],
        "sign": sign,
        "corrected": corrected,
        "ode": third,
    }


def draw() -> Figure:
    """Return the figure."""
    memory = Mark(r"$1 - \beta_2$", 1.0 - float(DEFAULTS.beta2), 0.38)
    rate = r"learning rate $\eta$"
    return sheet(
        [
            Orders(gradient_descent(), "gradient descent", ylabel="error"),
            Orders(through_a_wall(), "through a wall"),
            Orders(heavy_ball(), "heavy ball"),
            Orders(adam_ode(), "Adam and its ODE", xlabel=rate, ylabel="error"),
            Orders(short_memory(), "Adam, short memory", xlabel=rate),
            Orders(default_memory(), "Adam, default memory", marks=[memory], xlabel=rate),
        ],
        columns=3,
        height=2.1,
    )


if __name__ == "__main__":
    raise SystemExit(main(globals()))
