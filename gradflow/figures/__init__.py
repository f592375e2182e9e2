"""One function per kind of figure; each returns a Matplotlib figure and saves nothing.

No figure touches pyplot, so none has to be closed and no backend has to be chosen; `save` writes it.
"""

from gradflow.figures.alignment import Below, alignment
from gradflow.figures.convergence import Errors, Orders, convergence
from gradflow.figures.curves import At, Curve, Curves, Strands
from gradflow.figures.depth import Row, Rows, dying
from gradflow.figures.loss_against import loss_against
from gradflow.figures.loss_curves import loss_curves
from gradflow.figures.mixed import Frame, mixed
from gradflow.figures.panels import Band, Level, Mark, Panel, Series, fraction
from gradflow.figures.phase_diagram import Diagram, Layer, phase_diagram
from gradflow.figures.phase_plane import Trajectory, phase_plane
from gradflow.figures.plane import PlaneView
from gradflow.figures.proved_regions import proved_regions
from gradflow.figures.remedies import remedies
from gradflow.figures.save import save
from gradflow.figures.snapshots import snapshots
from gradflow.figures.style import DOUBLE, SINGLE, style

__all__ = [
    "DOUBLE",
    "SINGLE",
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
    "Mark",
    "Orders",
    "Panel",
    "PlaneView",
    "Row",
    "Rows",
    "Series",
    "Strands",
    "Trajectory",
    "alignment",
    "convergence",
    "dying",
    "fraction",
    "loss_against",
    "loss_curves",
    "mixed",
    "phase_diagram",
    "phase_plane",
    "proved_regions",
    "remedies",
    "save",
    "snapshots",
    "style",
]
