"""gradflow: what training does to a ReLU neuron, and why.

The names below are what most work needs, and the modules hold the rest; both are loaded on first use, so
that importing the package stays light: `gradflow.theory.energy` needs no import of its own.
"""

from __future__ import annotations

__version__ = "0.2.0"

# As `typing` has it, whose import is what takes longest here: until the command line is there, an interrupt
# is a traceback of Python's.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

    from gradflow.axes import Axis
    from gradflow.descent import GD as GD
    from gradflow.descent import Adam, AdamW, HeavyBall, Nesterov, RMSProp, Sign, train
    from gradflow.descent.dataset import descend
    from gradflow.ends import bracket, descent_outcomes, flow_outcomes
    from gradflow.field import gradient, hessian, loss
    from gradflow.flow import gradient_flow
    from gradflow.grids import basins
    from gradflow.problem import Neuron, Problem, Sample, Uniform, grid
    from gradflow.results import crossings

_HOMES = {
    "gradflow.axes": ("Axis",),
    "gradflow.ends": ("bracket", "descent_outcomes", "flow_outcomes"),
    "gradflow.descent": ("GD", "Adam", "AdamW", "HeavyBall", "Nesterov", "RMSProp", "Sign", "train"),
    "gradflow.descent.dataset": ("descend",),
    "gradflow.field": ("gradient", "hessian", "loss"),
    "gradflow.flow": ("gradient_flow",),
    "gradflow.grids": ("basins",),
    "gradflow.problem": ("Neuron", "Problem", "Sample", "Uniform", "grid"),
    "gradflow.results": ("crossings",),
}
_MODULES = (
    "activations",
    "activity",
    "alignment",
    "cluster",
    "data",
    "decision",
    "depth",
    "descent",
    "ends",
    "field",
    "figures",
    "flow",
    "fused",
    "neurons",
    "outcome",
    "problem",
    "remedies",
    "results",
    "store",
    "sweep",
    "symbolic",
    "theory",
)
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "GD",
    "Adam",
    "AdamW",
    "Axis",
    "HeavyBall",
    "Nesterov",
    "Neuron",
    "Problem",
    "RMSProp",
    "Sample",
    "Sign",
    "Uniform",
    "basins",
    "bracket",
    "crossings",
    "descend",
    "descent_outcomes",
    "flow_outcomes",
    "gradient",
    "gradient_flow",
    "grid",
    "hessian",
    "loss",
    "train",
]


def __getattr__(name: str) -> Any:
    """Load a public name from the module that defines it, or a module."""
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"gradflow.{name}")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'gradflow' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    """Return the public names and modules, loaded or not, and what every module has."""
    own = (name for name in globals() if name.startswith("__") and name not in ("__getattr__", "__dir__"))
    return sorted({*__all__, *_MODULES, *own})
