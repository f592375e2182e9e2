"""Geometry of data and of a start that the theorems need: μ, ζ, ξ, sizes and angles to cones.

Let z_i = y_i x_i and K the cone that they span. Assumption 1 says that all cosines of pairs of the z_i are
at least μ > 0. Derivations 22 to 24 have the proofs.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.optimize import nnls

from gradflow.base.arrays import to_numpy
from gradflow.base.checks import number
from gradflow.field.bounds import EPS
from gradflow.networks.two_layer.data import Dataset, check_binary
from gradflow.networks.two_layer.network import TwoLayer, directions, log_norms
from gradflow.networks.two_layer.patterns import IN_NEGATIVE, IN_POSITIVE, membership


class Separation(NamedTuple):
    """Least cosine of the data, and whether Assumption 1 holds.

    Attributes
    ----------
    mu : float
        min over pairs i ≠ j of cos(z_i, z_j); 1 for a single datum.
    pair : (int, int)
        The first pair that attains it, i < j; (0, 0) for a single datum.
    holds : bool
        Whether mu > 0.
    """

    mu: float
    pair: tuple[int, int]
    holds: bool


class Setting(NamedTuple):
    """The numbers that enter the paper's bounds and ours.

    Attributes
    ----------
    n, positives, negatives : int
        How many data there are, and of each label.
    mu, xi : float
        As `separation` and `xi`.
    zeta : float
        min{ζ1, ζ2} (the paper prints max, and needs min: derivation 24).
    x_min, x_max : float
        Least and largest norm of an input.
    h : int
        Neurons.
    w_min, w_max : float
        Least and largest norm of a column of W0, where W(0) = ε W0.
    w_square : float
        Σ_j ‖w0_j‖².
    """

    n: int
    positives: int
    negatives: int
    mu: float
    zeta: float
    xi: float
    x_min: float
    x_max: float
    h: int
    w_min: float
    w_max: float
    w_square: float


class Angles(NamedTuple):
    """Angles of a start's neurons to the directions that delay them, as sines; that of 90° and more is 1.

    They are right to a part of 1e-9; where rounding may be more than that they are lower bounds, under
    Assumption 1, so that one that is 0 is 0 here.

    Attributes
    ----------
    cone : array, shape (h,)
        sin ∠(w, −σK), σ = sign v: the distance of w from −σK over ‖w‖.
    opposite : bool array, shape (h,)
        Whether w is in S₋σ, active exactly on the data of the other label. Outside, `cone` is at least μ.
    force : array, shape (h,)
        sin ∠(w, −σG), G the neuron's first force in the limit; for `opposite` neurons that is the angle to
        x₋σ. 1 where G = 0.
    own : int array, shape (h,)
        How many data with y = σ are on beyond rounding; under Assumption 1 they stay on.
    """

    cone: np.ndarray
    opposite: np.ndarray
    force: np.ndarray
    own: np.ndarray


def separation(data: Dataset) -> Separation:
    """Return μ and the pair of data that attains it (Assumption 1)."""
    check_binary(data, "Assumption 1")
    if data.n == 1:
        return Separation(1.0, (0, 0), True)
    z = units(data)
    cosines = np.clip(z @ z.T, -1.0, 1.0)
    cosines[np.tril_indices(data.n)] = np.inf
    i, j = divmod(int(np.argmin(cosines)), data.n)
    return Separation(float(cosines[i, j]), (i, j), bool(cosines[i, j] > 0.0))


def norms(data: Dataset) -> tuple[float, float]:
    """Return X_min and X_max."""
    sizes = np.linalg.norm(data.inputs.astype(np.float64), axis=1)
    return float(sizes.min()), float(sizes.max())


def zeta1(data: Dataset, label: int | None = None) -> float:
    """Return the largest ζ such that the open cap cos(z, x₊) > √(1 − ζ) lies in S₊, and likewise for x₋.

    It is min over all data of cos²(x₊, x_i): the sine of the angle between x₊ and the wall of x_i is
    |cos(x₊, x_i)|. 0 if x₊ is not in S₊. Under Assumption 1 it is at least μ² (derivation 24).

    Parameters
    ----------
    data : Dataset
    label : int, optional
        1 for x₊ or −1 for x₋ alone; by default the smaller of the two. A label without data counts as 1.
    """
    check_binary(data, "zeta1")
    if label is None:
        return min(zeta1(data, 1), zeta1(data, -1))
    if not np.any(data.labels == label):
        return 1.0
    total = data.total(label).astype(np.float64)
    size = float(np.linalg.norm(total))
    if size == 0.0:
        return 0.0
    # In S of this label: positive on the label's own data, negative on the others.
    cosine = float(np.min(label * (units(data) @ total))) / size
    return max(cosine, 0.0) ** 2


def zeta2(data: Dataset, network: TwoLayer) -> float:
    """Return the sup of the ζ such that cos(w_j, x₋) < √(1 − ζ) for all v_j > 0, and x₊ for v_j < 0.

    That is 1 − max(0, the largest cosine)². A label without data has no such condition.
    """
    check_binary(data, "zeta2")
    w, signs = _signed_directions(network)
    # sin² of the smallest angle, which 1 − cos² would lose to cancellation.
    least = 1.0
    for sign in (1, -1):
        total = data.total(-sign).astype(np.float64)
        size = float(np.linalg.norm(total))
        if size > 0.0:
            least = min([least, *(sine_between(one, total / size) ** 2 for one in w[signs == sign])])
    return least


def xi(data: Dataset) -> float:
    """Return the largest ξ such that |cos(x, x′)| ≤ √(1 − ξ) for x in K, x′ outside S₊ and S₋.

    It is exactly max(μ, 0)² (derivation 24): the place outside that is closest to x is on a wall, at an angle
    with the sine cos(x, z_i), and on a cone cos(·, z_i) is least on a ray.
    """
    return max(separation(data).mu, 0.0) ** 2


def angles(data: Dataset, network: TwoLayer) -> Angles:
    """Return the angles of all neurons of one network to −σK and to their own first force.

    The distance to the cone is a non-negative least squares problem, solved by Lawson and Hanson's active
    sets; what is returned is a bound by its residual (`distance_from_cone`).

    Raises
    ------
    ValueError
        If there is more than one network, or a w_j or v_j is 0.
    """
    check_binary(data, "the angle to the cone")
    w, signs = _signed_directions(network)
    z = units(data)
    raw = data.signed.astype(np.float64)
    sizes = np.linalg.norm(raw, axis=1)
    slack = (w.shape[1] + 8) * EPS
    cone, opposite, force = np.empty(w.shape[0]), np.empty(w.shape[0], bool), np.empty(w.shape[0])
    own = np.empty(w.shape[0], int)
    for j, (direction, sign) in enumerate(zip(w, signs, strict=True)):
        cone[j] = distance_from_cone(direction, -sign * z)
        outputs = data.inputs @ direction
        active = outputs > 0.0
        own[j] = np.sum((outputs > slack * sizes) & (data.labels == sign))
        opposite[j] = int(membership(active, data.labels)) == (IN_NEGATIVE if sign > 0 else IN_POSITIVE)
        pull = sign * np.sum(raw[active], axis=0)
        size = float(np.linalg.norm(pull))
        # The terms of the sum may cancel.
        lost = (data.n * EPS + 4.0 * slack) * float(np.sum(sizes[active])) / size if size > 0.0 else 0.0
        force[j] = _no_more(sine_between(direction, -pull / size), lost) if size > 0.0 else 1.0
    return Angles(cone, opposite, force, own)


def distance_from_cone(direction: np.ndarray, rays: np.ndarray) -> float:
    """Return the distance of a unit vector w from the cone of unit rays, at most 1, or a lower bound.

    The bound, where rounding may be more than 1e-9 of the distance, is w·u for a vector u, |u| ≤ 1, with
    u·z ≤ 0 for all rays z: the residual of non-negative least squares, moved off the rays by what rounding
    has left of them. Where the rays' sum has an angle of 90° or more with one of them, it is the residual's
    length.

    Parameters
    ----------
    direction : array, shape (D,)
    rays : array, shape (n, D)
    """
    weights, left = nnls(rays.T, direction)
    size = float(left)
    rest = direction - weights @ rays
    middle = np.sum(rays, axis=0)
    length = float(np.linalg.norm(middle))
    if size == 0.0 or length == 0.0:
        return min(size, 1.0)
    u, middle = rest / size, middle / length
    slack = (direction.size + 8) * EPS
    inner = float(np.min(rays @ middle)) - slack
    if inner <= 0.0:
        return min(size, 1.0)
    shift = max(float(np.max(rays @ u)) + slack, 0.0) / inner
    found = (float(direction @ u) - shift * float(direction @ middle)) / (1.0 + shift) - 4.0 * slack
    return min(_no_more(size, size - found), 1.0)


def _no_more(value: float, error: float) -> float:
    """Return a value whose error is at most a part of 1e-9, or else what it is at least; not below 0."""
    return value if error <= 1e-9 * value else max(value - error, 0.0)


def sine_between(first: np.ndarray, second: np.ndarray) -> float:
    """Return the sine of the angle of two unit vectors, 1 from 90° on, accurate for small angles."""
    # 2 atan2(|a − b|, |a + b|) is accurate everywhere (Kahan).
    angle = 2.0 * math.atan2(float(np.linalg.norm(first - second)), float(np.linalg.norm(first + second)))
    return math.sin(min(angle, 0.5 * math.pi))


def setting(data: Dataset, network: TwoLayer, log_epsilon: float) -> Setting:
    """Return the numbers of the paper's theorem for one network whose W(0) is ε W0.

    Parameters
    ----------
    data : Dataset
        Labels ±1.
    network : TwoLayer
        One network, weights of shape (h, D).
    log_epsilon : float
        ln ε; it only fixes what W0 is.

    Raises
    ------
    ValueError
        If a label is not ±1, there is more than one network, or a w_j or v_j is 0.
    """
    log_epsilon = number("log_epsilon", log_epsilon)
    _signed_directions(network)
    sizes = np.exp(to_numpy(log_norms(network)) - log_epsilon)
    least, largest = norms(data)
    mu = separation(data).mu
    return Setting(
        n=data.n,
        positives=int(np.sum(data.labels == 1.0)),
        negatives=int(np.sum(data.labels == -1.0)),
        mu=mu,
        zeta=min(zeta1(data), zeta2(data, network)),
        xi=max(mu, 0.0) ** 2,
        x_min=least,
        x_max=largest,
        h=int(sizes.size),
        w_min=float(sizes.min()),
        w_max=float(sizes.max()),
        w_square=float(np.sum(sizes**2)),
    )


def units(data: Dataset) -> np.ndarray:
    """Return z_i/‖z_i‖, shape (n, D)."""
    z = data.signed.astype(np.float64)
    # Squares of extreme data leave the range of floats; a power of 2 costs no digits.
    z = np.ldexp(z, -np.frexp(np.max(np.abs(z), axis=1, keepdims=True))[1])
    return np.asarray(z / np.linalg.norm(z, axis=1, keepdims=True))


def _signed_directions(network: TwoLayer) -> tuple[np.ndarray, np.ndarray]:
    """Return the unit directions w_j/‖w_j‖ and the signs of the v_j of one network."""
    if network.weights.ndim != 2:
        raise ValueError(
            f"network: expected one network, weights of shape (h, D), got {network.weights.shape}"
        )
    w = to_numpy(directions(network)).astype(np.float64)
    signs = np.sign(to_numpy(network.outputs)).astype(int)
    if not (np.all(signs) and np.all(np.any(w != 0.0, axis=1))):
        raise ValueError("network: expected no w_j = 0 and no v_j = 0")
    return w, signs
