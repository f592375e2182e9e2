"""Data, loss and start of `gradflow align`, from its options as they are written."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from gradflow.cli.align_options import SETS, STARTS
from gradflow.cli.options import integer, number

if TYPE_CHECKING:
    from gradflow.networks.two_layer.data import Dataset
    from gradflow.networks.two_layer.losses import Objective
    from gradflow.networks.two_layer.network import TwoLayer


def objective_of(
    name: str,
    points: str | None,
    mu: str,
    dimension: str,
    delta: str,
    mnist: Path | None,
    constant_columns: bool,
    center: bool,
    seed: str,
    loss: str,
    mean: bool,
) -> Objective:
    """Return data and loss."""
    from gradflow.networks.two_layer.data import Dataset, centred
    from gradflow.networks.two_layer.losses import LOSSES, Objective
    from gradflow.networks.two_layer.reading import SUFFIXES, read_dataset

    if loss not in LOSSES:
        raise ValueError(f"--loss: expected one of {', '.join(LOSSES)}, got {loss!r}")
    if Path(name).suffix.lower() in SUFFIXES:
        data = read_dataset(name, constant_columns=constant_columns)
    elif name in SETS:
        count = None if points is None else integer("--points", points, least=1)
        try:
            data = _built_in(name, count, mu, dimension, delta, mnist, integer("--seed", seed, least=0))
        except ValueError as error:
            # What the library calls n is --points here.
            message = str(error)
            raise ValueError(f"--points{message[1:]}" if message.startswith("n: ") else message) from error
    else:
        raise ValueError(f"--data: expected one of {', '.join(SETS)}, or a file .npz or .csv, got {name!r}")
    if center:
        data = Dataset(centred(data.inputs), data.labels, data.name)
    if LOSSES[loss].needs_signs and not data.is_binary:
        raise ValueError(f"{data.name}: --loss {loss} needs labels of -1 and 1; squared takes any")
    return Objective(data, LOSSES[loss], mean)


def _built_in(
    name: str, count: int | None, mu: str, dimension: str, delta: str, mnist: Path | None, seed: int
) -> Dataset:
    """Return one of the data sets that come with gradflow."""
    from gradflow.networks.two_layer import data as sets

    if name == "toy":
        return sets.toy_plane(10 if count is None else count, seed)
    if name == "two-points":
        return sets.two_points(number("--delta", delta))
    if name == "equiangular":
        return sets.equiangular(10 if count is None else count, number("--mu", mu))
    if name == "cone":
        size = integer("--dimension", dimension, least=2)
        return sets.cone(10 if count is None else count, number("--mu", mu), size, seed)
    if name == "digits":
        return sets.digits_data(count, mnist)
    # The two pairs of garments, "t-shirt-trouser" and "t-shirt-shirt".
    return sets.garments_data("t-shirt", name.removeprefix("t-shirt-"))


def network_of(
    objective: Objective, neurons: str, epsilon: str, start: str, seed: str
) -> tuple[TwoLayer, float]:
    """Return the network at the start, and ln ε."""
    from gradflow.networks.two_layer.network import balanced, gaussian

    h = integer("--neurons", neurons, least=1, most=100_000)
    if start not in STARTS:
        raise ValueError(f"--start: expected one of {', '.join(STARTS)}, got {start!r}")
    log_epsilon = _log(epsilon)
    make = balanced if start == "balanced" else gaussian
    return make(h, objective.data.dimension, log_epsilon, seed=integer("--seed", seed, least=0)), log_epsilon


def _log(epsilon: str) -> float:
    """Return ln ε from the text of ε, or of e and its logarithm."""
    try:
        found = float(epsilon[1:]) if epsilon.startswith("e") else math.log(float(epsilon))
    except ValueError:
        found = math.nan
    # So that NaN is none.
    if not abs(found) <= 1e6:
        raise ValueError(
            "--epsilon: expected a finite number > 0, such as 1e-6, or e and its logarithm from -1e6 to 1e6, "
            f"such as e-30000, got {epsilon!r}"
        )
    return found
