"""Other ways to write the neuron down: parametrisations that move differently, solved biases, gates.

All kinds start from a plain neuron (w1, b1, w2, b2) as the same function of x, where they can be it, and are
trained by the same loop, optimisers and flow. To add one, give a `Kind` its five fields.
"""

from gradflow.field.kinds.gated import GATED
from gradflow.field.kinds.kind import PLAIN, Kind
from gradflow.field.kinds.reparametrised import BOUNDED, SHIFTED
from gradflow.field.kinds.solved import BOUNDED_SOLVED_BIAS, SOLVED_BIAS, SOLVED_OUTPUT

_ALL = (PLAIN, SHIFTED, BOUNDED, SOLVED_BIAS, SOLVED_OUTPUT, BOUNDED_SOLVED_BIAS, GATED)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}
"""Every kind, by name."""

__all__ = [
    "BOUNDED",
    "BOUNDED_SOLVED_BIAS",
    "GATED",
    "KINDS",
    "PLAIN",
    "SHIFTED",
    "SOLVED_BIAS",
    "SOLVED_OUTPUT",
    "Kind",
]
