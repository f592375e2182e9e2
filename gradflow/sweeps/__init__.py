"""Grids of starts and hyper-parameters: cut into blocks, computed on workers, kept in stores."""

from gradflow.sweeps.axes import Axis, Points
from gradflow.sweeps.grids import basins

__all__ = ["Axis", "Points", "basins"]
