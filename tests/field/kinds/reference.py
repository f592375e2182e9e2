"""Every kind of neuron written down plainly, for one neuron at a time: what it returns, and its loss."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import erf, expit

from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform

NODES, WEIGHTS = np.polynomial.legendre.leggauss(30)

INTERVALS = ((-1.0, 1.0), (0.5, 2.5), (-3.0, -1.0), (-0.25, 4.0))

SOLVED = {"solved-bias": 1, "solved-output": 2, "bounded-solved-bias": 1}
"""How many of (w2, b2), counted from the end, are solved for."""


def phi(name: str, z: np.ndarray) -> np.ndarray:
    """Return φ(z)."""
    formulas: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "relu": lambda z: np.maximum(z, 0.0),
        "leaky-relu=0.1": lambda z: np.where(z > 0, z, 0.1 * z),
        "slopes=0.5,-2.0": lambda z: np.where(z > 0, -2.0 * z, 0.5 * z),
        "silu": lambda z: z * expit(z),
        "gelu": lambda z: 0.5 * z * (1.0 + erf(z / math.sqrt(2.0))),
        "softplus": lambda z: np.logaddexp(z, 0.0),
        "tanh": np.tanh,
    }
    return np.asarray(formulas[name](z))


def hidden(kind: str, psi: np.ndarray, lo: float, hi: float) -> tuple[float, float]:
    """Return w1 and the breakpoint's −b1, scaled: z = w1 x + b1."""
    if kind in ("plain", "gated", "solved-bias", "solved-output"):
        return psi[0], psi[1]
    if kind == "shifted":
        return psi[0], psi[0] * psi[1]
    return psi[0], -psi[0] * (0.5 * (lo + hi) + 0.5 * (hi - lo) * math.tanh(psi[1]))


def nodes(problem: Problem, breakpoint: float) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and weights: the sample's, or those of quadrature between the kinks."""
    inputs = problem.inputs
    if isinstance(inputs, Sample):
        n = inputs.x.shape[0]
        return inputs.x, np.full(n, 1.0 / n) if inputs.weights is None else inputs.weights
    lo, hi = float(inputs.lo), float(inputs.hi)
    taught = problem.teacher
    kinks = [breakpoint] + ([-taught.b1 / taught.w1] if taught.w1 else [])
    ends = np.unique([lo, *(k for k in kinks if lo < k < hi), *np.linspace(lo, hi, 5)[1:]])
    half, middle = 0.5 * np.diff(ends)[:, None], 0.5 * (ends[1:] + ends[:-1])[:, None]
    return (middle + half * NODES).ravel(), (half * WEIGHTS).ravel() / (hi - lo)


def loss(kind: str, psi: np.ndarray, problem: Problem) -> float:
    """Return the loss of one neuron; what is solved for comes from the normal least-squares solver."""
    w1, b1 = hidden(kind, psi, float(problem.lo), float(problem.hi))
    x, weights = nodes(problem, -b1 / w1 if w1 else math.inf)
    t = problem.teacher
    target = t.w2 * phi(str(problem.teacher_activation), t.w1 * x + t.b1) + t.b2
    z = phi(str(problem.activation), w1 * x + b1)
    root = np.sqrt(weights)
    if kind == "gated":
        residual = z * (psi[2] * x + psi[3]) + psi[4] - target
    elif kind in SOLVED:
        known = psi[2] * z if SOLVED[kind] == 1 else np.zeros_like(z)
        columns = np.stack([np.ones_like(z)] if SOLVED[kind] == 1 else [z, np.ones_like(z)], axis=1)
        found = np.linalg.lstsq(columns * root[:, None], (target - known) * root, rcond=None)[0]
        residual = known + columns @ found - target
    else:
        residual = psi[2] * z + psi[3] - target
    return float(np.sum(weights * residual**2))


def central(function: Callable[[np.ndarray], float], psi: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """Return the gradient by central differences of the fourth order."""
    found = []
    for i in range(psi.size):
        e = np.zeros(psi.size)
        e[i] = step
        near, far = (function(psi + k * e) - function(psi - k * e) for k in (1, 2))
        found.append((8.0 * near - far) / (12.0 * step))
    return np.array(found)


def problems(*activations: str) -> list[Problem]:
    """Return problems: populations and samples, other intervals and teachers."""
    x = np.array([-1.3, -0.4, 0.1, 0.35, 0.8, 1.7])
    made: list[Problem] = []
    for name in activations:
        for lo, hi in INTERVALS:
            made.append(Problem(Neuron(-0.8, 0.4, 1.5, -0.3), Uniform(lo, hi), name))
        made += [
            Problem(activation=name),
            Problem(Neuron(0.7, 0.1, -1.2, 0.5), Sample(x), name),
            Problem(
                Neuron(0.7, 0.1, 1.2, 0.5), Sample(x, weights=np.array([1.0, 2, 0, 1, 3, 1])), name, "silu"
            ),
        ]
    return made


def random_neurons(rng: np.random.Generator, n: int, problem: Problem) -> np.ndarray:
    """Return n plain neurons of either sign that bend inside the input, off its ends."""
    lo, hi = float(problem.lo), float(problem.hi)
    p = lo + (hi - lo) * rng.uniform(0.08, 0.92, n)
    w1, w2 = rng.choice([-1.0, 1.0], (2, n)) * rng.uniform(0.4, 1.6, (2, n))
    return np.stack((w1, -w1 * p, w2, rng.standard_normal(n)))


def parameters(kind: Any, theta: np.ndarray, problem: Problem, rng: np.random.Generator) -> np.ndarray:
    """Return the kind's parameters for plain neurons; a gate gets a random slope."""
    psi = np.array(kind.start(theta, problem))
    if kind.name == "gated":
        psi[2] = rng.standard_normal(psi.shape[1])
    return psi
