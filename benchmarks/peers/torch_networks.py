"""PyTorch on a sample: autograd of the mean square of networks with one input, many of them as one batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from benchmarks.peers.torch_adam import use_all_cores


def gd_autograd(rows: np.ndarray, x: np.ndarray, steps: int, lr: float) -> Callable[[], np.ndarray]:
    """Gradient descent of networks of shape (3m + 1, n) that learn |x|, by torch.optim.SGD."""
    use_all_cores()
    inputs = torch.tensor(x)
    targets = inputs.abs()
    m = rows.shape[0] // 3

    def total(now: Any) -> Any:
        w1, b1, w2 = now[: 3 * m].reshape(3, m, -1).transpose(1, 2)
        hidden = torch.relu(w1[..., None] * inputs + b1[..., None])
        residual = torch.einsum("nm,nmk->nk", w2, hidden) + now[3 * m][:, None] - targets
        return torch.sum(torch.mean(residual * residual, dim=1))

    def go() -> np.ndarray:
        now = torch.tensor(rows, requires_grad=True)
        optimizer = torch.optim.SGD([now], lr=lr)
        for _ in range(steps):
            optimizer.zero_grad()
            total(now).backward()
            optimizer.step()
        return np.asarray(now.detach().numpy())

    return go
