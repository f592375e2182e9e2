"""`gradflow align`: two-layer ReLU networks from small initialisation."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gradflow.base.progress import progress_bar
from gradflow.cli.align_options import (
    DataOptions,
    FlowOptions,
    LossOptions,
    StartOptions,
    TrainingOptions,
    method_option,
)
from gradflow.cli.choice import with_options
from gradflow.cli.options import FIGURE, JSON, OUT_NC, check_figure, check_file
from gradflow.cli.telling import deliver, print_report, write_if_asked

if TYPE_CHECKING:
    import xarray as xr

    from gradflow.networks.two_layer.data import Dataset
    from gradflow.networks.two_layer.losses import Objective
    from gradflow.networks.two_layer.network import TwoLayer

_LONG = 100.0
"""How long flows are followed unless the user says otherwise."""

MOST_GATES = 5_000
"""Neurons times data up to which every activation change is located."""

MOST_WORK = 2e8
"""The most of their square times the dimension: a crossing costs about the product of all three."""

MOST_BY_DEFAULT = 1e9
"""How far small steps go unasked: neurons times data times dimension times the time over 1/Σ|x_i|."""


class Outcome(NamedTuple):
    """A run: its dataset, and what is printed."""

    dataset: xr.Dataset
    report: dict[str, Any]


class Prepared(NamedTuple):
    """A network at the start on an objective, and ln ε."""

    objective: Objective
    network: TwoLayer
    log_epsilon: float


@with_options(
    data=DataOptions,
    method=method_option,
    loss=LossOptions,
    start=StartOptions,
    flow=FlowOptions,
    training=TrainingOptions,
)
def align(
    data: DataOptions,
    method: str,
    loss: LossOptions,
    start: StartOptions,
    flow: FlowOptions,
    training: TrainingOptions,
    out: OUT_NC = None,
    figure: FIGURE = None,
    json: JSON = False,
) -> None:
    """Align a two-layer network from a small start.

    Trains a two-layer ReLU network from small initialisation and watches its neurons turn to the data.
    Prints when every neuron has aligned (is active on exactly the data of its sign, or dead), where it ends,
    how far Assumption 1 holds, and the bounds that follow. With the flow every statement of the theory is
    checked along the trajectory.
    """
    check_file(out)
    check_figure(figure)
    if figure is not None and method == "limit":
        raise ValueError("--figure: the limit has no course in time to draw; use --out, or another --method")
    objective = loss.on(data.read(start.number))
    setting = Prepared(objective, start.network(objective.data.dimension), start.log_epsilon)
    origin = {"seed": start.number, "epsilon": start.epsilon, "start": start.start}
    if method == "flow":
        found = _flow(setting, flow, origin)
    elif method == "limit":
        del origin["epsilon"]
        found = _limit(setting, flow, origin)
    elif method == "small-steps":
        found = _small_steps(setting, flow)
    else:
        found = _train(setting, method, training, start.number)
    report = {"data": _described(objective), **found.report, "bounds": _bounds(setting)}
    deliver(lambda: _write(found.dataset, objective.data, out, figure), lambda: _show(report, json))
    if not (objective.data.is_binary or json):
        print(
            "gradflow: not all labels are -1 or 1: they are fitted as real numbers, not as classes, and the "
            "theory is not held against them",
            file=sys.stderr,
        )
    if flow.until_loss is not None and not json:
        _note_a_loss_reached_at_once(float(found.dataset["loss"][0]), flow.until_loss)


def _write(run: xr.Dataset, data: Dataset, out: Path | None, figure: Path | None) -> None:
    """Write the run and draw its course, where that is asked for."""
    write_if_asked(run, out)
    if figure is not None:
        from gradflow.cli.drawing import write_figure
        from gradflow.study.figures.course import course

        write_figure(course(run, data.inputs, data.labels), figure)


def _flow(setting: Prepared, flow: FlowOptions, origin: dict[str, Any]) -> Outcome:
    """Follow the flow and hold the theory against it."""
    from gradflow.networks.two_layer.checks import check_theory
    from gradflow.networks.two_layer.flow import gradient_flow
    from gradflow.networks.two_layer.record import flow_dataset
    from gradflow.networks.two_layer.status import STATUSES

    objective, network, log_epsilon = setting
    gates = network.outputs.size * objective.data.n
    if gates > MOST_GATES:
        raise ValueError(
            f"--method: flow locates every activation change, for up to {MOST_GATES} neurons times data, "
            f"got {gates}; small-steps follows large networks with a stated error"
        )
    if gates * gates * objective.data.dimension > MOST_WORK:
        raise ValueError(
            f"--method: flow locates every activation change, which takes long for {gates} neurons times "
            f"data in {objective.data.dimension} dimensions; take fewer, or --method small-steps --t-end "
            f"{_short(setting):.1g}"
        )
    t_end = _LONG if flow.duration is None else flow.duration
    with progress_bar("flow", t_end or 1.0) as advance:
        path = gradient_flow(
            network, objective, t_end, rtol=flow.tolerance, below=flow.below, progress=advance
        )
    checks = check_theory(path, objective, log_epsilon) if objective.data.is_binary else ()
    dataset = flow_dataset(path, objective, checks, rtol=flow.tolerance, **origin)
    report = {
        "t": float(path.t[-1]),
        **_final(dataset, "time", network),
        "switches": len(path.crossings),
        "drift": path.drift,
        "energy_error": path.energy_error,
        "status": STATUSES[path.status],
        "checks": [check._asdict() for check in checks],
    }
    return Outcome(dataset, report)


def _note_a_loss_reached_at_once(at_start: float, until_loss: str) -> None:
    """Say on standard error that the flow had nowhere to go."""
    if at_start <= float(until_loss):
        print(
            f"gradflow: the loss at the start is {at_start:.6g}, not above --until-loss {until_loss}: "
            "the flow ended after its first step",
            file=sys.stderr,
        )


def _limit(setting: Prepared, flow: FlowOptions, origin: dict[str, Any]) -> Outcome:
    """Return the limit of small initialisation, exactly."""
    import numpy as np

    from gradflow.networks.two_layer.limit import limit_flow
    from gradflow.networks.two_layer.record import limit_dataset
    from gradflow.networks.two_layer.status import OF_THE_LIMIT, STATUSES

    objective, network, _ = setting
    t_end = math.inf if flow.duration is None else flow.duration
    path = limit_flow(network, objective, t_end)
    own = np.where(np.ravel(network.outputs) > 0.0, path.entries[:, 0], path.entries[:, 1])
    when = np.minimum(own, path.entries[:, 2])
    report = {
        "t": t_end,
        "aligned_at": float(np.max(when)) if np.all(np.isfinite(when)) else None,
        "members": {
            "aligned": int(np.sum(np.isfinite(own))),
            "dead": int(np.sum(np.isfinite(path.entries[:, 2]))),
            "none": int(np.sum(~np.isfinite(when))),
        },
        "switches": int(np.sum(path.events)),
        "status": {STATUSES[code]: int(np.sum(path.status == code)) for code in OF_THE_LIMIT},
    }
    return Outcome(limit_dataset(path, objective, **origin), report)


def _rate(objective: Objective) -> float:
    """Return Σ|x_i|, or its mean: the fastest rate of a neuron at first."""
    import numpy as np

    return objective.weight * float(np.sum(np.linalg.norm(objective.data.inputs, axis=1)))


def _short(setting: Prepared) -> float:
    """Return a time in which neurons align and grow, if most data pull the same way."""
    return 3.0 * (1.0 + max(-setting.log_epsilon, 0.0)) / _rate(setting.objective)


def _refuse_endless(setting: Prepared) -> None:
    """Refuse to follow fast motions of large networks for the time that is the default."""
    data, rate = setting.objective.data, _rate(setting.objective)
    size = setting.network.outputs.size * data.n * data.dimension
    if size * rate * _LONG > MOST_BY_DEFAULT:
        raise ValueError(
            f"--t-end: needed with these data, as {_LONG:g}, the default, would take long: neurons move "
            f"within 1/sum|x| = {1.0 / rate:.1g}; such as {_short(setting):.1g}"
        )


def _small_steps(setting: Prepared, flow: FlowOptions) -> Outcome:
    """Follow the flow by small steps, with a stated error."""
    from gradflow.networks.two_layer.small_steps import flow_by_steps

    if flow.duration is None:
        _refuse_endless(setting)
    t_end = _LONG if flow.duration is None else flow.duration
    with progress_bar("flow", t_end or 1.0) as advance:
        dataset = flow_by_steps(setting.network, setting.objective, t_end, progress=advance).history
    errors = {name: float(dataset[f"error_{name}"].max()) for name in ("direction", "log_norm", "loss")}
    return Outcome(dataset, {"t": t_end, **_final(dataset, "time", setting.network), "errors": errors})


def _train(setting: Prepared, method: str, training: TrainingOptions, seed: int) -> Outcome:
    """Train with an optimiser."""
    from gradflow.networks.two_layer.steps import train

    objective, network, _ = setting
    config, count, size = training.config(method), training.count, training.batch_size(objective.data.n)
    with progress_bar("align", max(count, 1)) as advance:
        run = train(
            network, objective, config, count, batch_size=size, seed=seed,
            freeze_outputs=training.freeze_outputs, record_every=max(1, count // 300), progress=advance,
        )  # fmt: skip
    return Outcome(run.history, {"steps": count, **_final(run.history, "step", network)})


def _final(dataset: xr.Dataset, axis: str, network: TwoLayer) -> dict[str, Any]:
    """Return the end, and when all neurons were aligned or dead."""
    import numpy as np

    from gradflow.networks.two_layer.patterns import IN_DEAD, IN_NEGATIVE, IN_POSITIVE

    last = dataset.isel({axis: -1})
    codes = dataset["membership"].values
    done = (codes == np.where(dataset["output_sign"].values > 0.0, IN_POSITIVE, IN_NEGATIVE)) | (
        codes == IN_DEAD
    )
    since = np.all(done, axis=-1)
    # The first record from which on nothing is open any more.
    first = since.size - int(np.argmin(since[::-1])) if not np.all(since) else 0
    return {
        "aligned_at": dataset[axis].values[first].item() if first < since.size else None,
        "loss": float(last["loss"]),
        "largest_output": float(last["largest_output"]),
        "stable_rank": float(last["stable_rank"]),
        "members": {name: int(last[f"count_{name}"]) for name in ("positive", "negative", "dead", "none")},
    }


def _described(objective: Objective) -> dict[str, Any]:
    """Return name and size of the data, how far Assumption 1 holds, and the norms."""
    from gradflow.networks.two_layer.geometry import norms, separation

    data = objective.data
    described: dict[str, Any] = {"name": data.name, "n": data.n, "dimension": data.dimension}
    if data.is_binary:
        found = separation(data)
        described |= {"mu": found.mu, "assumption_1": found.holds}
    return {**described, **dict(zip(("x_min", "x_max"), norms(data), strict=True))}


def _bounds(setting: Prepared) -> dict[str, float] | None:
    """Return the bounds on the alignment time and on ln ε, where there are any: the paper's and ours."""
    from gradflow.networks.two_layer import bounds
    from gradflow.networks.two_layer.geometry import angles, separation
    from gradflow.networks.two_layer.geometry import setting as geometry_of

    objective, network, log_epsilon = setting
    data = objective.data
    if not (data.is_binary and objective.loss.needs_signs and separation(data).holds):
        return None
    s = geometry_of(data, network, log_epsilon)
    ours, per_time = bounds.alignment(s, angles(data, network)), 1.0 / objective.weight
    return {
        "time_paper": bounds.paper_time(s) * per_time,
        "log_epsilon_paper": min(bounds.paper_log_epsilon(s)),
        "time": ours.time * per_time,
        "log_epsilon": ours.log_epsilon,
    }


def _checks(checks: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Return a line for each statement that was compared with something, and one for all others."""
    for check in checks:
        if check["holds"] is not None:
            holds = "holds" if check["holds"] else "FAILS"
            scope = "" if check["applies"] else "  (its hypotheses do not hold here)"
            # A bound of 0 is infinitely far below.
            margin = f"; margin {check['margin']:.3g}" if math.isfinite(check["margin"]) else ""
            yield f"{check['name']:<16}{holds:<7}{check['statement']}{margin}{scope}"
    nothing = [check["name"] for check in checks if check["holds"] is None]
    if nothing:
        share = f"{len(nothing)} of {len(checks)}"
        yield f"{'open':<16}nothing to compare here with {share}: {', '.join(nothing)}"


def _show(report: dict[str, Any], json: bool) -> None:
    print_report(report, json, {"checks": _checks}, digits=10)
