"""Checks of the theory of early alignment on one computed trajectory."""

from __future__ import annotations

from collections import Counter

import numpy as np

from gradflow.networks.two_layer.checks_after import after_alignment
from gradflow.networks.two_layer.checks_before import before_alignment
from gradflow.networks.two_layer.judged import ROUNDING, Check, Run, counted, prepare
from gradflow.networks.two_layer.losses import Objective
from gradflow.networks.two_layer.path import NetworkPath
from gradflow.networks.two_layer.patterns import IN_DEAD, IN_NEGATIVE, IN_POSITIVE, INACTIVE
from gradflow.networks.two_layer.watch import memberships


def check_theory(path: NetworkPath, objective: Objective, log_epsilon: float) -> tuple[Check, ...]:
    """Check all that is proved of early alignment on a trajectory of the flow.

    Parameters
    ----------
    path : NetworkPath
        Of `gradflow.networks.two_layer.flow.gradient_flow`, recorded densely enough to compare.
    objective : Objective
        Its data and loss; labels ±1, exponential or logistic loss for the hypotheses to hold.
    log_epsilon : float
        ln ε, W(0) = ε W0.

    Returns
    -------
    tuple of Check

    Raises
    ------
    ValueError
        If a label is not ±1, or a weight is 0.
    """
    run = prepare(path, objective, log_epsilon)
    separated = run.s.mu > 0.0 and objective.loss.needs_signs
    ordered = separated and run.balanced
    return (
        counted("balanced", "||w||^2 - v^2 is conserved", True, int(path.drift > ROUNDING)),
        counted(
            "monotone",
            "neurons only gain data of their sign and lose others",
            ordered,
            count_wrong_direction(run),
        ),
        counted("once", "no neuron crosses a wall twice", ordered, count_repeated(run)),
        counted("trapped", "S+, S- and S_dead are not left", ordered, count_exits(run)),
        counted("living", "who is active on a datum of its sign does not die", ordered, count_deaths(run)),
        *before_alignment(run, ordered),
        *after_alignment(run, ordered),
    )


def count_wrong_direction(run: Run) -> int:
    """Count the changes by which a neuron loses a datum of its sign, gains another, or slides."""
    own = run.sign[:, None] * run.objective.data.labels > 0.0
    good = {True: "on", False: "off"}
    return sum(s.kind != good[bool(own[s.neuron, s.datum])] for s in run.path.crossings)


def count_repeated(run: Run) -> int:
    """Count the walls that one neuron crosses more than once."""
    counts = Counter((s.neuron, s.datum) for s in run.path.crossings)
    return sum(count > 1 for count in counts.values())


def count_exits(run: Run) -> int:
    """Count the neurons that leave the set of their sign, or S_dead, after they have entered it."""
    codes = memberships(run.path.patterns, run.objective.data.labels)
    own = np.where(run.sign > 0.0, IN_POSITIVE, IN_NEGATIVE)
    gone = [np.any(inside[:-1] & ~inside[1:], axis=0) for inside in (codes == own, codes == IN_DEAD)]
    return int(np.sum(gone[0] | gone[1]))


def count_deaths(run: Run) -> int:
    """Count the neurons that were active on a datum of their sign and are dead at the end."""
    own = run.sign[:, None] * run.objective.data.labels > 0.0
    dead = ~np.any(run.path.patterns[-1] != INACTIVE, axis=-1)
    return int(np.sum(np.any(run.first & own, axis=-1) & dead))
