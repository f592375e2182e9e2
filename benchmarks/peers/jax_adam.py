"""JAX: the closed form, `jit` over a `lax.scan` of all steps, float64."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.closed_form import adam_factors, gradient

jax.config.update("jax_enable_x64", True)

BETA1, BETA2 = 0.9, 0.999


def ends(w1: Any, b1: Any) -> tuple[Any, Any]:
    """Return the active range of the input."""
    kink = jnp.clip(-b1 / w1, -1.0, 1.0)
    right = w1 > 0.0
    return jnp.where(right, kink, -1.0), jnp.where(right, 1.0, kink)


def ramp(x: Any) -> Any:
    """Return max(x, 0)."""
    return jnp.maximum(x, 0.0)


def _step(carry: Any, factors: Any) -> tuple[Any, None]:
    theta, m, v = carry
    rate, eps = factors
    g = gradient(theta, ends, ramp)
    m = tuple(BETA1 * a + (1.0 - BETA1) * b for a, b in zip(m, g, strict=True))
    v = tuple(BETA2 * a + (1.0 - BETA2) * b * b for a, b in zip(v, g, strict=True))
    new = (t - rate * a / (jnp.sqrt(b) + eps) for t, a, b in zip(theta, m, v, strict=True))
    return (tuple(new), m, v), None


def adam(
    theta: np.ndarray, steps: int, lr: float, unroll: int = 1, chunk: int = 0, threads: int = 1
) -> Callable[[], np.ndarray]:
    """Adam on the population loss, final parameters of shape (4, n).

    Parameters
    ----------
    unroll : int
        Steps unrolled in the scan's body.
    chunk : int
        Neurons taken through all steps at a time, so that they stay in the cache; all at once by default.
    threads : int
        With chunks: the neurons are cut among so many calls, made at once.
    """
    factors = tuple(jnp.asarray(f) for f in np.array(adam_factors(steps, lr, BETA1, BETA2, 1e-8)).T)

    def whole(start: Any) -> Any:
        zeros = tuple(jnp.zeros_like(t) for t in start)
        (end, _, _), _ = lax.scan(_step, (start, zeros, zeros), factors, unroll=unroll)
        return end

    if not chunk:
        run = jax.jit(whole)
        start = tuple(jnp.asarray(row) for row in theta)
        return lambda: np.stack([np.asarray(part) for part in jax.block_until_ready(run(start))])
    return _chunked(whole, theta, chunk, threads)


def _chunked(whole: Any, theta: np.ndarray, chunk: int, threads: int) -> Callable[[], np.ndarray]:
    from concurrent.futures import ThreadPoolExecutor

    n = theta.shape[1]
    per = -(-n // (chunk * threads)) * chunk
    padded = np.pad(theta, ((0, 0), (0, per * threads - n)), mode="edge").reshape(4, threads, -1, chunk)
    run = jax.jit(partial(lax.map, whole))
    parts = [tuple(jnp.asarray(row) for row in padded[:, i]) for i in range(threads)]

    def one(part: Any) -> Any:
        return np.stack([np.asarray(row).reshape(-1) for row in jax.block_until_ready(run(part))])

    def go() -> np.ndarray:
        with ThreadPoolExecutor(threads) as pool:
            return np.concatenate(list(pool.map(one, parts)), axis=1)[:, :n]

    return go
