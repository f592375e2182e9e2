"""Explanations of what theorems decide of one neuron: hypotheses, numbers, margins, what follows."""

from __future__ import annotations

import math
from html import escape
from typing import NamedTuple

import numpy as np

from gradflow.base.checks import require_finite
from gradflow.ends.decision import (
    BARRIER,
    FADES,
    PATH_TRAP,
    SIGN_TRAP,
    STAYS_DEAD,
    THEOREMS,
    decide,
    require_bent,
    theorems,
)
from gradflow.ends.outcome import OUTCOMES
from gradflow.field import loss
from gradflow.field.bounds import in_double
from gradflow.neuron.activity import ACTIVITIES, BALANCED, DEAD, activity, end_preactivations, wall_distances
from gradflow.neuron.problem import PARAMETERS, Neuron, Problem, as_neuron, as_problem, require_one
from gradflow.theory.energy import barriers
from gradflow.theory.fading import hypotheses, knows_fading
from gradflow.theory.hyperactive import contraction, remaining_path, root_excess
from gradflow.theory.signs import oriented


class Condition(NamedTuple):
    """A hypothesis: in words, the two numbers that it compares, and by how much it holds (< 0: it fails)."""

    says: str
    left: float
    right: float
    margin: float

    @property
    def holds(self) -> bool:
        """Whether it holds as the numbers are shown; what is proved allows for their errors besides."""
        return self.margin >= 0.0

    def __str__(self) -> str:
        mark = "holds" if self.holds else "fails"
        numbers = f"{_told(self.left)} against {_told(self.right)}"
        # Beyond the largest float nothing is subtracted.
        margin = f", margin {self.margin:.3g}" if math.isfinite(self.margin) else ""
        return f"{mark}: {self.says}: {numbers}{margin}"


class Considered(NamedTuple):
    """A theorem, its conditions for this neuron, and whether it is proved to apply."""

    name: str
    derivation: int
    follows: str
    conditions: tuple[Condition, ...]
    applies: bool


class Explanation(NamedTuple):
    """Proofs about the end of one neuron's flow, and why they hold or do not; `str` says it in lines.

    Attributes
    ----------
    state : str
        The neuron, its activity and its loss.
    outcome, decided_by : str
        Names of the outcome ("undecided" if no theorem applies) and of the theorem ("simulation").
    considered : tuple of Considered
        The theorems about neurons of this activity.
    """

    state: str
    outcome: str
    decided_by: str
    considered: tuple[Considered, ...]

    def __str__(self) -> str:
        lines = [self.state]
        for theorem in self.considered:
            verdict = "applies" if theorem.applies else "does not apply"
            lines.append(f"{theorem.name} (gradflow derive {theorem.derivation}): {verdict}")
            lines += [f"  {condition}" for condition in theorem.conditions]
            if not theorem.conditions:
                lines.append("  its hypotheses on the problem, or on the size of its numbers, fail")
            if theorem.applies:
                lines.append(f"  so {theorem.follows}")
        if not any(theorem.applies for theorem in self.considered):
            lines.append("No theorem decides this state of the flow; a later one may be decided.")
        return "\n".join(lines)

    def __repr__(self) -> str:
        """Return one short line; the reasons are what `str` says."""
        return f"<Explanation: {self.outcome}, decided by {self.decided_by}; print it for the reasons>"

    def _repr_html_(self) -> str:
        """Return the lines as a notebook shows them."""
        return f"<pre>{escape(str(self))}</pre>"


@np.errstate(over="ignore", invalid="ignore")
def explain(neuron: Neuron, problem: Problem = Problem()) -> Explanation:
    """Explain what `gradflow.ends.decision.decide` says of one neuron's flow.

    Parameters
    ----------
    neuron : Neuron
        One state of the flow.
    problem : Problem
        One teacher on one interval, or a sample.

    Returns
    -------
    Explanation
        ``print`` it for the hypotheses of each theorem about neurons of this activity, with their numbers and
        margins. Whether a theorem applies is decided with all errors of rounding against it; a condition that
        holds with a margin near 0 may not be enough.

    Raises
    ------
    ValueError, TypeError
        If there are several neurons or problems, one is not finite, or the activation is smooth.

    Examples
    --------
    >>> print(gf.explain(gf.Neuron(w2=2.0, b2=-1.0)))
    balanced neuron (1, 0, 2, -1), loss 0.666667
    energy barrier (gradflow derive 11): does not apply
      fails: the loss is below the best line's: 0.666667 against 0.0208333, margin -0.646
    fading (gradflow derive 31): does not apply
      holds: 1 + p e is positive, p the breakpoint and e the active end: 1 against 0, margin 1
      holds: w2^2 exceeds z^2/(1 + e^2), z the pre-activation at e: 4 against 0.5, margin 3.5
      fails: b2 is above the target on the active part: -1 against 1, margin -2
      fails: the target's mean, less what the neuron adds, is above it: -0.25 against 1, margin -1.25
    No theorem decides this state of the flow; a later one may be decided.
    """
    problem = as_problem(problem)
    require_one(problem, "an explanation")
    require_bent(problem)
    neuron = as_neuron(neuron)
    if any(np.size(value) != 1 for value in neuron):
        raise ValueError("neuron: an explanation takes one, got an array of them")
    require_finite("neuron", *neuron)
    neuron = Neuron(*(float(np.reshape(np.asarray(value), ())) for value in neuron))
    found, applies = decide(neuron, problem), theorems(neuron, problem)
    state = int(activity(neuron, problem))
    which: tuple[int, ...] = (PATH_TRAP, SIGN_TRAP)
    if state == BALANCED:
        which = (BARRIER, FADES)
    elif state == DEAD and problem.stays_dead:
        which = (STAYS_DEAD,)
    told = {STAYS_DEAD: _dead, BARRIER: _barrier, FADES: _fading, PATH_TRAP: _path, SIGN_TRAP: _signs}
    considered = tuple(
        Considered(THEOREMS[code], *_ABOUT[code], told[code](neuron, problem), bool(applies[code]))
        for code in which
    )
    parameters = ", ".join(f"{getattr(neuron, name):g}" for name in PARAMETERS)
    return Explanation(
        f"{ACTIVITIES[state]} neuron ({parameters}), loss {_told(float(loss(neuron, problem)))}",
        OUTCOMES[int(found.outcome)],
        THEOREMS[int(found.theorem)],
        considered,
    )


_LINE = "the breakpoint never enters the input, and the flow goes to the best line"
_ABOUT = {
    STAYS_DEAD: (7, "w1, b1 and w2 have no gradient: it stays dead, and b2 goes to the best constant"),
    BARRIER: (11, "the loss, which never rises, keeps it from every end but the teacher"),
    FADES: (31, "it is balanced for ever but dead in the limit, and the flow goes to the best constant"),
    PATH_TRAP: (8, _LINE),
    SIGN_TRAP: (13, _LINE),
}


def _told(value: float) -> str:
    """Return a number of a condition; one that overflowed by its size."""
    return f"{value:.6g}" if math.isfinite(value) else "a number too large to compute"


def _below(says: str, left: float, right: float) -> Condition:
    return Condition(says, left, right, right - left)


def _above(says: str, left: float, right: float) -> Condition:
    return Condition(says, left, right, left - right)


def _dead(neuron: Neuron, problem: Problem) -> tuple[Condition, ...]:
    z_lo, z_hi = (float(z) for z in end_preactivations(neuron, problem))
    return (
        _below("the pre-activation at the smallest input is at most 0", z_lo, 0.0),
        _below("the pre-activation at the largest input is at most 0", z_hi, 0.0),
    )


def _barrier(neuron: Neuron, problem: Problem) -> tuple[Condition, ...]:
    level = float(barriers(problem).line)
    if not level:
        return ()
    return (_below("the loss is below the best line's", float(loss(neuron, problem)), level),)


def _fading(neuron: Neuron, problem: Problem) -> tuple[Condition, ...]:
    if not knows_fading(problem):
        return ()
    at = hypotheses(neuron, problem)
    if not at.moderate and neuron.w2 != 0.0:
        return ()
    outer = _above(
        "w2^2 exceeds z^2/(1 + e^2), z the pre-activation at e", float(at.outer), float(at.least_outer)
    )
    if not at.moderate:
        return (outer,)
    where, compare = ("above", _above) if at.upward > 0.0 else ("below", _below)
    target = float(at.target)
    return (
        _above("1 + p e is positive, p the breakpoint and e the active end", float(at.turned), 0.0),
        outer,
        compare(f"b2 is {where} the target on the active part", float(at.b2), target),
        compare(f"the target's mean, less what the neuron adds, is {where} it", float(at.mean), target),
    )


def _path(neuron: Neuron, problem: Problem) -> tuple[Condition, ...]:
    slope, distances = _side(neuron, problem)
    c = float(contraction(problem, slope))
    if not c > 0.0:
        return ()
    needed = 2.0 * float(root_excess(neuron, problem, slope)) / c
    squared = _above(
        "w2^2 is at least 2 sqrt(e)/c, e the loss above the best line's and c the theorem's",
        neuron.w2 * neuron.w2,
        needed,
    )
    longest = float(remaining_path(neuron, problem, slope))
    if not math.isfinite(longest):
        return (squared,)
    room = _above("the distance to the nearer wall exceeds the path that is left", min(distances), longest)
    return (squared, room)


def _signs(neuron: Neuron, problem: Problem) -> tuple[Condition, ...]:
    slope, _ = _side(neuron, problem)
    side = -1.0 if int(activity(neuron, problem)) == DEAD else 1.0
    view = oriented(*in_double(neuron, problem), slope, side)
    slope_error, aim, z = float(view.slope), float(view.aim), float(view.z)
    steepness = abs(slope * neuron.w1 * neuron.w2)
    where = "above" if side * slope * neuron.w2 > 0.0 else "below"
    return (
        _above("the pre-activation at the near end is positive", z, 0.0),
        _above("the best line has a slope of the student's sign", aim, 0.0),
        # The margin is the difference that the theorem bounds: that of rounded slopes may be of other sign.
        Condition("the student is at least as steep as the best line", steepness, aim, slope_error),
        _below(
            f"on average it is {where} that line by at most c times the slopes' difference, c the theorem's "
            "(or its breakpoint is far outside)",
            float(view.level),
            float(view.upper) * slope_error,
        ),
    )


def _side(neuron: Neuron, problem: Problem) -> tuple[float, tuple[float, ...]]:
    """Return the slope in use on the whole input, and the distances to the walls."""
    distances = tuple(abs(float(d)) for d in wall_distances(neuron, problem))
    dead = int(activity(neuron, problem)) == DEAD
    return problem.slopes[0 if dead else 1], distances
