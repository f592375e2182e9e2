"""PyTorch on the population: eager and compiled, closed-form gradient or autograd of the closed-form loss."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks.closed_form import adam_factors, gradient, loss

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8


def ends(w1: Any, b1: Any) -> tuple[Any, Any]:
    """Return the active range of the input."""
    kink = torch.clamp(-b1 / w1, -1.0, 1.0)
    right = w1 > 0.0
    return torch.where(right, kink, -1.0), torch.where(right, 1.0, kink)


def ramp(x: Any) -> Any:
    """Return max(x, 0)."""
    return torch.clamp(x, min=0.0)


def use_all_cores() -> None:
    """Give torch the cores of this process, no more."""
    torch.set_num_threads(len(os.sched_getaffinity(0)))


def adam_autograd(theta: np.ndarray, steps: int, lr: float) -> Callable[[], np.ndarray]:
    """Autograd of the loss's closed form, and torch.optim.Adam with its fused step."""
    use_all_cores()

    def go() -> np.ndarray:
        now = torch.tensor(theta, requires_grad=True)
        optimizer = torch.optim.Adam([now], lr=lr, fused=True)
        for _ in range(steps):
            optimizer.zero_grad()
            torch.sum(loss(now.unbind(), ends, ramp)).backward()
            optimizer.step()
        return np.asarray(now.detach().numpy())

    return go


def adam_eager(theta: np.ndarray, steps: int, lr: float) -> Callable[[], np.ndarray]:
    """The gradient's closed form in eager mode, and torch.optim.Adam with its fused step."""
    use_all_cores()

    def go() -> np.ndarray:
        now = torch.tensor(theta, requires_grad=True)
        now.grad = torch.empty_like(now)
        optimizer = torch.optim.Adam([now], lr=lr, fused=True)
        with torch.no_grad():
            for _ in range(steps):
                torch.stack(gradient(now.unbind(), ends, ramp), out=now.grad)
                optimizer.step()
        return np.asarray(now.detach().numpy())

    return go


def adam_compiled(theta: np.ndarray, steps: int, lr: float, unroll: int) -> Callable[[], np.ndarray]:
    """torch.compile of `unroll` updates by the closed form, state updated in place."""
    use_all_cores()
    if steps % unroll:
        raise ValueError(f"steps: expected a multiple of {unroll}, got {steps}")
    factors = torch.tensor(adam_factors(steps, lr, BETA1, BETA2, EPS), dtype=torch.float64)
    tables = factors.reshape(-1, unroll, 2).unbind()

    def updates(now: Any, m: Any, v: Any, table: Any) -> None:
        theta, first, second = now.unbind(), m.unbind(), v.unbind()
        for k in range(unroll):
            g = gradient(theta, ends, ramp)
            first = [BETA1 * a + (1.0 - BETA1) * b for a, b in zip(first, g, strict=True)]
            second = [BETA2 * a + (1.0 - BETA2) * b * b for a, b in zip(second, g, strict=True)]
            theta = [
                t - table[k, 0] * a / (torch.sqrt(b) + table[k, 1])
                for t, a, b in zip(theta, first, second, strict=True)
            ]
        for i in range(4):
            now[i].copy_(theta[i])
            m[i].copy_(first[i])
            v[i].copy_(second[i])

    compiled = torch.compile(updates, dynamic=False, fullgraph=True)

    def go() -> np.ndarray:
        now = torch.tensor(theta)
        m, v = torch.zeros_like(now), torch.zeros_like(now)
        with torch.no_grad():
            for table in tables:
                compiled(now, m, v, table)
        return np.asarray(now.numpy())

    return go
