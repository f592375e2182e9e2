"""PyTorch on a two-layer ReLU network: autograd of the mean exponential loss over all inputs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from benchmarks.peers.torch_adam import use_all_cores


def gd_autograd(
    weights: np.ndarray, outputs: np.ndarray, x: np.ndarray, y: np.ndarray, steps: int, lr: float
) -> Callable[[], np.ndarray]:
    """`backward` of the loss and torch.optim.SGD; w_j and v_j at the end, shape (h, D + 1)."""
    use_all_cores()
    inputs, labels = torch.tensor(x), torch.tensor(y)

    def go() -> np.ndarray:
        w, v = (torch.tensor(value, requires_grad=True) for value in (weights, outputs))
        optimizer = torch.optim.SGD([w, v], lr=lr, fused=True)
        for _ in range(steps):
            optimizer.zero_grad()
            torch.mean(torch.exp(-labels * (torch.relu(inputs @ w.T) @ v))).backward()
            optimizer.step()
        return np.asarray(torch.cat([w, v[:, None]], dim=1).detach().numpy())

    return go
