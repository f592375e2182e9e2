"""The command line: `gradflow reproduce | derive | flow | train | threshold | basins | align | explore`."""

from gradflow.cli.entry import main, run

__all__ = ["main", "run"]
