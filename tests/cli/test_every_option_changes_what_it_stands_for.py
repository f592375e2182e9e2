"""Every option of every command changes the library call it stands for, or is refused; none is ignored.

Commands and options are enumerated: one that is added needs a case here.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from matplotlib.figure import Figure

from gradflow.cli import run
from gradflow.cli.app import app
from gradflow.proofs.proof import Check
from gradflow.proofs.result import Result

Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch

CALLBACKS = [info.callback for info in app.registered_commands if info.callback]
# `explore` computes nothing: tests/explore has its options.
COMMANDS = {callback.__name__: callback for callback in CALLBACKS if callback.__name__ != "explore"}

CALLS = (
    *("gradflow.cli.simulate.gradient_flow", "gradflow.cli.simulate.train_run"),
    *("gradflow.cli.thresholds.flow_run", "gradflow.cli.thresholds.decide_in_rounds"),
    "gradflow.cli.thresholds.descent_run",
    *("gradflow.cli.line_sweeps.threshold", "gradflow.cli.line_sweeps.basins"),
    *("gradflow.cli.basins.sweep_in_memory", "gradflow.cli.basins.sweep_into_store"),
    *("gradflow.networks.two_layer.flow.gradient_flow", "gradflow.networks.two_layer.limit.limit_flow"),
    *("gradflow.networks.two_layer.small_steps.flow_by_steps", "gradflow.networks.two_layer.steps.train"),
    *("gradflow.proofs.catalogue.load", "gradflow.cli.study.run_all"),
)
"""What the commands stand for."""

STEPS = {
    "lr": "--lr 0.25",
    "hyper": "--hyper beta2=0.5",
    "steps": "--steps 7",
    "samples": "--samples 9",
    "dtype": "--dtype float32",
}
LINE = {
    "network": "--network {network}",
    "neurons": "--neurons 3",
    "start": "--start glorot",
    "seed": "--seed 4",
    "target": "--target hat",
    "law": "--law normal",
    "loss": "--loss huber",
}
FROZEN = {"frozen": "--frozen b1"}
BATCHES = {"batch": "--batch 2", "replacement": "--replacement"}
DRAWN, ONE = {"start", "seed"}, {"w1", "b1", "w2"}
NONE = {*DRAWN, "loss"}
OWN = {"data": "--data {sample}"}
NEURON = {
    "w1": "--w1 0.5",
    "b1": "--b1 0.5",
    "w2": "--w2 0.5",
    "b2": "--b2 0.5",
    "teacher": "--teacher 1 0 2 0",
    "interval": "--interval -1 2",
    "activation": "--activation silu",
    "teacher_activation": "--teacher-activation silu",
}
CASES: dict[str, dict[str, str]] = {
    "flow": {
        **NEURON,
        **LINE,
        **FROZEN,
        **OWN,
        "samples": STEPS["samples"],
        **{"t_end": "--t-end 3", "rtol": "--rtol 1e-5"},
        **{"until_decided": "--until-decided", "no_theory": "--no-theory"},
    },
    "train": {**NEURON, **LINE, **FROZEN, **BATCHES, **STEPS, **OWN, "optimizer": "--optimizer rmsprop"},
    "threshold": {
        **NEURON,
        **LINE,
        **STEPS,
        **OWN,
        **{"vary": "--vary w2", "between": "--between 0.1 0.9", "method": "--method adamw"},
        **{"tol": "--tol 0.1", "change": "--change 2", "scan": "--scan 9", "backend": "--backend numpy"},
        "no_theory": "--no-theory",
    },
    "basins": {
        **NEURON,
        **LINE,
        **STEPS,
        **OWN,
        **{"grid": "--grid w2 0 1 2", "method": "--method adamw", "backend": "--backend numpy"},
        **{"no_theory": "--no-theory", "block": "--block 5", "cluster": "--cluster tcp://127.0.0.1:9"},
    },
    "align": {
        **STEPS,
        **{"data": "--data equiangular --points 3", "points": "--points 5", "mu": "--mu 0.25"},
        **{"dimension": "--dimension 3", "delta": "--delta 0.2", "mnist": "--mnist {mnist}"},
        **{"constant_columns": "--constant-columns", "center": "--center", "method": "--method adamw"},
        **{
            "loss": "--loss logistic",
            "mean": "--mean",
            "neurons": "--neurons 4",
            "epsilon": "--epsilon 1e-3",
        },
        **{"start": "--start gaussian", "seed": "--seed 3", "t_end": "--t-end 3", "rtol": "--rtol 1e-5"},
        **{"until_loss": "--until-loss 0.5", "batch": "--batch 1", "freeze_outputs": "--freeze-outputs"},
    },
    "derive": {"result": "2"},
    "reproduce": {"quick": "--quick", "only": "--only obs0.dead"},
}
"""Values that are not the defaults, of the options that say what to compute."""

TOLD = {"json", "out", "figure", "latex", "statement", "list_"}
"""Options that say what to print or write; their effect is looked for there, further below."""

AGREES = {"population", "whole"}
"""What is so by default, said aloud; `--samples` beside it is refused. `--whole` has a test of its own."""

TAKEN = {"teacher", "teacher_activation", "interval", "samples"}
"""What the data of a file take the place of."""

DATA = {"points", "mu", "dimension", "delta", "mnist", "constant_columns"}
OPTIMISED = {"lr", "hyper", "steps"}
VARIANTS: dict[str, set[str]] = {
    "flow": {*DRAWN, "loss"},
    "flow --samples 9": {*DRAWN, "data", "law", "until_decided", "no_theory"},
    "train": {*DRAWN, "loss", "replacement"},
    "train --data {sample}": {*TAKEN, *DRAWN, "target", "law", "replacement"},
    "flow --neurons 2": {*ONE, "b2", "network", "until_decided", "no_theory", "loss"},
    "flow --network {network}": {*ONE, *DRAWN, "neurons", "until_decided", "no_theory", "loss"},
    "train --neurons 2 --law {law}": {
        *ONE, "b2", "network", "interval", "samples", "data", "loss", "replacement"
    },
    "train --target abs": {
        *DRAWN, "teacher", "teacher_activation", "data", "loss", "replacement"
    },
    "train --neurons 2 --samples 9 --batch 3": {*ONE, "b2", "network", "data", "law"},
    "threshold --vary b2 --between -2 1": {*STEPS, "data", "backend", "b2", *NONE},
    "threshold --vary b2 --between -2 1 --method adam --data {sample}": {
        *TAKEN, *DRAWN, "no_theory", "b2", "target", "law"
    },
    "threshold --vary b2 --between -2 1 --method adam": {"no_theory", "b2", *NONE},
    "threshold --vary lr --between 0 1 --method adam": {"no_theory", "lr", *NONE},
    "threshold --vary beta2 --between 0 0.5 --method adam": {"no_theory", "hyper", *NONE},
    "threshold --vary scale --between 0 1 --method adam --neurons 3": {
        *ONE, "b2", "network", "dtype", "backend", "no_theory", "loss"
    },
    "basins --grid b2 -1 1 3": {*STEPS, "data", "b2", *NONE},
    "basins --grid b2 -1 1 3 --method adam --data {sample}": {
        *TAKEN, *DRAWN, "no_theory", "b2", "target", "law"
    },
    "basins --grid b2 -1 1 3 --method adam": {"no_theory", "b2", *NONE},
    "basins --grid lr 0 1 3 --grid b1 -1 1 3 --method adam": {"no_theory", "lr", "b1", *NONE},
    "basins --grid beta2 0 0.5 3 --method adam": {"no_theory", "hyper", *NONE},
    "basins --grid scale 0 1 3 --method adam --neurons 3": {
        *ONE, "b2", "network", "dtype", "backend", "no_theory", "loss", "block", "cluster"
    },
    "align": {*(DATA - {"points"}), *OPTIMISED, "batch", "freeze_outputs"},
    "align --method limit": {
        *(DATA - {"points"}), *OPTIMISED, "batch", "freeze_outputs", "rtol", "until_loss", "epsilon"
    },
    "align --method small-steps": {
        *(DATA - {"points"}), *OPTIMISED, "batch", "freeze_outputs", "rtol", "until_loss"
    },
    "align --method adam": {*(DATA - {"points"}), "t_end", "rtol", "until_loss"},
    "align --data two-points --method adam": {*(DATA - {"delta"}), "t_end", "rtol", "until_loss"},
    "align --data equiangular": {*(DATA - {"points", "mu"}), *OPTIMISED, "batch", "freeze_outputs"},
    "align --data cone": {*(DATA - {"points", "mu", "dimension"}), *OPTIMISED, "batch", "freeze_outputs"},
    "align --data digits --points 7 --method adam": {
        *(DATA - {"points", "mnist"}), "center", "t_end", "rtol", "until_loss"
    },
    "align --data t-shirt-shirt --method adam": {*DATA, "center", "t_end", "rtol", "until_loss"},
    "align --data {bias} --loss squared": {
        *(DATA - {"constant_columns"}), *OPTIMISED, "batch", "freeze_outputs"
    },
    "derive 1": set(),
    "reproduce --only obs1.kink": set(),
}  # fmt: skip
"""Command lines, and which options have no meaning there."""


class _CalledError(BaseException):
    """The library was called; no further."""


def plain(value: Any) -> Any:
    """Return what can be compared: numbers, text and containers."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items() if key != "progress"}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return type(value).__name__, plain(value._asdict())
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return np.asarray(value).tolist() if isinstance(value, (np.ndarray, np.generic)) else repr(value)


@pytest.fixture
def called(monkeypatch: Patch, capsys: Capture) -> Callable[[str], Any]:
    """Give a function that runs a command line up to the library and returns what is called there."""
    calls: list[Any] = []

    def recorder(name: str) -> Callable[..., NoReturn]:
        def record(*arguments: Any, **named: Any) -> NoReturn:
            calls.append((name, plain(arguments), plain(named)))
            raise _CalledError

        return record

    for name in CALLS:
        monkeypatch.setattr(name, recorder(name))

    def bracket(
        decide: Callable[[np.ndarray], object], between: tuple[float, float], **named: Any
    ) -> NoReturn:
        calls.append(("bracket", between, named))
        # A scan, and what follows it.
        for n in (65, 2):
            with suppress(_CalledError):
                decide(np.linspace(between[0], between[1], n))
        raise _CalledError

    monkeypatch.setattr("gradflow.cli.thresholds.bracket", bracket)

    def call(line: str) -> Any:
        calls.clear()
        with pytest.raises(_CalledError):
            run(line.split())
        return calls.copy()

    return call


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Give files of data: one with a constant coordinate, one of images."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "bias.csv").write_text("a,one,y\n1,1,1\n-0.5,1,-1\n0.7,1,-1\n")
    images = np.random.default_rng(0).integers(0, 255, (20, 28, 28)).astype(np.uint8)
    np.savez(folder / "mnist.npz", train_images=images, train_labels=np.arange(20) % 2)
    (folder / "network.csv").write_text("w1,b1,w2\n1,0.5,1\n-1,0,2\n")
    (folder / "target.csv").write_text("x,y\n-1,0\n0.5,1\n1,3\n")
    (folder / "law.csv").write_text("x,density\n-1,1\n0.5,2\n2,0\n")
    (folder / "sample.csv").write_text("x,y\n-1,0\n0.5,1\n2,3\n")
    names = {
        "mnist": "mnist.npz",
        **{name: f"{name}.csv" for name in ("sample", "bias", "network", "target", "law")},
    }
    return {name: folder / file for name, file in names.items()}


def options(command: str) -> Iterator[str]:
    """Give the names of a command's options and arguments."""
    yield from inspect.signature(COMMANDS[command]).parameters


def instead(line: str, case: str) -> str:
    """Return a command line with the options of a case, for those that take one value in their place."""
    command, *parts = re.split(r" (?=--)", line)
    named = {part.split()[0] for part in re.split(r" (?=--)", case)} - {"--grid", "--hyper", "--only"}
    return " ".join([command, *(part for part in parts if part.split()[0] not in named), case])


def test_the_lines_are_of_all_commands() -> None:
    assert {line.split()[0] for line in VARIANTS} == set(COMMANDS) == set(CASES)


@pytest.mark.parametrize("line", VARIANTS)
def test_every_option_counts(
    line: str, called: Callable[[str], Any], places: dict[str, Path], capsys: Capture
) -> None:
    command = line.split()[0]
    base = line.format(**places)
    if "{bias}" in line:
        base += " --constant-columns"
    before, meaningless = called(base), set()
    for name in options(command):
        if name in TOLD | AGREES:
            continue
        case = CASES[command][name].format(**places)
        if "{bias}" in line and name in ("data", "constant_columns"):
            continue
        if CASES[command][name] in line:
            continue
        try:
            after = called(f"{command} {case}" if name == "result" else instead(base, case))
        except pytest.fail.Exception:
            reason = capsys.readouterr().err
            # The reason names this option, or that it takes the meaning of another.
            told = re.match(r"gradflow: --[a-z0-9 -]+: it has no meaning w", reason)
            assert told, (case, reason)
            assert f"--{name.replace('_', '-')}" in reason
            meaningless.add(name)
        else:
            assert after != before, f"{case} changes nothing"
    assert meaningless == VARIANTS[line]


def test_a_threshold_uses_no_theory_at_all(called: Callable[[str], Any]) -> None:
    line = "threshold --vary b2 --between -2 1"
    for option, theory in (("", "True"), (" --no-theory", "False")):
        followed = [named["theory"] for name, _, named in called(line + option) if "flow" in name]
        assert followed == [theory, theory]


def test_constant_columns_are_taken_if_one_says_so(
    called: Callable[[str], Any], places: dict[str, Path], capsys: Capture
) -> None:
    line = "align --data {bias} --loss squared".format(**places)
    assert run(line.split()) == 2
    assert "bias.csv" in capsys.readouterr().err
    assert called(f"{line} --constant-columns")


@pytest.mark.parametrize("line", ["train", "threshold --vary b1 --between 0 1 --method gd"])
def test_the_population_is_what_is_trained_on_by_default(line: str, called: Callable[[str], Any]) -> None:
    assert called(f"{line} --population") == called(line)
    assert run([*line.split(), "--population", "--samples", "5"]) == 2


TINY = {
    "flow": "--t-end 0.1",
    "train": "--b2 -1 --steps 2",
    "threshold": "--vary b1 --between -1.5 0 --tol 0.1 --method gd --steps 300 --lr 0.1",
    "basins": "--grid b1 -1 1 2 --method gd --steps 2",
    "align": "--neurons 2 --points 3 --method gd --steps 2",
    "derive": "1",
    "reproduce": "--list",
}


@pytest.fixture
def quick(monkeypatch: Patch) -> None:
    """Let what takes long be told without being done."""
    derived = Result(1, "right", "Right", "proved", "2 = 2", (), "", (), (), (Check("2 = 2", "", True),))
    monkeypatch.setattr("gradflow.proofs.catalogue.load", lambda result: derived)
    monkeypatch.setattr("gradflow.study.figures.course.course", lambda *data: Figure())


@pytest.mark.some(3)
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.usefixtures("quick")
def test_every_way_of_telling_tells(command: str, capsys: Capture, tmp_path: Path) -> None:
    base = [command, *TINY[command].split()]

    def told(*more: str) -> str:
        assert run([*base, *more]) == 0
        return capsys.readouterr().out

    before = told()
    for name in TOLD & set(options(command)):
        if name == "list_":
            assert "reproduced" not in before
        elif name == "figure":
            told("--figure", str(tmp_path / "figure.svg"))
            assert (tmp_path / "figure.svg").exists()
        elif name == "out":
            base = [command, "--only", "obs1.kink"] if command == "reproduce" else base
            told("--out", str(tmp_path / "out.nc"))
            assert (tmp_path / "out.nc").exists()
        else:
            assert told(f"--{name}") != before
