"""Random command lines of all commands: a result and 0, or one line and 2; no traceback, no warning, no hang.

Options are enumerated from the parser, so that new ones are drawn too.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import re
import signal
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from gradflow.cli import run
from gradflow.cli.app import program

LIMIT = 30.0
"""Seconds of a processor that a line may take; to compile a kernel, once, takes up to 20 of them."""

SANE = ("0", "1", "-1", "0.5", "-0.3", "2", "-1.5", "1e-3", "0.01")
INSANE = (
    *("nan", "inf", "-inf", "1e300", "-1e300", "1e-320", "5e-324", "1e16", "-1e16", "1e30", "-1e30", "1e31"),
    *("", " ", "x", "٣", "1_0", "0x1", "-", "--", "1e5", "-0", "3.7", "\u0000", "é" * 40, "9" * 400),
)
COUNTS = ("0", "1", "2", "5", "9")
METHODS = ("flow", "gd", "adam", "heavy_ball", "rmsprop", "AdamW", "sgd", "limit", "small-steps", "Flow")
ACTIVATIONS = ("relu", "leaky-relu=0.1", "slopes=-1,1", "slopes=0,1e9", "silu", "tanh", "gelu", "softplus")
NAMES = ("w1", "b1", "w2", "b2", "lr", "beta2", "momentum", "centered")
FILES = {"good.csv": "x,y,weight\n-1,0,1\n0,1,0\n1,0.5,2\n", "bad.csv": "x,y\n1,nan\n"}
"""Data that are written beside the results."""

POOLS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("steps", "samples", "points", "neurons", "batch", "seed", "scan"), COUNTS),
    # Fewer would start processes.
    "block": ("100", "8192", "0"),
    **dict.fromkeys(("t_end",), ("0", "1", "20", "1e-9")),
    "rtol": ("1e-3", "1e-6", "1e-9", "1e-12"),
    "tol": ("1e-1", "1e-3", "1e-4"),
    **dict.fromkeys(("method", "optimizer"), METHODS),
    **dict.fromkeys(("activation", "teacher_activation"), ACTIVATIONS),
    "vary": NAMES,
    "hyper": ("beta2=0.5", "centered=True", "momentum=0.9", "foo=1", "eps=0", "beta1=nan", "lr=1", "=", "x"),
    "dtype": ("float64", "float32", "float16"),
    "backend": ("numpy", "torch"),
    "change": ("1", "-1", "2", "0"),
    "data": ("toy", "two-points", "equiangular", "cone", "digits", "t-shirt-shirt", "none.csv", *FILES),
    "loss": ("exponential", "logistic", "squared"),
    "start": ("balanced", "gaussian"),
    "epsilon": ("1e-3", "1e-6", "e-30000", "e1"),
    "dimension": ("2", "3"),
    "out": ("a.nc", "b.zarr", "c.txt", "missing/d.nc", "."),
    "figure": ("a.svg", "b.txt", "missing/c.pdf"),
    "mnist": ("none.npz",),
    "result": ("poetry", "99", "-1"),
    "only": ("obs1.kink", "nothing", "obs9"),
}
SHORT = {
    "train": "--steps 9",
    "threshold": "--steps 60 --scan 9",
    "basins": "--steps 9",
    "align": "--neurons 4 --steps 9 --t-end 3",
    "flow": "--t-end 20",
    "reproduce": "--list",
    "derive": "",
}
"""What keeps most lines short, where nothing else is drawn."""

NEEDED = {
    # Near a separatrix the flow takes as long as the tolerance asks for.
    "threshold": ("--vary b2 --between -2 1 --tol 1e-3", "--vary lr --between 0.1 1 --method gd --tol 1e-3"),
    "basins": ("--grid b1 -1 1 3", "--grid b2 -2 1 2 --grid lr 0.1 1 2 log --method adam"),
}
# A server ends when it is told to: it has tests of its own.
COMMANDS: dict[str, Any] = {name: c for name, c in program().commands.items() if name != "explore"}


class _TimeUpError(BaseException):
    """A line took too long."""


def words(draw: random.Random, option: Any, folder: Path) -> list[str]:
    """Return an option with values, most of them sane."""
    name = option.name
    if getattr(option, "is_flag", False):
        return [option.opts[0]]
    count = draw.choice((4, 4, 4, 5, 3)) if name == "grid" else option.nargs
    values = [
        draw.choice(INSANE) if draw.random() < 0.12 else draw.choice(POOLS.get(name, SANE))
        for _ in range(count)
    ]
    if name == "grid":
        values[0] = draw.choice(NAMES)
        values[3:4] = [draw.choice((*COUNTS, "x", "1e3"))] * (count > 3)
        values[4:] = [draw.choice(("log", "linear"))] * (count > 4)
    if values[:1] and values[0] in FILES:
        (folder / values[0]).write_text(FILES[values[0]])
        values[0] = str(folder / values[0])
    if name in ("out", "figure") and values[0]:
        values[0] = str(folder / values[0])
    if option.param_type_name == "argument":
        return values
    if count == 1 and draw.random() < 0.3:
        return [f"{option.opts[0]}={values[0]}"]
    return [option.opts[0], *values]


def besides(text: str, meant: set[str]) -> list[str]:
    """Return the words of options, without those that are meant otherwise and may be given once only."""
    parts = [part.split() for part in re.split(r" (?=--)", text)]
    return [word for part in parts if not part or part[0] not in meant - {"--grid"} for word in part]


def line(draw: random.Random, folder: Path) -> list[str]:
    """Return a random command line."""
    name = draw.choices(list(COMMANDS), [1 if c in ("derive", "reproduce") else 6 for c in COMMANDS])[0]
    # A cluster stays in the process: it has tests of its own.
    options = [o for o in COMMANDS[name].params if o.name not in ("help", "list_", "cluster")]
    chosen = draw.sample(options, min(len(options), draw.choice((0, 1, 2, 3, 5))))
    found = [name]
    # Only where it does not stand in the way of what is drawn.
    meant = {o.opts[0] for o in chosen}
    if draw.random() < 0.9 or name == "reproduce":
        found += besides(SHORT[name], meant) if not meant & {"--method", "--data"} else []
        found += ["--list"] * (name == "reproduce" and "--list" not in found)
    if name in NEEDED and draw.random() < 0.95:
        found += besides(draw.choice(NEEDED[name]), meant)
    for option in chosen:
        found += words(draw, option, folder)
    return found


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """Stop what takes too long: `LIMIT` of a processor, or ten times that of the clock."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise _TimeUpError

    timers = {signal.SIGPROF: (signal.ITIMER_PROF, LIMIT), signal.SIGALRM: (signal.ITIMER_REAL, 10 * LIMIT)}
    before = {number: signal.signal(number, stop) for number in timers}
    try:
        for timer, seconds in timers.values():
            signal.setitimer(timer, seconds)
        yield
    finally:
        for timer, _ in timers.values():
            signal.setitimer(timer, 0.0)
        for number, handler in before.items():
            signal.signal(number, handler)


def fault(arguments: list[str]) -> str:
    """Return what is wrong with what a command line does; "" if nothing is."""
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), limited():
            code = run(arguments)
    except _TimeUpError:
        where = traceback.format_exc().splitlines()
        return "takes too long: " + "; ".join(text.strip() for text in where if "gradflow/" in text)[-400:]
    except BaseException:
        return traceback.format_exc()[-1500:]
    told, said = out.getvalue(), err.getvalue().splitlines()
    if code == 2:
        refused = len(said) == 1 and said[0].startswith("gradflow: ") and not told
        return "" if refused else f"refused with {said!r}, having printed {told[:80]!r}"
    known = ("its loss is 0", "found", "not above --until-loss", "undecided: weight decay")
    notes = [text for text in said if not any(words in text for words in known)]
    if code != 0 or notes:
        return f"code {code}, said {said!r}"
    if "--json" in arguments:
        json.loads(told, parse_constant=lambda name: 1 / 0)
    return "" if told else "printed nothing"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="not POSIX")
@pytest.mark.parametrize("seed", range(8))
def test_a_hundred_lines(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    draw = random.Random(seed)
    for _ in range(100):
        arguments = line(draw, tmp_path)
        assert (arguments, fault(arguments)) == (arguments, "")
