"""The options of `gradflow align` in groups, each of which says what it stands for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gradflow.cli.completion import among
from gradflow.cli.options import integer, number
from gradflow.cli.steps import HYPER, LR, STEPS, parse_hyper
from gradflow.descent import OPTIMIZERS, optimizer, optimizer_name

if TYPE_CHECKING:
    from gradflow.descent.optimisers.hyper import Config
    from gradflow.networks.two_layer.data import Dataset
    from gradflow.networks.two_layer.losses import Objective
    from gradflow.networks.two_layer.network import TwoLayer

SETS = ("toy", "two-points", "equiangular", "cone", "digits", "t-shirt-trouser", "t-shirt-shirt")
STARTS = ("balanced", "gaussian")
FLOWS = ("flow", "limit", "small-steps")


@dataclass(frozen=True)
class DataOptions:
    """The data: a built-in set and its parameters, or a file."""

    data: Annotated[
        str,
        typer.Option(
            metavar="NAME|FILE",
            autocompletion=among(*SETS),
            help=f"{', '.join(SETS)}, or a file .npz or .csv of your own.",
        ),
    ] = "toy"
    points: Annotated[
        str | None,
        typer.Option(metavar="N", show_default=False, help="How many data, for the built-in sets."),
    ] = None
    mu: Annotated[str, typer.Option(metavar="X", help="Least cosine of y x, for equiangular and cone.")] = (
        "0.3"
    )
    dimension: Annotated[str, typer.Option(metavar="D", help="Of the inputs, for cone.")] = "5"
    delta: Annotated[str, typer.Option(metavar="X", help="The angle that misses 90°, for two-points.")] = (
        "0.1"
    )
    mnist: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.npz", help="All of MNIST's zeros and ones, for digits (train_images, train_labels)."
        ),
    ] = None
    constant_columns: Annotated[
        bool, typer.Option("--constant-columns", help="Coordinates of a file may be constant, as a bias is.")
    ] = False
    center: Annotated[
        bool,
        typer.Option("--center", help="Subtract the mean input (digits and garments are centred anyway)."),
    ] = False

    def read(self, seed: int) -> Dataset:
        """Return the data; those that are random are drawn from the seed."""
        from gradflow.networks.two_layer.data import Dataset, centred
        from gradflow.networks.two_layer.reading import SUFFIXES, read_dataset

        if Path(self.data).suffix.lower() in SUFFIXES:
            data = read_dataset(self.data, constant_columns=self.constant_columns)
        elif self.data in SETS:
            try:
                data = self._built_in(seed)
            except ValueError as error:
                # What the library calls n is --points here.
                message = str(error)
                raise ValueError(
                    f"--points{message[1:]}" if message.startswith("n: ") else message
                ) from error
        else:
            raise ValueError(
                f"--data: expected one of {', '.join(SETS)}, or a file .npz or .csv, got {self.data!r}"
            )
        return Dataset(centred(data.inputs), data.labels, data.name) if self.center else data

    def _built_in(self, seed: int) -> Dataset:
        """Return one of the data sets that come with gradflow."""
        from gradflow.networks.two_layer import data as sets

        count = None if self.points is None else integer("--points", self.points, least=1)
        if self.data == "toy":
            return sets.toy_plane(10 if count is None else count, seed)
        if self.data == "two-points":
            return sets.two_points(number("--delta", self.delta))
        if self.data == "equiangular":
            return sets.equiangular(10 if count is None else count, number("--mu", self.mu))
        if self.data == "cone":
            size = integer("--dimension", self.dimension, least=2)
            return sets.cone(10 if count is None else count, number("--mu", self.mu), size, seed)
        if self.data == "digits":
            return sets.digits_data(count, self.mnist)
        # The two pairs of garments, "t-shirt-trouser" and "t-shirt-shirt".
        return sets.garments_data("t-shirt", self.data.removeprefix("t-shirt-"))


def method_option(
    method: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            autocompletion=among(*FLOWS, *OPTIMIZERS),
            help="flow (crossings located), limit (ε → 0, exact), small-steps, or an optimiser.",
        ),
    ] = "flow",
) -> str:
    """Return the name of a flow or of an optimiser."""
    return optimizer_name(method, "--method", FLOWS)


@dataclass(frozen=True)
class LossOptions:
    """The loss that is minimised on the data."""

    loss: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            autocompletion=among("exponential", "logistic", "squared"),
            help="exponential, logistic or squared.",
        ),
    ] = "exponential"
    mean: Annotated[bool, typer.Option("--mean", help="Minimise the mean of the losses, not the sum.")] = (
        False
    )

    def on(self, data: Dataset) -> Objective:
        """Return the objective on data."""
        from gradflow.networks.two_layer.data import check_binary
        from gradflow.networks.two_layer.losses import LOSSES, TWO_CLASSES, Objective

        if LOSSES[self.loss].needs_signs:
            check_binary(data, f"--loss {self.loss}", data.name, TWO_CLASSES)
        return Objective(data, LOSSES[self.loss], self.mean)

    def __post_init__(self) -> None:
        from gradflow.networks.two_layer.losses import LOSSES

        if self.loss not in LOSSES:
            raise ValueError(f"--loss: expected one of {', '.join(LOSSES)}, got {self.loss!r}")


@dataclass(frozen=True)
class StartOptions:
    """The network at the start."""

    neurons: Annotated[str, typer.Option(metavar="H", help="Neurons of the network.")] = "50"
    epsilon: Annotated[
        str,
        typer.Option(
            metavar="X", help="Scale of the start, > 0 (not of the limit); e-30000 means exp(-30000)."
        ),
    ] = "1e-6"
    start: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            autocompletion=among(*STARTS),
            help="balanced (|v| = |w|) or gaussian (all weights alike).",
        ),
    ] = "balanced"
    seed: Annotated[str, typer.Option(metavar="N", help="Of the start, of random data and of batches.")] = "0"

    @property
    def number(self) -> int:
        """The seed."""
        return integer("--seed", self.seed, least=0)

    @property
    def log_epsilon(self) -> float:
        """The logarithm of ε, from the text of ε, or of e and its logarithm."""
        text = self.epsilon
        try:
            found = float(text[1:]) if text.startswith("e") else math.log(float(text))
        except ValueError:
            found = math.nan
        # So that NaN is none.
        if not abs(found) <= 1e6:
            raise ValueError(
                "--epsilon: expected a finite number > 0, such as 1e-6, or e and its logarithm from -1e6 to "
                f"1e6, such as e-30000, got {text!r}"
            )
        return found

    def network(self, dimension: int) -> TwoLayer:
        """Return the network for inputs of a dimension."""
        from gradflow.networks.two_layer.network import balanced, gaussian

        h = integer("--neurons", self.neurons, least=1, most=100_000)
        if self.start not in STARTS:
            raise ValueError(f"--start: expected one of {', '.join(STARTS)}, got {self.start!r}")
        make = balanced if self.start == "balanced" else gaussian
        return make(h, dimension, self.log_epsilon, seed=self.number)


@dataclass(frozen=True)
class FlowOptions:
    """How far a flow is followed, and how exactly."""

    t_end: Annotated[
        str | None,
        typer.Option(
            metavar="T",
            show_default=False,
            help="Final time of flow, small-steps and limit.  [default: 100; limit: until all is settled]",
        ),
    ] = None
    until_loss: Annotated[
        str | None, typer.Option(metavar="X", show_default=False, help="Let the flow end at this loss.")
    ] = None
    rtol: Annotated[str, typer.Option(metavar="X", help="Relative tolerance of the flow.")] = "1e-9"

    @property
    def duration(self) -> float | None:
        """The final time; None if none is given."""
        return None if self.t_end is None else number("--t-end", self.t_end, least=0)

    @property
    def below(self) -> float:
        """The loss at which the flow ends."""
        return 0.0 if self.until_loss is None else number("--until-loss", self.until_loss, least=0)

    @property
    def tolerance(self) -> float:
        """The relative tolerance."""
        return number("--rtol", self.rtol)


@dataclass(frozen=True)
class TrainingOptions:
    """How an optimiser takes its steps."""

    lr: LR = "0.002"
    hyper: HYPER = None
    steps: STEPS = "15000"
    batch: Annotated[
        str | None, typer.Option(metavar="N", show_default=False, help="Data in a batch.  [default: all]")
    ] = None
    freeze_outputs: Annotated[
        bool, typer.Option("--freeze-outputs", help="Train the input weights only.")
    ] = False

    @property
    def count(self) -> int:
        """The number of steps."""
        return integer("--steps", self.steps, least=0)

    def config(self, method: str) -> Config:
        """Return the optimiser of a name with its hyper-parameters."""
        rate = number("--lr", self.lr, least=0)
        config: Config = optimizer(method, lr=rate, **parse_hyper(self.hyper or []))
        return config

    def batch_size(self, n: int) -> int | None:
        """Return how many of n data are in a batch; None for all."""
        return None if self.batch is None else integer("--batch", self.batch, least=1, most=n)
