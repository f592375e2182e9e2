"""Initialisations of deep networks. The draw of network i depends on the seed and on i only."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TypeAlias

import numpy as np

from gradflow.base.arrays import Array
from gradflow.base.checks import dtype_name, integer
from gradflow.networks.deep.network import Network, layout, pack

RAI_SCALE = 0.6007
"""The standard deviation of RAI's normal entries times the root of the fan-in [1]_."""

Draw: TypeAlias = Callable[[np.random.Generator, tuple[int, ...]], tuple[np.ndarray, np.ndarray]]


def he(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """He et al. (arXiv:1502.01852): N(0, 2/fan_in), biases 0.

    Parameters
    ----------
    rng : Generator
        Where the numbers come from.
    shape : tuple of int
        (…, out, in).

    Returns
    -------
    weight, bias : array
        Of shapes (…, out, in) and (…, out).
    """
    return _normal(rng, shape, 2.0)


def lecun(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """LeCun et al. (1998): N(0, 1/fan_in), biases 0; arguments as `he`."""
    return _normal(rng, shape, 1.0)


def doubled(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Twice the variance of `he`, N(0, 4/fan_in), biases 0: too large; arguments as `he`."""
    return _normal(rng, shape, 4.0)


def torch_linear(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Initialisation of ``torch.nn.Linear``: weights and biases uniform on ±1/√fan_in; arguments as `he`."""
    bound = 1.0 / math.sqrt(shape[-1])
    return rng.uniform(-bound, bound, shape), rng.uniform(-bound, bound, shape[:-1])


def rai(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Randomised asymmetric initialisation [1]_; arguments as `he`.

    A unit's weights and bias are one row of fan_in + 1 entries, each N(0, 0.6007²/fan_in); then one of
    them, drawn uniformly, is replaced by a draw from Beta(2, 1).

    References
    ----------
    .. [1] L. Lu, Y. Shin, Y. Su, G. E. Karniadakis, "Dying ReLU and initialization: theory and numerical
       examples", arXiv:1903.06733.
    """
    fan_in = shape[-1]
    rows = rng.normal(0.0, RAI_SCALE / math.sqrt(fan_in), (*shape[:-1], fan_in + 1))
    place = rng.integers(0, fan_in + 1, (*shape[:-1], 1))
    np.put_along_axis(rows, place, rng.beta(2.0, 1.0, place.shape), axis=-1)
    return rows[..., :-1], rows[..., -1]


def glorot(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Glorot and Bengio (AISTATS 2010): N(0, 2/(fan_in + fan_out)), biases 0; arguments as `he`."""
    return _normal(rng, shape, 2.0 * shape[-1] / (shape[-1] + shape[-2]))


SCHEMES: dict[str, Draw] = {
    "he": he,
    "lecun": lecun,
    "doubled": doubled,
    "torch": torch_linear,
    "rai": rai,
    "glorot": glorot,
}
"""The initialisations by name."""

ALIASES = {
    "kaiming": "he",
    "kaiming_normal": "he",
    "he_normal": "he",
    "xavier": "glorot",
    "xavier_normal": "glorot",
    "glorot_normal": "glorot",
    "lecun_normal": "lecun",
}
"""Other names of some."""


def draw_of(scheme: str | Draw) -> Draw:
    """Return an initialisation from its name, in any case, or itself.

    Raises
    ------
    ValueError, TypeError
        If there is none of this name, or it is no function.
    """
    if callable(scheme):
        return scheme
    if not isinstance(scheme, str):
        raise TypeError(
            f"scheme: expected a name or a function like gradflow.networks.deep.initial.he, got {scheme!r}"
        )
    name = scheme.lower().replace("-", "_")
    name = ALIASES.get(name, name)
    if name not in SCHEMES:
        raise ValueError(f"scheme: expected one of {', '.join(SCHEMES)}, got {scheme!r}")
    return SCHEMES[name]


def indices_of(networks: int | Iterable[int]) -> list[int]:
    """Return the indices of the networks to draw: so many from 0, or these.

    Raises
    ------
    ValueError, TypeError
        Unless it is an integer ≥ 1, or integers ≥ 0, at least one.
    """
    given = np.asarray(networks).tolist() if hasattr(networks, "__array__") else networks
    if isinstance(given, str) or not isinstance(given, Iterable):
        count = integer("networks", given, 0)
        indices = [*range(count)]
    else:
        indices = [integer("networks", index, 0) for index in given]
    if not indices:
        raise ValueError("networks: expected at least one")
    return indices


def initial(
    network: Network,
    networks: int | Iterable[int],
    *,
    scheme: str | Draw = "he",
    seed: int = 0,
    dtype: str = "float64",
) -> Array:
    """Return the parameters of networks before training, shape (P, B).

    Parameters
    ----------
    network : Network
        The architecture. Gains are 1, shifts 0; the output layer is drawn like the others, but under RAI,
        which is for layers that ReLU follows, like `he`.
    networks : int or iterable of int
        How many, or the index i of each: network i is the same in every batch.
    scheme : str or callable
        A key of `SCHEMES` or of `ALIASES`, or a function like `he`.
    seed : int
        ≥ 0.
    dtype : {'float64', 'float32'}
        Of the result; the draws are rounded from float64.

    Raises
    ------
    ValueError, TypeError
        If there is no such scheme or dtype, or another argument is not as described.
    """
    draw, indices, seed = draw_of(scheme), indices_of(networks), integer("seed", seed, 0)
    dtype = dtype_name("dtype", dtype)
    drawn = [_one(network, draw, np.random.default_rng((seed, index))) for index in indices]
    layers = [
        {name: np.stack([one[i][name] for one in drawn]) for name in own} for i, own in enumerate(drawn[0])
    ]
    return pack(network, layers).astype(dtype)


def _one(network: Network, draw: Draw, rng: np.random.Generator) -> list[dict[str, np.ndarray]]:
    layers: list[dict[str, np.ndarray]] = [{} for _ in range(network.depth + 1)]
    for block in layout(network):
        own = layers[block.layer]
        if block.name == "weight":
            last = he if draw is rai and block.layer == network.depth else draw
            own["weight"], own["bias"] = _checked(last(rng, block.shape), block.shape)
        elif block.name in ("gain", "shift"):
            own[block.name] = np.full(block.shape, 1.0 if block.name == "gain" else 0.0)
    return layers


def _checked(drawn: object, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return weight and bias of the shapes that a scheme is asked for."""
    parts = [np.asarray(part, dtype=np.float64) for part in drawn] if isinstance(drawn, (tuple, list)) else []
    if [part.shape for part in parts] != [shape, shape[:-1]]:
        raise ValueError(
            f"scheme: expected a weight of shape {shape} and a bias of shape {shape[:-1]}, got "
            + (" and ".join(str(part.shape) for part in parts) or f"a {type(drawn).__name__}")
        )
    return parts[0], parts[1]


def _normal(
    rng: np.random.Generator, shape: tuple[int, ...], variance: float
) -> tuple[np.ndarray, np.ndarray]:
    return rng.normal(0.0, math.sqrt(variance / shape[-1]), shape), np.zeros(shape[:-1])
