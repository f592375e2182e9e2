"""One neuron more than the teacher has: the loss falls like T⁻³, no longer exponentially.

Two breakpoints on either side of the teacher's, at distances of order δ, leave a triangle of height and width
of order δ: L is of order δ³, and δ′ of order −δ². For two neurons that face the teacher's way, with the limits a
of the output weights and s of the products of both weights, the constant is a prediction, not proved:
t³ L → 1/(6 s₁ s₂ K³), K = a₁² a₂²/(2 s₁ s₂ (a₁² + a₂²)).
"""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp

from gradflow.networks.line.field import cut, gradient_of, hessian_of, loss_of
from gradflow.networks.line.task import task_of
from gradflow.neuron.problem import Problem
from gradflow.study.claims.ledger import Finding, by_rule
from gradflow.study.claims.words import each, finding

TASK = task_of(Problem())

STARTS = {
    "1": ([1.0, 0.2, 0.6, 0.1],),
    "2": ([1.0, 0.8, 0.2, -0.3, 0.6, 0.5, 0.1], [0.7, 1.2, 0.1, -0.2, 0.9, 0.4, 0.0]),
    "3": ([1.0, 0.8, 0.9, 0.2, -0.3, 0.1, 0.5, 0.4, 0.3, 0.1],),
}
"""Starts by the number of neurons: w1, b1, w2, b2, all facing the teacher's way."""

PUBLISHED_POWER = -3.0

NEAR = 0.01
"""How near to the published power a slope is, and to 1 a quotient."""


def cubic(quick: bool) -> Finding:
    """Follow one, two and three neurons for a long time, and take the slopes of log L."""
    end = 1e6
    powers: dict[str, dict[str, float]] = {}
    for name, rows in (("2", STARTS["2"][0]), ("2, again", STARTS["2"][1]), ("3", STARTS["3"][0])):
        times, losses, last = _followed(rows, np.array([0.5, 1.0]) * end)
        powers[name] = {
            "power": float(np.diff(np.log(losses))[0] / np.diff(np.log(times))[0]),
            "quotient": float(times[-1] ** 3 * losses[-1] / _constant(last))
            if len(rows) == 7
            else float("nan"),
        }
    times, losses, _ = _followed(STARTS["1"][0], np.array([40.0, 50.0, 60.0]))
    early, late = -np.diff(np.log(losses)) / np.diff(times)
    is_cubic = all(abs(row["power"] - PUBLISHED_POWER) < NEAR for row in powers.values())
    as_predicted = all(abs(row["quotient"] - 1.0) < NEAR for name, row in powers.items() if name[0] == "2")
    return finding(
        by_rule(refuted=not is_cubic, open=not abs(late / early - 1.0) < NEAR),
        "Their inputs are normal and in many dimensions; here they are uniform on [−1, 1], with biases. Up to t = {end:g} the loss of networks of {powers_of}: slopes of log L against log t. One neuron: the rate of log L is {early:.5f} from t = 40 to 50 and {late:.5f} from 50 to 60. "
        "For two neurons t^3 L {is_} what the leading order predicts (no proof): {quotients} of it.",
        {
            "end": end,
            "networks": powers,
            "published_power": PUBLISHED_POWER,
            "rate_of_one_neuron": [float(early), float(late)],
        },
        powers_of=each("{label}: {power:.4f}", powers),
        quotients=each("{quotient:.4f}", [row for name, row in powers.items() if name[0] == "2"]),
        is_="is" if as_predicted else "is not",
        early=early,
        late=late,
    )


def _followed(rows: list[float], times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return times, losses there and the last state under the flow; implicit steps with the exact Hessian."""
    run = solve_ivp(
        lambda _, y: -gradient_of(cut(y, TASK)),
        (0.0, float(times[-1])),
        np.array(rows),
        method="Radau",
        jac=lambda _, y: -hessian_of(cut(y, TASK), TASK),
        rtol=1e-8,
        atol=1e-12,
        t_eval=times,
    )
    return run.t, np.asarray(loss_of(cut(run.y, TASK))), run.y[:, -1]


def _constant(rows: np.ndarray) -> float:
    """Return the predicted limit of t³ L of two neurons."""
    w1, _, a = rows[:6].reshape(3, 2)
    s = w1 * a
    k = a[0] ** 2 * a[1] ** 2 / (2.0 * s[0] * s[1] * (a[0] ** 2 + a[1] ** 2))
    return float(1.0 / (6.0 * s[0] * s[1] * k**3))
