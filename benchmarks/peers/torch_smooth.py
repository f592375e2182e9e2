"""PyTorch on the population of a smooth neuron: autograd of the loss by Gauss–Legendre quadrature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks.peers.torch_adam import use_all_cores


def _losses(theta: Any, x: Any, weights: Any, targets: Any) -> Any:
    w1, b1, w2, b2 = theta[:, :, None].unbind()
    residual = w2 * torch.nn.functional.silu(w1 * x + b1) + b2 - targets
    return torch.sum(weights * (residual * residual), dim=1)


def adam_autograd(theta: np.ndarray, nodes: int, steps: int, lr: float) -> Callable[[], np.ndarray]:
    """`backward` of the sum of all neurons' losses (each sees its own only), torch.optim.Adam, fused."""
    return _train(theta, nodes, steps, lr, lambda now, *data: torch.sum(_losses(now, *data)))


def adam_compiled(theta: np.ndarray, nodes: int, steps: int, lr: float) -> Callable[[], np.ndarray]:
    """The same with loss and backward compiled by torch.compile."""
    total = torch.compile(lambda now, *data: torch.sum(_losses(now, *data)), dynamic=False, fullgraph=True)
    return _train(theta, nodes, steps, lr, total)


def _train(
    theta: np.ndarray, nodes: int, steps: int, lr: float, total: Callable[..., Any]
) -> Callable[[], np.ndarray]:
    use_all_cores()
    x, weights = (torch.tensor(v) for v in np.polynomial.legendre.leggauss(nodes))
    # Uniform on [−1, 1]: half of the weights, which sum to 2.
    data = (x, 0.5 * weights, torch.nn.functional.silu(x))

    def go() -> np.ndarray:
        now = torch.tensor(theta, requires_grad=True)
        optimizer = torch.optim.Adam([now], lr=lr, fused=True)
        for _ in range(steps):
            optimizer.zero_grad()
            total(now, *data).backward()
            optimizer.step()
        return np.asarray(now.detach().numpy())

    return go
