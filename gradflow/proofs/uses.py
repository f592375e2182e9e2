"""Functions that evaluate each theorem, and the figures that show it, by the number of its derivation."""

from __future__ import annotations

from pathlib import Path

from gradflow.base.scripts import describe, script_paths

FUNCTIONS: dict[int, tuple[str, ...]] = {
    1: ("gradflow.loss",),
    2: ("gradflow.gradient",),
    3: ("gradflow.hessian",),
    4: ("gradflow.gradient", "gradflow.hessian"),
    5: ("gradflow.gradient_flow",),
    6: ("gradflow.loss", "gradflow.gradient"),
    7: ("gradflow.field.baselines.best_constant", "gradflow.field.baselines.best_line"),
    8: ("gradflow.theory.hyperactive.trapped",),
    9: ("gradflow.theory.critical_points.family",),
    10: ("gradflow.theory.survival.survives_until",),
    11: ("gradflow.theory.energy.reaches_teacher", "gradflow.theory.energy.limit"),
    12: ("gradflow.theory.steps.killing_rates", "gradflow.theory.steps.revival"),
    13: ("gradflow.theory.signs.trapped_by_signs",),
    14: ("gradflow.theory.tube.surround",),
    15: ("gradflow.theory.limits.line_limit", "gradflow.theory.limits.door"),
    16: ("gradflow.theory.stability.sharpness", "gradflow.theory.stability.stable_minima"),
    17: ("gradflow.theory.modified.gd_field", "gradflow.theory.adaptive_flows.adam_field"),
    18: ("gradflow.theory.upstream.revival_time",),
    19: (
        "gradflow.networks.deep.born_dead.born_dead_probability",
        "gradflow.networks.deep.born_dead.dead_at_birth",
    ),
    20: ("gradflow.theory.waiting.predicted_wait", "gradflow.theory.spikes.spikes"),
    21: ("gradflow.flow.of_kind.flow",),
    22: ("gradflow.networks.two_layer.limit_flow",),
    23: (
        "gradflow.networks.two_layer.bounds.alignment_times",
        "gradflow.networks.two_layer.bounds.alignment",
    ),
    24: ("gradflow.networks.two_layer.check_theory",),
    25: ("gradflow.networks.two_layer.bounds.loss_bound", "gradflow.networks.two_layer.bounds.rank_bound"),
    26: ("gradflow.theory.hyperactive.trapped_under_gd",),
    27: ("gradflow.loss", "gradflow.gradient"),
    28: ("gradflow.theory.after_the_end.swing", "gradflow.theory.after_the_end.escape_steps"),
    29: ("gradflow.theory.at_the_teacher.held_under_gd", "gradflow.theory.at_the_teacher.ball"),
    30: ("gradflow.theory.origin.dies", "gradflow.theory.origin.dies_by"),
    31: ("gradflow.theory.fading.fades", "gradflow.theory.fading.fading_rate"),
    32: ("gradflow.theory.rates.rate_to_teacher", "gradflow.theory.rates.rate_on_line"),
    33: ("gradflow.networks.line.decay.cubic_limit", "gradflow.networks.line.decay.decay_law"),
    35: ("gradflow.theory.limits.door_margin",),
    36: ("gradflow.ends.enclosure.enclose",),
}
"""Names of functions, where a user finds them."""

FIGURES: dict[int, str] = {
    8: "proved_regions",
    10: "phase_plane",
    12: "steps_that_kill",
    17: "convergence_orders",
    18: "upstream",
    19: "dying_in_depth",
    20: "silu",
    22: "alignment_in_the_plane",
    23: "alignment_time",
    27: "networks_learn_the_absolute_value",
    28: "adam_after_the_end",
}
"""Slugs of scripts in `plots/`."""


def resolve(slug: str) -> Path:
    """Return the path of a script of a figure.

    Raises
    ------
    ValueError
        If there is none.
    """
    for path in script_paths("plots"):
        if describe(path).slug == slug:
            return path
    raise ValueError(f"slug: there is no figure {slug!r}")
