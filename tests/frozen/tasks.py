"""What the runs share: a row of the table, starts, problems, and the command line."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tests.frozen import program as g
from tests.frozen.compare import CLOSELY
from tests.frozen.plain import plain


class Run(NamedTuple):
    """A row of the table: what is frozen under a name.

    Slow ones take a second or more; `elsewhere` is the tolerance on another machine than that of the files.
    """

    group: str
    name: str
    compute: Callable[[], Any]
    slow: bool = False
    elsewhere: float = CLOSELY

    def result(self) -> Any:
        """Compute it, as plain data."""
        return plain(self.compute())


TEACHER = g.Neuron(-2.0, 0.5, 0.7, -0.3)
ELSEWHERE = g.Problem(TEACHER, g.Uniform(-0.5, 2.0))
GRID = g.Problem(inputs=g.grid(100))
UNEVEN = g.Problem(TEACHER, g.Sample(np.array([1.9, -0.4, 0.3, 0.2, 1.1, 0.3, -0.1])))
TARGETS = g.Problem(
    inputs=g.Sample(
        x=np.array([-1.5, -0.8, -0.3, 0.05, 0.4, 0.45, 0.9, 1.7]),
        weights=np.array([1.0, 2.0, 0.5, 0.0, 3.0, 1.0, 1.0, 0.25]),
        targets=np.array([0.7, -0.2, 0.1, 5.0, -0.4, 0.9, 1.1, 0.3]),
    )
)

_RATIOS = (0.618033988749895, 0.4142135623730951, 0.7320508075688772, 0.2360679774997898)


def starts(n: int, size: float = 2.0, dtype: str = "float64") -> g.Neuron:
    """Return neurons that fill a cube evenly and come from no generator."""
    k = np.arange(1, n + 1)
    parts = ((size * (2.0 * np.mod(k * ratio, 1.0) - 1.0)).astype(dtype) for ratio in _RATIOS)
    return g.Neuron(*parts)


def command(line: str) -> Any:
    """Return what a command prints as JSON, run in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = g.run([*line.split(), "--json"])
    if code != 0:
        raise RuntimeError(f"gradflow {line}: {err.getvalue()}")
    return json.loads(out.getvalue())


def trained(problem: g.Problem, optimizer: Any, count: int, **options: Any) -> dict[str, Any]:
    """Return where six neurons are after some steps of training, and what happened on the way."""
    run = g.train_arrays(starts(6), problem, optimizer, count, **options)
    return {
        **{"final": run.final, "loss": run.loss, "diverged": run.diverged, "first_change": run.first_change},
        "events": [(event.step, list(event.index), event.event) for event in run.events],
    }
