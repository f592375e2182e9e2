"""The options of `gradflow align`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

SETS = ("toy", "two-points", "equiangular", "cone", "digits", "t-shirt-trouser", "t-shirt-shirt")
STARTS = ("balanced", "gaussian")

DATA = Annotated[
    str, typer.Option(metavar="NAME|FILE", help=f"{', '.join(SETS)}, or a file .npz or .csv of your own.")
]
METHOD = Annotated[
    str,
    typer.Option(
        metavar="NAME", help="flow (crossings located), limit (ε → 0, exact), small-steps, or an optimiser."
    ),
]
POINTS = Annotated[
    str | None, typer.Option(metavar="N", show_default=False, help="How many data, for the built-in sets.")
]
MU = Annotated[str, typer.Option(metavar="X", help="Least cosine of y x, for equiangular and cone.")]
DIMENSION = Annotated[str, typer.Option(metavar="D", help="Of the inputs, for cone.")]
DELTA = Annotated[str, typer.Option(metavar="X", help="The angle that misses 90°, for two-points.")]
MNIST = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.npz", help="All of MNIST's zeros and ones, for digits (train_images, train_labels)."
    ),
]
CONSTANT_COLUMNS = Annotated[
    bool, typer.Option("--constant-columns", help="Coordinates of a file may be constant, as a bias is.")
]
CENTER = Annotated[
    bool, typer.Option("--center", help="Subtract the mean input (digits and garments are centred anyway).")
]
LOSS = Annotated[str, typer.Option(metavar="NAME", help="exponential, logistic or squared.")]
MEAN = Annotated[bool, typer.Option("--mean", help="Minimise the mean of the losses, not the sum.")]
NEURONS = Annotated[str, typer.Option(metavar="H", help="Neurons of the network.")]
EPSILON = Annotated[
    str,
    typer.Option(metavar="X", help="Scale of the start, > 0 (not of the limit); e-30000 means exp(-30000)."),
]
START = Annotated[
    str, typer.Option(metavar="NAME", help="balanced (|v| = |w|) or gaussian (all weights alike).")
]
SEED = Annotated[str, typer.Option(metavar="N", help="Of the start, of random data and of batches.")]
T_END = Annotated[
    str | None,
    typer.Option(
        metavar="T", show_default=False,
        help="Final time of flow, small-steps and limit.  [default: 100; limit: until all is settled]",
    ),
]  # fmt: skip
UNTIL_LOSS = Annotated[
    str | None, typer.Option(metavar="X", show_default=False, help="Let the flow end at this loss.")
]
RTOL = Annotated[str, typer.Option(metavar="X", help="Relative tolerance of the flow.")]
BATCH = Annotated[
    str | None, typer.Option(metavar="N", show_default=False, help="Data in a batch.  [default: all]")
]
FREEZE_OUTPUTS = Annotated[bool, typer.Option("--freeze-outputs", help="Train the input weights only.")]
FIGURE = Annotated[
    Path | None,
    typer.Option("--figure", metavar="FILE", help="Draw the run: a name that ends in .pdf, .svg or .png."),
]
OUT = Annotated[Path | None, typer.Option("--out", metavar="FILE.nc", help="Write the run as NetCDF.")]
