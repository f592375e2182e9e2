"""gradflow: what training does to a ReLU neuron, and why.

The names below are what most work needs, and the folders hold the rest; both are loaded on first use, so
that importing the package stays light: `gradflow.theory.energy` needs no import of its own.

From the ground up, each folder using those before it: base, data, neuron, field, compiled, descent, flow,
theory, ends, runs, sweeps, networks, study, explore, cli; proofs beside them.
"""

from __future__ import annotations

from gradflow.base.version import __version__ as __version__

# As `typing` has it, whose import is what takes longest here: until the command line is there, an interrupt
# is a traceback of Python's.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

    from gradflow.base.progress import progress_bar
    from gradflow.descent import GD as GD
    from gradflow.descent import Adam, AdamW, HeavyBall, Nesterov, RMSProp, Sign, train_arrays
    from gradflow.ends import bracket, descent_outcomes, flow_outcomes
    from gradflow.ends.explained import explain
    from gradflow.networks.either import gradient, gradient_flow, hessian, loss, train
    from gradflow.networks.line import Network
    from gradflow.networks.student import student
    from gradflow.neuron.laws import Normal, Steps
    from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform, grid
    from gradflow.neuron.reading import read_sample
    from gradflow.neuron.targets import Knots, Polynomials, Sine, interpolated
    from gradflow.proofs import symbolic as symbolic
    from gradflow.runs import crossings
    from gradflow.study import figures as figures
    from gradflow.sweeps import Axis, basins

_HOMES = {
    "gradflow.base.progress": ("progress_bar",),
    "gradflow.descent": ("GD", "Adam", "AdamW", "HeavyBall", "Nesterov", "RMSProp", "Sign", "train_arrays"),
    "gradflow.ends": ("bracket", "descent_outcomes", "flow_outcomes"),
    "gradflow.ends.explained": ("explain",),
    "gradflow.networks.either": ("gradient", "gradient_flow", "hessian", "loss", "train"),
    "gradflow.networks.line.network": ("Network",),
    "gradflow.networks.student": ("student",),
    "gradflow.neuron.laws": ("Normal", "Steps"),
    "gradflow.neuron.targets": ("Knots", "Polynomials", "Sine", "interpolated"),
    "gradflow.neuron.reading": ("read_sample",),
    "gradflow.neuron.problem": ("Neuron", "Problem", "Sample", "Uniform", "grid"),
    "gradflow.runs": ("crossings",),
    "gradflow.sweeps": ("Axis", "basins"),
}
_FOLDERS = (
    "compiled",
    "data",
    "descent",
    "ends",
    "explore",
    "field",
    "flow",
    "networks",
    "neuron",
    "proofs",
    "runs",
    "study",
    "sweeps",
    "theory",
)
_DEEPER = {"figures": "gradflow.study.figures", "symbolic": "gradflow.proofs.symbolic"}
"""Modules that are called by a shorter name too."""

_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "GD",
    "Adam",
    "AdamW",
    "Axis",
    "HeavyBall",
    "Knots",
    "Nesterov",
    "Network",
    "Neuron",
    "Normal",
    "Polynomials",
    "Problem",
    "RMSProp",
    "Sample",
    "Sign",
    "Sine",
    "Steps",
    "Uniform",
    "basins",
    "bracket",
    "crossings",
    "descent_outcomes",
    "explain",
    "flow_outcomes",
    "gradient",
    "gradient_flow",
    "grid",
    "hessian",
    "interpolated",
    "loss",
    "progress_bar",
    "read_sample",
    "student",
    "train",
    "train_arrays",
]


def __getattr__(name: str) -> Any:
    """Load a public name from the module that defines it, or a module."""
    from importlib import import_module

    if name in _FOLDERS or name in _DEEPER:
        return import_module(_DEEPER.get(name, f"gradflow.{name}"))
    if name not in _HOME_OF:
        raise AttributeError(f"module 'gradflow' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    """Return the public names and modules, loaded or not, and what every module has."""
    own = (name for name in globals() if name.startswith("__") and name not in ("__getattr__", "__dir__"))
    return sorted({*__all__, *_FOLDERS, *_DEEPER, *own})
