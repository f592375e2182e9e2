"""Ten famous failures: a state each, what explains it, and what would save the neuron."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import NamedTuple

from gradflow.explore.state import State


class Preset(NamedTuple):
    """A failure.

    Attributes
    ----------
    key, title : str
    state, saved : State
        The failure, and the same saved.
    story : str
        What happens, and why.
    remedy : str
        What saves it.
    because : str
        The number of the derivation, or the claim of the ledger, that explains it.
    fails, ends : dict of str to str
        Outcomes of the runs that fail, and of those that `saved` saves.
    """

    key: str
    title: str
    state: State
    saved: State
    story: str
    remedy: str
    because: str
    fails: dict[str, str]
    ends: dict[str, str]

    @property
    def html(self) -> str:
        """The story as the page tells it."""
        number = self.because.isdecimal()
        source = f"derivation {self.because}" if number else f"claim {self.because}"
        show = f"gradflow derive {self.because}" if number else f"gradflow reproduce --only {self.because}"
        return (
            f"<p>{escape(self.story)}</p><p><b>Why:</b> {source} (<code>{show}</code>).</p>"
            f"<p><b>What saves it:</b> {escape(self.remedy)}</p>"
        )


PLAIN = State(b2=0.0, lr=0.05, backdrop="flow")
"""The fields that the states of failures have in common, where they say nothing else."""

PRESETS = (
    Preset(
        "large-b2",
        "a large b2, and Adam",
        replace(PLAIN, b2=-1.2, lr=0.01, t_end=50.0, backdrop="optimizer"),
        replace(PLAIN, b2=-1.1, lr=0.01, t_end=50.0, backdrop="optimizer"),
        "The output bias starts too low. The flow and gradient descent still learn the teacher; Adam "
        "moves all parameters at one speed, pushes the breakpoint out of the input on the left, and "
        "ends on the best line.",
        "An output bias nearer to 0: from b2 = −1.1 Adam arrives.",
        "obs1.stuck",
        {"adam": "linear"},
        {"adam": "global"},
    ),
    Preset(
        "line-for-ever",
        "a line that stays a line",
        replace(PLAIN, b2=-2.0, t_end=50.0),
        replace(PLAIN, w1=(2.0,), b2=-2.0, t_end=50.0),
        "Lower still, and the flow fails too: the breakpoint leaves the input, the neuron is "
        "hyperactive, too steep and too low, and a theorem says that the breakpoint then only moves "
        "farther away.",
        "A larger input weight: with w1 = 2 the breakpoint turns back in time.",
        "13",
        {"flow": "linear", "gd": "linear", "adam": "linear"},
        {"flow": "global", "gd": "global", "adam": "global"},
    ),
    Preset(
        "origin",
        "death at the origin, on a wide input",
        replace(
            PLAIN,
            w1=(-2.3799e-4,),
            b1=(5.44913e-4,),
            w2=(-0.394501,),
            b2=-2.67294,
            interval=(-4.0, 4.0),
            lr=0.01,
            t_end=10.0,
        ),
        replace(
            PLAIN,
            w1=(1.0,),
            b1=(0.5,),
            w2=(0.394501,),
            b2=-2.67294,
            interval=(-4.0, 4.0),
            lr=0.01,
            t_end=10.0,
        ),
        "The flow cannot kill a neuron, except at w1 = b1 = 0, and it comes there only if Q = w1² + b1² − "
        "w2² is below 0. Here it runs straight into the origin and is dead in finite time; gradient descent "
        "and Adam die beside it.",
        "Input weights as large as the output weight: with Q ≥ 0 the origin is out of reach.",
        "10",
        {"flow": "constant", "gd": "constant", "adam": "constant"},
        {"flow": "global"},
    ),
    Preset(
        "born-dead",
        "dead from the start",
        replace(PLAIN, b1=(-1.5,), t_end=50.0),
        replace(PLAIN, b1=(-1.5,), activation="leaky-relu=0.1", lr=0.2, t_end=200.0),
        "The neuron is active nowhere. Its gradient is 0 but for b2, which goes to the mean of the "
        "target: the best constant, for ever, under every method.",
        "A slope below 0: with the leaky ReLU every input still pulls.",
        "obs0.dead",
        {"flow": "constant", "gd": "constant", "adam": "constant"},
        {"adam": "global"},
    ),
    Preset(
        "rate-that-kills",
        "the rate that kills",
        replace(PLAIN, b2=1.5, lr=0.6, backdrop="gd"),
        replace(PLAIN, b2=1.5, lr=0.2, backdrop="gd"),
        "One step of gradient descent at this rate carries the pre-activation below 0 on the whole "
        "input. The flow from the same start cannot kill, and learns the teacher.",
        "A lower rate. Which rates kill in one step is an interval in closed form.",
        "12",
        {"gd": "constant"},
        {"gd": "global"},
    ),
    Preset(
        "adam-kills",
        "Adam kills at a rate that GD survives",
        replace(PLAIN, b2=1.5, lr=0.2, backdrop="optimizer"),
        replace(PLAIN, b2=1.5, lr=0.02, backdrop="optimizer"),
        "Adam's first step is as long as the rate, however small the gradient is; a few of them, all "
        "in one direction, carry the neuron over the wall, at a rate that gradient descent takes "
        "without harm.",
        "A rate ten times lower.",
        "obs2.between",
        {"adam": "constant"},
        {"adam": "global"},
    ),
    Preset(
        "silu-plateau",
        "SiLU waits on a plateau",
        replace(PLAIN, b2=-2.0, activation="silu", lr=0.01, t_end=120.0, backdrop="loss"),
        replace(PLAIN, b2=-1.0, activation="silu", lr=0.01, t_end=120.0, backdrop="loss"),
        "A smooth neuron cannot die, but it waits: near a saddle the loss stands still for thousands "
        "of steps of Adam before it falls. How long it waits follows from the distance and the "
        "negative curvature.",
        "A start farther from the saddle's stable set, b2 = −1.",
        "20",
        {"flow": "undecided", "gd": "undecided"},
        {"adam": "global"},
    ),
    Preset(
        "two-neurons",
        "one neuron too many: T⁻³",
        replace(PLAIN, w1=(1.0, 0.8), b1=(0.2, -0.3), w2=(0.6, 0.5), b2=0.1, lr=0.2, t_end=150.0),
        replace(PLAIN, w1=(1.0,), b1=(0.2,), w2=(0.6,), b2=0.1, lr=0.2, t_end=150.0),
        "Two neurons learn one: their breakpoints close in on the teacher's from both sides, ever "
        "more slowly, and the loss falls like T⁻³ only, where one neuron falls exponentially.",
        "One neuron.",
        "networks.cubic",
        {},
        {"flow": "global", "gd": "global", "adam": "global"},
    ),
    Preset(
        "wrong-sign",
        "an output weight of the wrong sign",
        replace(PLAIN, w2=(-1.0,), t_end=50.0),
        replace(PLAIN, w2=(-0.5,), t_end=50.0),
        "The neuron bends the wrong way. The flow would have to take w2 through 0, but Q = w1² + b1² "
        "− w2² is kept: the neuron shrinks and fades to the best constant, which is no minimum but a "
        "place it reaches all the same.",
        "A smaller output weight: with Q > 0 the flow takes w2 through 0. Adam still dies.",
        "9",
        {"flow": "constant", "gd": "constant", "adam": "constant"},
        {"flow": "global", "gd": "global"},
    ),
    Preset(
        "bursts",
        "hyperactive for ever, but for Adam's bursts",
        replace(PLAIN, b1=(1.1,), b2=-1.2, t_end=100.0),
        replace(PLAIN, b1=(1.1,), b2=-1.2, t_end=1000.0),
        "The neuron is on the best line, hyperactive, and under the flow and gradient descent it is "
        "proved to stay there. Adam seems to have ended there as well; but no minimum holds Adam "
        "while ε is small. Bursts come, and each carries the neuron along the line, back towards the "
        "input.",
        "Patience with Adam: ten times as long, and its breakpoint comes back to the input and to the"
        " teacher's.",
        "28",
        {"flow": "linear", "gd": "linear", "adam": "linear"},
        {"flow": "linear", "gd": "linear", "adam": "global"},
    ),
)
"""The failures, in the order of the page."""


def preset(key: str) -> Preset:
    """Return a preset by its key.

    Raises
    ------
    ValueError
        If there is none of this name.
    """
    found = next((one for one in PRESETS if one.key == key), None)
    if found is None:
        raise ValueError(f"preset: expected one of {', '.join(one.key for one in PRESETS)}, got {key!r}")
    return found
