"""Every argument of gradient_flow that is not as described gives one line that names it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.flow import integrate
from gradflow.flow.stop import as_rule
from gradflow.neuron.problem import Neuron, Problem, Uniform, grid
from gradflow.runs import gradient_flow

NAN, INF = float("nan"), float("inf")
PAIR = np.array([1.0, 2.0])

BAD: list[tuple[str, Any, str]] = [
    *(
        ("neuron", Neuron(**{name: value}), "neuron")
        for name in ("w1", "b1", "w2", "b2")
        for value in (NAN, INF)
    ),
    ("neuron", Neuron(w1=PAIR), "neuron"),
    ("neuron", np.ones((4, 1)), "neuron"),
    ("neuron", Neuron(b1="1"), "neuron"),
    ("neuron", [1.0, 2.0, 3.0], "neuron"),
    ("neuron", None, "neuron"),
    ("problem", Problem(inputs=grid(5)), "inputs"),
    ("problem", Problem(Neuron(w1=PAIR)), "teacher"),
    ("problem", Problem(inputs=Uniform(-PAIR, 1.0)), "interval"),
    ("problem", "relu", "problem"),
    *(("t_end", value, "t_end") for value in (-1.0, NAN, INF, "5", None, PAIR)),
    *(("rtol", value, "rtol") for value in (0.0, 1e-14, 0.1, NAN, "x", None, PAIR)),
    *(("method", value, "method") for value in ("Euler", "dop853", 3, ["RK45"], None)),
    *(("max_steps", value, "max_steps") for value in (0, -5, 2.5, NAN, "many", True)),
    *(
        ("times", value, "times")
        for value in ([1.0, 0.0], [0.0, 0.0], [-0.5, 0.0], [0.0, 2.0], [NAN], [[0.5]], 0.5, "now", [1j])
    ),
]


@pytest.mark.parametrize(("argument", "value", "named"), BAD, ids=range(len(BAD)))
def test_one_line_that_names_the_argument(argument: str, value: Any, named: str) -> None:
    with pytest.raises((ValueError, TypeError)) as error:
        gradient_flow(**{"t_end": 1.0, argument: value})
    text = str(error.value)
    assert text.startswith(f"{named}: ")
    assert "\n" not in text


@pytest.mark.parametrize(
    "arguments",
    [
        {"neuron": (1, 0, 1, 0)},
        {"neuron": np.array([1, 0, 1, 0])},
        {"neuron": Neuron(*np.array([1.0, 0.5, 1.0, 0.0], dtype=np.float32))},
        {"t_end": 1, "rtol": 1e-2},
        {"t_end": np.float64(1.0), "rtol": 1e-13, "max_steps": np.int64(500)},
        {"times": [0, 1]},
        {"times": (0.5,)},
        {"problem": Problem(Neuron(1, 0, 1, 0), Uniform(-1, 1), (0, 1))},
    ],
)
def test_any_form_of_good_input_is_taken(arguments: dict[str, Any]) -> None:
    data = gradient_flow(**{"t_end": 1.0, **arguments})
    assert float(data["loss"][-1]) >= 0.0


def test_the_integrator_refuses_samples_and_arrays_too() -> None:
    with pytest.raises(TypeError, match=r"^inputs: the flow needs an interval"):
        integrate(Neuron(), Problem(inputs=grid(5)), 1.0)
    with pytest.raises(TypeError, match=r"^teacher and interval: one trajectory has one of each"):
        integrate(Neuron(), Problem(Neuron(b2=PAIR)), 1.0)


def test_what_is_no_rule_is_shown_in_one_line() -> None:
    class Rows:
        def __repr__(self) -> str:
            return "row\n" * 5

    with pytest.raises(
        TypeError, match=r"^stop: expected a StopRule or a function, got row row row row row$"
    ):
        as_rule(Rows())  # type: ignore[arg-type]
