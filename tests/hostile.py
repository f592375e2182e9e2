"""Hostile arguments for any public function: what to pass, and what may come of it."""

from __future__ import annotations

import inspect
import re
import signal
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import array_api_strict
import numpy as np
import xarray as xr

import gradflow as gf
from gradflow.descent.schedules import Cosine
from gradflow.field.kinds import KINDS

LIMIT = 10
"""Seconds that a call may take."""

SAMPLE = gf.Problem(inputs=gf.grid(7))
SMOOTH = gf.Problem(activation="silu")
NEURON = gf.Neuron(1.0, 0.3, 1.0, -0.2)


def _table() -> Path:
    """Return the path of a sample's table, which is there as long as the process is."""
    path = Path(FOLDER.name) / "sample.csv"
    path.write_text("x,y\n-1,1\n0,0\n1,1\n")
    return path


FOLDER = tempfile.TemporaryDirectory()

# A good value for every name of a parameter, with which a call takes milliseconds.
GOOD: dict[str, Any] = {
    "neuron": NEURON,
    "start": NEURON,
    "theta": NEURON,
    "problem": gf.Problem(),
    "optimizer": gf.Adam(0.01),
    "config": gf.Adam(0.01),
    "coefficients": [[0.5, 1.0], [0.0, 2.0]],
    "steps": 3,
    "schedule": Cosine(10),
    "record_every": 2,
    "events": True,
    "first_change": True,
    "dtype": "float64",
    "progress": None,
    "backend": "numpy",
    "kind": KINDS["plain"],
    "second": np.ones(4),
    "step": 3,
    "modifiers": None,
    "t_end": 0.5,
    "rtol": 1e-6,
    "method": "DOP853",
    "times": np.array([0.0, 0.1]),
    "max_steps": 500,
    "theory": True,
    "until_decided": False,
    "longest": 5.0,
    "decide": lambda values: (np.asarray(values) > 0.5).astype(np.int8),
    "scan": 9,
    "change": 1,
    "spacing": "linear",
    "between": (0.0, 1.0),
    "tol": 1e-2,
    "sections": 1,
    "x": np.array([-0.5, 0.2, 0.9]),
    "y": np.array([0.3, -0.2, 1.0]),
    "density": np.array([1.0, 2.0]),
    "weights": np.array([1.0, 2.0, 1.0]),
    "targets": np.array([0.0, 1.0, 2.0]),
    "lo": -1.0,
    "hi": 1.0,
    "n": 5,
    "w1": 1.0,
    "b1": 0.3,
    "w2": 1.0,
    "b2": -0.2,
    "teacher": gf.Neuron(),
    "inputs": gf.Uniform(),
    "activation": "relu",
    "teacher_activation": "leaky-relu=0.1",
    "lr": 0.01,
    "momentum": 0.9,
    "name": "adam",
    "value": "relu",
    "order": 1,
    "gradient": np.array([0.1, -0.2, 0.3, 0.1]),
    "argument": "optimizer",
    "besides": (),
    "diverged": None,
    "factor": 0.5,
    "final": 0.1,
    "every": 3,
    "first": Cosine(10),
    "at": 2,
    "then": Cosine(10),
    "direction": NEURON,
    "tolerance": 1e-9,
    "accuracy": 1e-7,
    "resting": 1e-9,
    "chunk": 64,
    "beta1": 0.9,
    "balance": 0.5,
    "label": "training",
    "total": 10,
    "below": 0.0,
    "run": gf.gradient_flow(NEURON, t_end=0.1),
    "function": np.abs,
    "error": 1e-3,
    "path": _table(),
}


def hostile() -> list[Any]:
    """Return what no good caller passes, and some that is odd but good."""
    big = np.arange(100_000.0)
    pool: list[Any] = [
        None, True, "", "adam", "nonsense\nof two lines", b"1234", 1j, object(), NotImplemented, Ellipsis,
        0, -1, 2**70, 10**400, 0.0, -0.0, 1e-320, 1e200, -1e308, float("nan"), float("inf"), -float("inf"),
        [], (), {}, set(), {"w1": 1.0}, [1.0, 2.0], [1.0, [2.0]], [None], ["a"], [[]], (1.0, 2.0, 3.0, 4.0),
        range(3), iter([1.0]), lambda *a: None, print, int, np.abs, np.float64, gf, gf.Neuron,
        gf.Adam, gf.Neuron(), [gf.Neuron()] * 4, gf.Neuron(gf.Neuron()), gf.Neuron(np.nan), gf.Neuron(1e200),
        gf.Neuron(b1=np.ones(2), b2=np.ones(3)), gf.Neuron(b1=np.ones((0,))), gf.Neuron("1"), gf.Neuron(None),
        gf.Neuron(w1=0.0, b1=0.0), gf.Neuron(b1=np.linspace(-1.0, 1.0, 5)),
        gf.Neuron(-1e30, 1e30, -1e30, 1e30),
        gf.Problem(), SAMPLE, SMOOTH, gf.Uniform(), gf.grid(3), gf.Problem(gf.Neuron(b1=np.ones(3))),
        gf.Problem(inputs=gf.Uniform(-1e100, 1e100)), gf.Problem(inputs=gf.Uniform(0.0, 1e-300)),
        gf.Problem(gf.Neuron(0.0, 0.0, 0.0, 0.0)), gf.Problem(activation=(0.0, 0.0)),
        gf.Problem(inputs=gf.Sample([0.5], targets=[1.0])), gf.Problem(inputs=gf.Uniform(np.zeros(2), 1.0)),
        gf.Problem(activation=(1e20, -1e20)), gf.GD(), gf.GD(-1.0), gf.GD(np.nan), gf.Adam(np.ones(3)),
        gf.Adam("fast"), gf.Adam(beta1=1.0), gf.RMSProp(centered=3), gf.GD(1e308),  # type: ignore[arg-type]
        np.array(3.0), np.array([]), np.ones(4), np.ones((4, 2)), np.ones((3, 4)), np.full(4, np.nan),
        np.full(4, np.inf), np.ones(4, np.float16), np.float16(1.0), np.float32(1.0), np.ones(4, np.float32),
        np.int64(3), np.uint8(3), np.bool_(True), np.ones(4, bool), np.ones(4, complex), np.array(["a"] * 4),
        np.array([1, None, 2, 3], dtype=object), np.array("2020-01-01", "M8[D]"), big, big[::-1],
        np.ma.masked_array(np.ones(4), [True, False, False, False]), np.ma.masked, np.ones((4, 1, 1, 1, 0)),
        array_api_strict.asarray([1.0, 0.3, 1.0, -0.2]), array_api_strict.asarray(1.0),
        xr.DataArray([1.0, 0.3, 1.0, -0.2]), xr.DataArray([1.0, 2.0], dims="a"), xr.Dataset(), slice(3),
        memoryview(b"abcd"), np.random.default_rng(0), Exception("x"), type,
    ]  # fmt: skip
    try:
        import torch

        pool += [torch.ones(4, dtype=torch.float64), torch.ones(4, dtype=torch.bfloat16), torch.float32]
    except ImportError:
        pass
    try:
        import pandas as pd

        pool += [pd.Series([1.0, 0.3, 1.0, -0.2], index=list("abcd")), pd.DataFrame({"w1": [1.0]}), pd.NA]
    except ImportError:
        pass
    return pool


class Call(NamedTuple):
    """A call: what, with which arguments, and which of them are hostile."""

    name: str
    function: Callable[..., Any]
    arguments: dict[str, Any]
    bad: tuple[str, ...]

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={' '.join(repr(self.arguments[name]).split())[:80]}" for name in self.bad)
        return f"{self.name}({shown}, …)"


def good_arguments(function: Callable[..., Any]) -> dict[str, Any]:
    """Return good values for the parameters of a function that have none, and for some that have."""
    return {
        p.name: GOOD[p.name]
        for p in inspect.signature(function).parameters.values()
        if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
        and (p.default is p.empty or GOOD.get(p.name) is not None)
    }


def calls(targets: dict[str, Callable[..., Any]], count: int, seed: int) -> Iterator[Call]:
    """Yield calls of functions with one or two arguments replaced."""
    rng = np.random.default_rng(seed)
    names = list(targets)
    for i in range(count):
        name = names[i % len(names)]
        function = targets[name]
        takes = [
            p.name
            for p in inspect.signature(function).parameters.values()
            if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
        ]
        bad = rng.choice(takes, min(len(takes), int(rng.integers(1, 3))), replace=False)
        pool = hostile()
        given = {str(b): pool[int(rng.integers(len(pool)))] for b in bad}
        yield Call(name, function, {**good_arguments(function), **given}, tuple(given))


class TookTooLongError(Exception):
    """More than `LIMIT` seconds."""


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Interrupt what takes longer."""

    def stop(*_: object) -> None:
        raise TookTooLongError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


# What an error may name besides the function's own parameters: a parameter's parts.
PARTS = {
    "neuron", "start", "teacher", "interval", "inputs", "weights", "targets", "activation", "slopes", "batch",
    "lr", "teacher_activation", "beta1", "beta2", "eps", "momentum", "centered", "samples", "arrays",
    "problem", "optimizer", "grid", "knots", "law", "network",
}  # fmt: skip


def fault(call: Call) -> str:
    """Return what is wrong with what comes of a call; empty if nothing."""
    try:
        with warnings.catch_warnings(), limited(LIMIT):
            warnings.simplefilter("error")
            # A field of a config may only be checked where the config is used.
            call.function(**call.arguments)
    except (ValueError, TypeError) as error:
        text = str(error)
        if "\n" in text or len(text) > 300:
            return f"{len(text.splitlines())} lines: {text[:200]!r}"
        named = re.match(r"[\w, ()'./-]+?(?=( in float(32|64))?: )", text)
        words = set(re.findall(r"\w+", named.group())) if named else set()
        if not words & (PARTS | set(inspect.signature(call.function).parameters)):
            return f"names no argument: {type(error).__name__}: {text}"
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return ""
