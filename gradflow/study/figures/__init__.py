"""One function per kind of figure; each returns a Matplotlib figure and saves nothing.

No figure touches pyplot, so none has to be closed and no backend has to be chosen; `save` writes it.
"""

from gradflow.study.figures.alignment import Below, alignment
from gradflow.study.figures.convergence import Errors, Orders, convergence
from gradflow.study.figures.curves import At, Curve, Curves, Strands
from gradflow.study.figures.depth import Row, Rows, dying
from gradflow.study.figures.loss_against import loss_against
from gradflow.study.figures.loss_curves import loss_curves
from gradflow.study.figures.mixed import Frame, mixed
from gradflow.study.figures.panels import Band, Level, Mark, Panel, Series, fraction
from gradflow.study.figures.phase_diagram import Diagram, Layer, phase_diagram
from gradflow.study.figures.phase_plane import Trajectory, phase_plane
from gradflow.study.figures.plane import PlaneView
from gradflow.study.figures.proved_regions import proved_regions
from gradflow.study.figures.remedies import remedies
from gradflow.study.figures.save import save
from gradflow.study.figures.snapshots import snapshots
from gradflow.study.figures.style import DOUBLE, SINGLE, style

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
