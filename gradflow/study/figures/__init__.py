"""One function per kind of figure; each returns a Matplotlib figure and saves nothing.

Results are drawn as they come by `loss`, `students`, `functions`, `parameters`, `outcomes`, `trajectories`
and `movie`, what is proved by `decided`; the other functions draw numbers that you give them. All take `ax`,
axes of your own.

No figure touches pyplot, so none has to be closed and no backend has to be chosen; `save` writes it.
"""

from gradflow.study.figures.along import outcomes_along
from gradflow.study.figures.convergence import Errors, Orders
from gradflow.study.figures.curves import At, Curve, Curves, Strands
from gradflow.study.figures.decided import decided
from gradflow.study.figures.frames import Below, Frame, sheet
from gradflow.study.figures.losses import loss_against, loss_curves
from gradflow.study.figures.movie import Movie, movie
from gradflow.study.figures.network_runs import network_runs
from gradflow.study.figures.one_run import one_run
from gradflow.study.figures.panels import Band, Level, Mark, Panel, Series, fraction
from gradflow.study.figures.phase_diagram import Diagram, Layer, phase_diagram
from gradflow.study.figures.phase_plane import Trajectory, phase_plane
from gradflow.study.figures.plane import PlaneView
from gradflow.study.figures.proved_regions import proved_regions
from gradflow.study.figures.remedies import remedies
from gradflow.study.figures.results import functions, loss, outcomes, parameters, students, trajectories
from gradflow.study.figures.rows import Row, Rows
from gradflow.study.figures.save import save
from gradflow.study.figures.snapshots import snapshots
from gradflow.study.figures.style import CYCLE, DOUBLE, SINGLE, STYLE, Look, style
from gradflow.study.figures.units import two_neurons, units

__all__ = [
    "CYCLE",
    "DOUBLE",
    "SINGLE",
    "STYLE",
    "At",
    "Band",
    "Below",
    "Curve",
    "Curves",
    "Diagram",
    "Errors",
    "Frame",
    "Layer",
    "Level",
    "Look",
    "Mark",
    "Movie",
    "Orders",
    "Panel",
    "PlaneView",
    "Row",
    "Rows",
    "Series",
    "Strands",
    "Trajectory",
    "decided",
    "fraction",
    "functions",
    "loss",
    "loss_against",
    "loss_curves",
    "movie",
    "network_runs",
    "one_run",
    "outcomes",
    "outcomes_along",
    "parameters",
    "phase_diagram",
    "phase_plane",
    "proved_regions",
    "remedies",
    "save",
    "sheet",
    "snapshots",
    "students",
    "style",
    "trajectories",
    "two_neurons",
    "units",
]
