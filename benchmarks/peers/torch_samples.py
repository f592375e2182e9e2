"""PyTorch on a sample: autograd of the mean square over given inputs, many neurons as one batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks.peers.torch_adam import use_all_cores


def _losses(theta: Any, x: Any, y: Any) -> Any:
    w1, b1, w2, b2 = theta[:, :, None].unbind()
    residual = w2 * torch.relu(w1 * x + b1) + b2 - y
    return torch.mean(residual * residual, dim=1)


def adam_autograd(theta: np.ndarray, x: np.ndarray, steps: int, lr: float) -> Callable[[], np.ndarray]:
    """`backward` of the sum of all neurons' losses (each sees its own only), torch.optim.Adam, fused."""
    return _train(theta, x, steps, lr, lambda now, x, y: torch.sum(_losses(now, x, y)))


def adam_compiled(theta: np.ndarray, x: np.ndarray, steps: int, lr: float) -> Callable[[], np.ndarray]:
    """The same with loss and backward compiled by torch.compile."""
    total = torch.compile(lambda now, x, y: torch.sum(_losses(now, x, y)), dynamic=False, fullgraph=True)
    return _train(theta, x, steps, lr, total)


def _train(
    theta: np.ndarray, x: np.ndarray, steps: int, lr: float, total: Callable[[Any, Any, Any], Any]
) -> Callable[[], np.ndarray]:
    use_all_cores()
    inputs = torch.tensor(x)
    targets = torch.relu(inputs)

    def go() -> np.ndarray:
        now = torch.tensor(theta, requires_grad=True)
        optimizer = torch.optim.Adam([now], lr=lr, fused=True)
        for _ in range(steps):
            optimizer.zero_grad()
            total(now, inputs, targets).backward()
            optimizer.step()
        return np.asarray(now.detach().numpy())

    return go


def adam_vmap(theta: np.ndarray, x: np.ndarray, steps: int, lr: float) -> Callable[[], np.ndarray]:
    """`torch.func.vmap` of `torch.func.grad` of one neuron's loss."""
    use_all_cores()
    inputs = torch.tensor(x)
    targets = torch.relu(inputs)

    def loss(one: Any) -> Any:
        residual = one[2] * torch.relu(one[0] * inputs + one[1]) + one[3] - targets
        return torch.mean(residual * residual)

    gradients = torch.func.vmap(torch.func.grad(loss), in_dims=1, out_dims=1)

    def go() -> np.ndarray:
        now = torch.tensor(theta)
        optimizer = torch.optim.Adam([now], lr=lr, fused=True)
        for _ in range(steps):
            now.grad = gradients(now).contiguous()  # the fused step takes grad's memory as it lies
            optimizer.step()
        return np.asarray(now.numpy())

    return go
