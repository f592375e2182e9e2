"""diffrax: `vmap` over trajectories of an adaptive solve, compiled by JAX, float64.

Every trajectory has its own step size; the loop runs until the last has arrived.
"""

from __future__ import annotations

from collections.abc import Callable

import diffrax
import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.closed_form import gradient
from benchmarks.peers.jax_adam import ends, ramp


def _velocity(t: float, theta: tuple[jax.Array, ...], args: None) -> tuple[jax.Array, ...]:
    return tuple(-g for g in gradient(theta, ends, ramp))


def flow(theta: np.ndarray, t_end: float, rtol: float, solver: str) -> Callable[[], np.ndarray]:
    """Return the parameters at `t_end`, shape (4, n), of failed trajectories NaN; by 'Tsit5' or 'Dopri8'.

    All trajectories in one call: cut into calls of 256 or fewer they took longer.
    """
    term, method = diffrax.ODETerm(_velocity), getattr(diffrax, solver)()
    control = diffrax.PIDController(rtol=rtol, atol=0.01 * rtol)

    def one(start: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        solution = diffrax.diffeqsolve(
            term,
            method,
            0.0,
            t_end,
            None,
            start,
            saveat=diffrax.SaveAt(t1=True),
            stepsize_controller=control,
            max_steps=None,
            throw=False,
        )
        good = solution.result == diffrax.RESULTS.successful
        return tuple(jnp.where(good, y[0], jnp.nan) for y in solution.ys)

    run = jax.jit(jax.vmap(one))
    starts = tuple(jnp.asarray(row) for row in theta)
    return lambda: np.stack([np.asarray(y) for y in jax.block_until_ready(run(starts))])
