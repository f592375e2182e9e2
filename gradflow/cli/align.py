"""`gradflow align`: two-layer ReLU networks from small initialisation."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gradflow.base.progress import progress_bar
from gradflow.cli import align_options as options
from gradflow.cli.align_input import network_of, objective_of
from gradflow.cli.meaning import FLOWS
from gradflow.cli.options import JSON, check_directory, check_file, integer, number
from gradflow.cli.steps import HYPER, LR, STEPS
from gradflow.cli.telling import deliver, write_if_asked
from gradflow.descent import optimizer_name

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


def align(
    data: options.DATA = "toy",
    points: options.POINTS = None,
    mu: options.MU = "0.3",
    dimension: options.DIMENSION = "5",
    delta: options.DELTA = "0.1",
    mnist: options.MNIST = None,
    constant_columns: options.CONSTANT_COLUMNS = False,
    center: options.CENTER = False,
    method: options.METHOD = "flow",
    loss: options.LOSS = "exponential",
    mean: options.MEAN = False,
    neurons: options.NEURONS = "50",
    epsilon: options.EPSILON = "1e-6",
    start: options.START = "balanced",
    seed: options.SEED = "0",
    t_end: options.T_END = None,
    until_loss: options.UNTIL_LOSS = None,
    rtol: options.RTOL = "1e-9",
    lr: LR = "0.002",
    hyper: HYPER = None,
    steps: STEPS = "15000",
    batch: options.BATCH = None,
    freeze_outputs: options.FREEZE_OUTPUTS = False,
    out: options.OUT = None,
    figure: options.FIGURE = None,
    json: JSON = False,
) -> None:
    """Align a two-layer network from a small start.

    Trains a two-layer ReLU network from small initialisation and watches its neurons turn to the data.
    Prints when every neuron has aligned (is active on exactly the data of its sign, or dead), where it ends,
    how far Assumption 1 holds, and the bounds that follow. With the flow every statement of the theory is
    checked along the trajectory.
    """
    method = optimizer_name(method, "--method", FLOWS)
    check_file(out)
    _check_figure(figure, method)
    objective = objective_of(
        data, points, mu, dimension, delta, mnist, constant_columns, center, seed, loss, mean
    )
    network, log_epsilon = network_of(objective, neurons, epsilon, start, seed)
    duration = None if t_end is None else number("--t-end", t_end, least=0)
    tolerance, rate = number("--rtol", rtol), number("--lr", lr, least=0)
    count = integer("--steps", steps, least=0)
    settings = {"seed": integer("--seed", seed, least=0), "epsilon": epsilon, "start": start}
    if method == "flow":
        until = _LONG if duration is None else duration
        found = _flow(objective, network, log_epsilon, until, tolerance, until_loss, settings)
    elif method == "limit":
        del settings["epsilon"]
        found = _limit(objective, network, math.inf if duration is None else duration, settings)
    elif method == "small-steps":
        if duration is None:
            _refuse_endless(objective, network, log_epsilon)
        found = _small_steps(objective, network, _LONG if duration is None else duration)
    else:
        found = _train(objective, network, method, rate, hyper, count, batch, freeze_outputs, settings)
    bounds = _bounds(objective, network, log_epsilon)
    report = {"data": _described(objective), **found.report, "bounds": bounds}
    deliver(lambda: _write(found.dataset, objective.data, out, figure), lambda: _show(report, json))
    if until_loss is not None and not json:
        _note_a_loss_reached_at_once(float(found.dataset["loss"][0]), until_loss)


def _write(run: xr.Dataset, data: Dataset, out: Path | None, figure: Path | None) -> None:
    """Write the run and draw its course, where that is asked for."""
    write_if_asked(run, out)
    if figure is not None:
        from gradflow.study.figures.course import course
        from gradflow.study.figures.save import save

        drawn = course(run, data.inputs, data.labels)
        save(drawn, figure.with_suffix(""), [figure.suffix.removeprefix(".")])


def _check_figure(path: Path | None, method: str) -> None:
    """Refuse a figure that could not be drawn or written, before any work is done."""
    if path is None:
        return
    if method == "limit":
        raise ValueError("--figure: the limit has no course in time to draw; use --out, or another --method")
    if path.suffix not in (".pdf", ".svg", ".png"):
        raise ValueError(f"--figure: expected a name that ends in .pdf, .svg or .png, got {str(path)!r}")
    try:
        check_directory(path.parent)
    except ValueError as error:
        raise ValueError(str(error).replace("--out", "--figure", 1)) from error


def _flow(
    objective: Objective, network: TwoLayer, log_epsilon: float, t_end: float, rtol: float,
    until_loss: str | None, settings: dict[str, Any],
) -> Outcome:  # fmt: skip
    """Follow the flow and hold the theory against it."""
    from gradflow.networks.two_layer.checks import check_theory
    from gradflow.networks.two_layer.flow import gradient_flow
    from gradflow.networks.two_layer.record import flow_dataset
    from gradflow.networks.two_layer.status import STATUSES

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
            f"{_short(objective, log_epsilon):.1g}"
        )
    below = 0.0 if until_loss is None else number("--until-loss", until_loss, least=0)
    with progress_bar("flow", t_end or 1.0) as advance:
        path = gradient_flow(network, objective, t_end, rtol=rtol, below=below, progress=advance)
    checks = check_theory(path, objective, log_epsilon) if objective.data.is_binary else ()
    dataset = flow_dataset(path, objective, checks, rtol=rtol, **settings)
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


def _limit(objective: Objective, network: TwoLayer, t_end: float, settings: dict[str, Any]) -> Outcome:
    """Return the limit of small initialisation, exactly."""
    import numpy as np

    from gradflow.networks.two_layer.limit import limit_flow
    from gradflow.networks.two_layer.record import limit_dataset
    from gradflow.networks.two_layer.status import OF_THE_LIMIT, STATUSES

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
    return Outcome(limit_dataset(path, objective, **settings), report)


def _rate(objective: Objective) -> float:
    """Return Σ|x_i|, or its mean: the fastest rate of a neuron at first."""
    import numpy as np

    return objective.weight * float(np.sum(np.linalg.norm(objective.data.inputs, axis=1)))


def _short(objective: Objective, log_epsilon: float) -> float:
    """Return a time in which neurons align and grow, if most data pull the same way."""
    return 3.0 * (1.0 + max(-log_epsilon, 0.0)) / _rate(objective)


def _refuse_endless(objective: Objective, network: TwoLayer, log_epsilon: float) -> None:
    """Refuse to follow fast motions of large networks for the time that is the default."""
    size = network.outputs.size * objective.data.n * objective.data.dimension
    if size * _rate(objective) * _LONG > MOST_BY_DEFAULT:
        raise ValueError(
            f"--t-end: needed with these data, as {_LONG:g}, the default, would take long: neurons move "
            f"within 1/sum|x| = {1.0 / _rate(objective):.1g}; such as {_short(objective, log_epsilon):.1g}"
        )


def _small_steps(objective: Objective, network: TwoLayer, t_end: float) -> Outcome:
    """Follow the flow by small steps, with a stated error."""
    from gradflow.networks.two_layer.small_steps import flow_by_steps

    with progress_bar("flow", t_end or 1.0) as advance:
        dataset = flow_by_steps(network, objective, t_end, progress=advance).history
    errors = {name: float(dataset[f"error_{name}"].max()) for name in ("direction", "log_norm", "loss")}
    return Outcome(dataset, {"t": t_end, **_final(dataset, "time", network), "errors": errors})


def _train(
    objective: Objective, network: TwoLayer, method: str, lr: float, hyper: list[str] | None, count: int,
    batch: str | None, freeze_outputs: bool, settings: dict[str, Any],
) -> Outcome:  # fmt: skip
    """Train with an optimiser."""
    from gradflow.cli.steps import parse_hyper
    from gradflow.descent import optimizer
    from gradflow.networks.two_layer.steps import train

    config = optimizer(method, lr=lr, **parse_hyper(hyper or []))
    size = None if batch is None else integer("--batch", batch, least=1, most=objective.data.n)
    with progress_bar("align", max(count, 1)) as advance:
        run = train(
            network, objective, config, count, batch_size=size, seed=settings["seed"],
            freeze_outputs=freeze_outputs, record_every=max(1, count // 300), progress=advance,
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


def _bounds(objective: Objective, network: TwoLayer, log_epsilon: float) -> dict[str, float] | None:
    """Return the bounds on the alignment time and on ln ε, where there are any: the paper's and ours."""
    from gradflow.networks.two_layer import bounds
    from gradflow.networks.two_layer.geometry import angles, separation, setting

    data = objective.data
    if not (data.is_binary and objective.loss.needs_signs and separation(data).holds):
        return None
    s = setting(data, network, log_epsilon)
    ours, per_time = bounds.alignment(s, angles(data, network)), 1.0 / objective.weight
    return {
        "time_paper": bounds.paper_time(s) * per_time,
        "log_epsilon_paper": min(bounds.paper_log_epsilon(s)),
        "time": ours.time * per_time,
        "log_epsilon": ours.log_epsilon,
    }


def _show(report: dict[str, Any], json: bool) -> None:
    from gradflow.base.files import to_json

    if json:
        print(to_json(report))
        return
    for key, value in report.items():
        if key == "checks":
            for check in value:
                holds = {True: "holds", False: "FAILS", None: "open"}[check["holds"]]
                scope = "" if check["applies"] else "  (its hypotheses do not hold here)"
                print(
                    f"{check['name']:<16}{holds:<7}{check['statement']}; margin {check['margin']:.3g}{scope}"
                )
        elif value is None:
            print(f"{key:<16}none")
        elif isinstance(value, dict):
            print(f"{key:<16}" + "  ".join(f"{name} = {_number(entry)}" for name, entry in value.items()))
        else:
            print(f"{key:<16}{_number(value)}")


def _number(value: Any) -> str:
    return f"{value:.10g}" if isinstance(value, float) else f"{value}"
