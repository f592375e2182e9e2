"""The flows that Adam follows: its ODE in (θ, m, v), the smoothed sign flow, and the sign flow's correction.

``derivations/17_steps_against_flow.py`` says which follows which limit, and proves the orders.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gradflow import field
from gradflow.base.arrays import Array, ArrayLike, as_floating, namespace
from gradflow.base.checks import numbers, require_finite
from gradflow.descent.optimisers.hyper import quotient
from gradflow.field.formulas import Signs
from gradflow.field.jet import derivatives
from gradflow.neuron.problem import Neuron, Problem
from gradflow.theory.modified import gradient_in, together


class AdamState(NamedTuple):
    """Parameters and both moments of Adam's ODE, or their velocities; shape (4, …) each."""

    theta: Array
    first: Array
    second: Array


def adam_field(
    state: AdamState | tuple[Array, Array, Array],
    t: float,
    problem: Problem = Problem(),
    a: ArrayLike = 10.0,
    b: ArrayLike = 0.1,
    eps: ArrayLike = 1e-8,
) -> AdamState:
    """Return the velocity of Adam's ODE [1]_ [2]_.

    It is the limit of Adam as η → 0 with β1 = 1 − a η and β2 = 1 − b η:

    θ′ = −(m/(1 − e^(−a t)))/(ε + √(v/(1 − e^(−b t)))), m′ = a (g − m), v′ = b (g² − v), m(0) = v(0) = 0.

    Parameters
    ----------
    state : AdamState or three arrays, each of shape (4, …)
        θ, m and v.
    t : float
        The time since the start, ≥ 0. At 0, where m and v must be 0, the velocity is the limit −g/(ε + |g|).
    problem : Problem
        Population or sample.
    a, b : number or array
        (1 − β1)/η and (1 − β2)/η, positive.
    eps : number or array
        ε ≥ 0, outside the root; where it is 0 and v too the step is 0.

    Raises
    ------
    ValueError
        If t < 0, a or b is not positive, or ε < 0.

    References
    ----------
    .. [1] A. Barakat, P. Bianchi, "Convergence and dynamical behavior of the ADAM algorithm for nonconvex
       stochastic optimization", SIAM Journal on Optimization 31 (2021) 244-274, arXiv:1810.02263.
    .. [2] A. Belotto da Silva, M. Gazeau, "A general system of differential equations to model first order
       adaptive algorithms", Journal of Machine Learning Research 21 (2020) 1-42, arXiv:1810.13108.
    """
    if not t >= 0.0:
        raise ValueError(f"t: expected a time >= 0, got {t!r}")
    _require("a", a, "a positive number", 0.0, np.inf, open_below=True)
    _require("b", b, "a positive number", 0.0, np.inf, open_below=True)
    _require("eps", eps, "a number >= 0", 0.0, np.inf)
    theta, first, second = state
    xp, (m, v, a, b, eps) = as_floating((first, second, a, b, eps))
    g = field.gradient(theta, problem)
    if t == 0.0:
        mean, root = g, xp.abs(g)
    else:
        mean, root = m / -xp.expm1(-a * t), xp.sqrt(xp.maximum(v, 0.0 * v) / -xp.expm1(-b * t))
    return AdamState(-quotient(mean, root, eps), a * (g - m), b * (g * g - v))


def sign_field(
    theta: Neuron | Array,
    problem: Problem = Problem(),
    eps: ArrayLike = 1e-8,
    *,
    inside: bool = False,
    cell: Signs | None = None,
) -> Array:
    """Return dθ/dt of the smoothed sign flow, the limit of Adam as η → 0 with fixed β1 and β2.

    −g/(|g| + ε), or −g/√(g² + ε) with ε `inside` the root.

    Parameters
    ----------
    theta : Neuron or array, shape (4, …)
        The parameters.
    problem : Problem
        Population or sample.
    eps : number or array
        ε ≥ 0; where it is 0 and g too the velocity is 0.
    inside : bool
        Whether ε is added to the mean square, and not to its root.
    cell : optional
        Use this cell's formulas, also beyond its walls (`gradflow.field.jet.derivatives`).

    Raises
    ------
    ValueError
        If ε < 0.
    """
    _require("eps", eps, "a number >= 0", 0.0, np.inf)
    theta, (eps,) = together(theta, eps)
    g, xp = gradient_in(theta, problem, cell), namespace(theta)
    if inside:
        return -quotient(g, xp.sqrt(g * g + eps), 0.0)
    return -quotient(g, xp.abs(g), eps)


def adam_correction_field(
    theta: Neuron | Array,
    problem: Problem = Problem(),
    lr: ArrayLike = 1e-3,
    beta1: ArrayLike = 0.9,
    beta2: ArrayLike = 0.999,
    eps: ArrayLike = 1e-8,
    *,
    step: float | None = None,
    inside: bool = False,
    cell: Signs | None = None,
) -> Array:
    """Return dθ/dt of the sign flow with its correction of first order in η [1]_.

    With R = √(g² + ε) (`inside`) or |g| + ε, u = g/R, and the mean ages d₁, d₂ of what the moments hold,

        θ′ = −u − (η/R) (d₁ − d₂ + (d₂ + ½) κ) Hu,    κ = ε/R² (`inside`) or ε/R.

    Parameters
    ----------
    theta, problem, eps, inside, cell
        As for `sign_field`; ε > 0. Outside the root the correction holds where no g_j is 0.
    lr : number or array
        η.
    beta1, beta2 : number or array
        In [0, 1).
    step : float, optional
        How many updates n came before, 0, 1, …: then d = β/(1 − β) − (n + 1) β^(n+1)/(1 − β^(n+1)), the mean
        age after the bias correction. By default the limit β/(1 − β).

    Raises
    ------
    ValueError
        If ε is not positive, a β not in [0, 1), or step < 0.

    References
    ----------
    .. [1] M. D. Cattaneo, J. M. Klusowski, B. Shigida, "On the implicit bias of Adam", ICML 2024,
       arXiv:2309.00079 (ε inside the root).
    """
    _require("eps", eps, "a positive number", 0.0, np.inf, open_below=True)
    if step is not None and not step >= 0:
        raise ValueError(f"step: expected a number >= 0 or None, got {step!r}")
    theta, (rate, eps, beta1, beta2) = together(theta, lr, eps, beta1, beta2)
    g, xp = gradient_in(theta, problem, cell), namespace(theta)
    scale = xp.sqrt(g * g + eps) if inside else xp.abs(g) + eps
    u = g / scale
    bent = derivatives(theta, u, problem, cell=cell).second
    age1, age2 = mean_age(beta1, step, "beta1"), mean_age(beta2, step, "beta2")
    kappa = eps / (scale * scale) if inside else eps / scale
    return -u - rate / scale * (age1 - age2 + (age2 + 0.5) * kappa) * bent


def mean_age(beta: ArrayLike, step: float | None = None, name: str = "beta") -> Array:
    """Return the mean age in updates of what an average with decay β holds, after its bias correction.

    Σ i β^i/Σ β^i over i = 0, …, step; β/(1 − β) without a step. The errors call β by its `name`.

    Raises
    ------
    ValueError
        If β is not in [0, 1).
    """
    _require(name, beta, "a number in [0, 1)", 0.0, 1.0)
    _, (beta,) = as_floating((beta,))
    limit = beta / (1.0 - beta)
    if step is None:
        return limit
    power = beta ** (step + 1.0)
    return limit - (step + 1.0) * power / (1.0 - power)


def _require(
    name: str, value: Any, allowed: str, low: float, high: float, *, open_below: bool = False
) -> None:
    array = numbers(name, value)
    require_finite(name, value)
    if not np.all((array > low if open_below else array >= low) & (array < high)):
        raise ValueError(f"{name}: expected {allowed}, got {value!r}")
