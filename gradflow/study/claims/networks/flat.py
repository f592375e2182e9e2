"""Minima that gradient descent can hold are smooth: the curvature bounds a weighted integral of |f″|.

For ½ E r² and inputs uniform on [−1, 1] the bound is λ_max ≥ 1 + 2 ∫ |f″| g with g(x) = (1 − |x|)³/8 · √(1 + (1 +
|x|)²/4); a rate η holds a minimum only if λ_max ≤ 2/η.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from gradflow.networks.line.field import cut, gradient_of, gram_of, loss_of
from gradflow.networks.line.task import task_of
from gradflow.neuron.problem import Problem
from gradflow.study.claims.ledger import Finding, by_rule
from gradflow.study.claims.words import each, finding

TASK = task_of(Problem())

WIDTHS = (1, 2, 5, 20)


def weight(x: np.ndarray) -> np.ndarray:
    """Return g."""
    far = np.abs(x)
    return np.where(far < 1.0, (1.0 - far) ** 3 / 8.0 * np.sqrt(1.0 + (1.0 + far) ** 2 / 4.0), 0.0)


def bound(rows: np.ndarray) -> float:
    """Return 1 + 2 ∫ |f″| g of one network: f″ is a point mass at every breakpoint, those at one place summed."""
    w, b, a = rows[:-1].reshape(3, -1)
    at = -b / w
    total = 0.0
    for place in np.unique(at):
        total += abs(float(np.sum(np.where(at == place, a * np.abs(w), 0.0)))) * float(weight(place))
    return 1.0 + 2.0 * total


def sharpness(rows: np.ndarray) -> float:
    """Return λ_max of ½ E r² at a minimum of loss 0, where the Hessian is E ∇f ∇fᵀ."""
    return float(np.linalg.eigvalsh(gram_of(cut(rows, TASK)))[-1])


def flat(quick: bool) -> Finding:
    """Compare the bound with the curvature of networks that are their own teachers, and with what steps do."""
    rng = np.random.default_rng(0)
    found: dict[str, dict[str, Any]] = {}
    for m in WIDTHS:
        ratios, balanced = [], []
        for _ in range(50 if quick else 500):
            rows = np.concatenate([*rng.normal(size=(3, m)), [0.0]])
            ratios.append(sharpness(rows) / bound(rows))
            # Weights of each neuron rescaled, so that the graph is the same and the curvature smaller.
            w, b, a = rows[:-1].reshape(3, m)
            scale = np.sqrt(np.abs(a) / np.hypot(w, b))
            even = np.concatenate([w * scale, b * scale, a / scale, [0.0]])
            balanced.append(sharpness(even) / bound(even))
        found[str(m)] = {"least": min(*ratios, *balanced), "median_balanced": float(np.median(balanced))}
    best = minimize_scalar(
        lambda w: sharpness(np.array([w, 0.0, 1.0 / w, 0.0])), bounds=(0.3, 3.0), method="bounded"
    )
    teacher = np.array([float(best.x), 0.0, 1.0 / float(best.x), 0.0])
    exact, least = 2.0 / float(best.fun), 2.0 / bound(teacher)
    holds = {part: _held(teacher, part * exact) for part in (0.98, 1.02)}
    return finding(
        by_rule(
            refuted=min(row["least"] for row in found.values()) < 1.0 - 1e-12,
            open=not (holds[0.98] and not holds[1.02]),
        ),
        "Least ratio of the largest eigenvalue to the bound over networks that are their own teachers, weights normal or balanced: {ratios} (neurons: ratio; median of the balanced {medians}). For one neuron that learns max(x, 0) no rate above {bound:.4f} can hold a minimum by the bound, and {exact:.4f} by the exact curvature, least over the rescalings of its weights; gradient descent from beside that one stays at 0.98 of the latter and leaves at 1.02. (For a loss without the factor 1/2 rates are half as large.)",
        {"widths": found, "bound": least, "exact": exact, "w1": teacher[0]},
        ratios=each("{label}: {least:.4f}", found),
        medians=each("{median_balanced:.3f}", found.values()),
    )


def _held(teacher: np.ndarray, rate: float) -> bool:
    """Whether gradient descent on ½ E r² from beside a teacher comes to loss 0 with its curvature within a percent."""
    rows = teacher + 1e-4 * np.array([1.0, -0.5, 0.3, 0.2])
    for _ in range(5000):
        rows = rows - 0.5 * rate * gradient_of(cut(rows, TASK))
        if not np.all(np.abs(rows) < 1e3):
            return False
    near = float(np.max(np.abs(rows - teacher))) < 1e-2
    return near and float(loss_of(cut(rows, TASK))) < 1e-12
