"""Random networks to start from, by the names of the usual rules."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from gradflow.base.checks import integer, one_of
from gradflow.networks.line.network import Network

Draw = Callable[[np.random.Generator, int, tuple[int, ...]], tuple[np.ndarray, ...]]


def _he(rng: np.random.Generator, m: int, shape: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    w1, w2 = math.sqrt(2.0) * rng.normal(size=(m, *shape)), math.sqrt(2.0 / m) * rng.normal(size=(m, *shape))
    return w1, np.zeros_like(w1), w2, np.zeros(shape)


def _glorot(rng: np.random.Generator, m: int, shape: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    most = math.sqrt(6.0 / (m + 1))
    w1, w2 = rng.uniform(-most, most, (m, *shape)), rng.uniform(-most, most, (m, *shape))
    return w1, np.zeros_like(w1), w2, np.zeros(shape)


def _uniform(rng: np.random.Generator, m: int, shape: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    w1, b1 = rng.uniform(-1.0, 1.0, (m, *shape)), rng.uniform(-1.0, 1.0, (m, *shape))
    most = 1.0 / math.sqrt(m)
    return w1, b1, rng.uniform(-most, most, (m, *shape)), rng.uniform(-most, most, shape)


def _kernel(rng: np.random.Generator, m: int, shape: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    w1, b1 = rng.normal(size=(m, *shape)), rng.normal(size=(m, *shape))
    return w1, b1, rng.normal(size=(m, *shape)) / math.sqrt(m), np.zeros(shape)


STARTS: dict[str, Draw] = {"he": _he, "glorot": _glorot, "uniform": _uniform, "kernel": _kernel}
"""How starts are drawn, by name."""


def start(name: str, m: int, seed: int = 0, shape: tuple[int, ...] = ()) -> Network:
    """Return random networks of m neurons.

    Parameters
    ----------
    name : {'he', 'glorot', 'uniform', 'kernel'}
        he: w1 ~ N(0, 2), w2 ~ N(0, 2/m), biases 0, so that all breakpoints are at 0 [1]_. glorot: w1 and w2
        uniform within √(6/(m + 1)), biases 0 (Keras's default) [2]_. uniform: w1 and b1 uniform within 1, w2
        and b2 within 1/√m (PyTorch's default). kernel: w1, b1 ~ N(0, 1), w2 ~ N(0, 1/m), b2 = 0.
    m : int
        ≥ 1.
    seed : int
        ≥ 0, of NumPy's generator; the same seed gives the same network.
    shape : tuple of int
        The shape of an array of networks.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers", ICCV 2015, arXiv:1502.01852.
    .. [2] X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks",
       AISTATS 2010.

    Examples
    --------
    >>> start("he", 20, seed=1)
    Network(20 neurons)
    """
    one_of("start", name, tuple(STARTS))
    m, seed = integer("neurons", m, 1), integer("seed", seed, 0)
    return Network(*STARTS[name](np.random.default_rng(seed), m, tuple(shape)))
