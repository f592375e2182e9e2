"""Bad input gives one line that names the argument, the value and what is allowed."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, NamedTuple

import numpy as np
import pytest

from gradflow.descent import (
    GD,
    OPTIMIZERS,
    Adam,
    HeavyBall,
    RMSProp,
    init,
    optimizer,
    optimizer_name,
    register,
    train_arrays,
    update,
)
from gradflow.descent.optimisers.hyper import NON_NEGATIVE
from gradflow.neuron.problem import Neuron, Problem, grid


def message(kind: type[Exception], call: Any) -> str:
    with pytest.raises(kind) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_the_names_are_fixed() -> None:
    assert list(OPTIMIZERS) == ["gd", "heavy_ball", "nesterov", "rmsprop", "adam", "adamw", "sign"]
    for name, config in OPTIMIZERS.items():
        assert optimizer(name) == config()
        assert optimizer(name, lr=0.5).lr == 0.5


@pytest.mark.parametrize(
    ("name", "hyper", "expected"),
    [
        (
            "sgd",
            {},
            "optimizer: expected one of gd, heavy_ball, nesterov, rmsprop, adam, adamw, sign, got 'sgd': "
            "without mini-batches it is gd; with momentum heavy_ball, or nesterov",
        ),
        (
            "gd",
            {"beta1": 0.9},
            "beta1: gd has no such hyper-parameter; it has lr, weight_decay; adam, adamw have it",
        ),
        (
            "GD",
            {"momentum": 0.9},
            "momentum: gd has no such hyper-parameter; it has lr, weight_decay; "
            "heavy_ball, nesterov, rmsprop have it",
        ),
        ("sign", {"dampening": 0.9}, "dampening: sign has no such hyper-parameter; it has lr"),
        ("gd", {"lr": -0.1}, "lr: expected a finite number >= 0, got -0.1"),
        ("gd", {"lr": np.nan}, "lr: expected a finite number >= 0, got nan"),
        ("sign", {"lr": np.inf}, "lr: expected a finite number >= 0, got inf"),
        ("adam", {"lr": np.asarray([0.1, -2.0])}, "lr: expected a finite number >= 0, got -2.0"),
        ("adam", {"beta1": 1.0}, "beta1: expected a number in [0, 1), got 1.0"),
        ("adamw", {"beta2": -0.1}, "beta2: expected a number in [0, 1), got -0.1"),
        ("adam", {"eps": -1e-8}, "eps: expected a finite number >= 0, got -1e-08"),
        ("adamw", {"weight_decay": -1.0}, "weight_decay: expected a finite number >= 0, got -1.0"),
        ("rmsprop", {"alpha": 1.5}, "alpha: expected a number in [0, 1), got 1.5"),
        ("heavy_ball", {"momentum": 1.0}, "momentum: expected a number in [0, 1), got 1.0"),
    ],
)
def test_a_wrong_hyper_parameter(name: str, hyper: dict[str, Any], expected: str) -> None:
    assert message(ValueError, lambda: optimizer(name, **hyper)) == expected


@pytest.mark.parametrize(
    ("name", "hyper", "start"),
    [
        ("gd", {"lr": "fast"}, "lr: expected a finite number >= 0 or an array of such, got 'fast'"),
        ("gd", {"lr": None}, "lr: expected a finite number >= 0 or an array of such, got None"),
        ("gd", {"lr": True}, "lr: expected a finite number >= 0 or an array of such, got True"),
        ("gd", {"lr": 1j}, "lr: expected a finite number >= 0 or an array of such, got 1j"),
        ("gd", {"lr": np.asarray([1j])}, "lr: expected a finite number >= 0 or an array of such, got "),
        ("gd", {"lr": np.asarray(["a"])}, "lr: expected a finite number >= 0 or an array of such, got "),
        ("rmsprop", {"centered": 1}, "centered: expected True or False, got 1"),
        ("adam", {"amsgrad": "yes"}, "amsgrad: expected True or False, got 'yes'"),
        (
            "adamw",
            {"eps_hat": np.ones(3)},
            "eps_hat: expected True or False for the whole batch, got an array",
        ),
        (
            "adam",
            {"amsgrad": [True, False]},
            "amsgrad: expected True or False for the whole batch, got [True",
        ),
    ],
)
def test_a_hyper_parameter_of_the_wrong_type(name: str, hyper: dict[str, Any], start: str) -> None:
    assert message(TypeError, lambda: optimizer(name, **hyper)).startswith(start)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"steps": -1}, "steps: expected an integer >= 0, got -1"),
        ({"record_every": 0}, "record_every: expected an integer >= 1, got 0"),
        ({"start": Neuron(b2=np.nan)}, "start: must be finite, got nan"),
        ({"start": np.full(4, np.inf)}, "start: must be finite, got inf"),
        ({"start": np.ones(3)}, "start: expected 4 parameters"),
        ({"optimizer": GD(-1.0)}, "lr: expected a finite number >= 0, got -1.0"),
        ({"optimizer": Adam(beta2=1.0)}, "beta2: expected a number in [0, 1), got 1.0"),
        ({"dtype": "float16"}, "dtype: expected float32 or float64, got 'float16'"),
        ({"dtype": np.float16}, "dtype: expected float32 or float64, got <class 'numpy.float16'>"),
        ({"dtype": int}, "dtype: expected float32 or float64, got <class 'int'>"),
        ({"start": Neuron(b2=1e300), "dtype": "float32"}, "start in "),
        ({"schedule": lambda step: -1.0}, "schedule: expected a finite factor >= 0, got -1.0 at step 0"),
        (
            {"schedule": lambda step: np.nan if step == 2 else 1.0},
            "schedule: expected a finite factor >= 0, got nan at step 2",
        ),
        (
            {"start": Neuron(b1=np.ones(2)), "optimizer": GD(np.ones(3))},
            "batch: start, teacher, interval and hyper-parameters do not broadcast: shapes",
        ),
    ],
)
def test_a_wrong_argument_of_train(arguments: dict[str, Any], expected: str) -> None:
    everything = {"start": Neuron(b2=0.5), "problem": Problem(), "optimizer": GD(), "steps": 3, **arguments}
    assert message(ValueError, lambda: train_arrays(**everything)).startswith(expected)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"steps": 2.0}, "steps: expected an integer >= 0, got 2.0"),
        ({"steps": True}, "steps: expected an integer >= 0, got True"),
        ({"record_every": 1.5}, "record_every: expected an integer >= 1, got 1.5"),
        (
            {"optimizer": "adam"},
            "optimizer: expected one of GD, HeavyBall, Nesterov, RMSProp, Adam, AdamW, Sign",
        ),
        (
            {"optimizer": Adam},
            "optimizer: expected one of GD, HeavyBall, Nesterov, RMSProp, Adam, AdamW, Sign",
        ),
        ({"problem": None}, "problem: expected a Problem, got None"),
        ({"problem": grid(3)}, "problem: expected a Problem, got Sample("),
        (
            {"start": np.ones(4, dtype=np.float16)},
            "start: expected real numbers (integers, float32 or float64), got an array of dtype float16",
        ),
        ({"schedule": lambda step: None}, "schedule: expected a finite factor >= 0, got None at step 0"),
        ({"schedule": lambda step: "1"}, "schedule: expected a finite factor >= 0, got '1' at step 0"),
        ({"progress": 3}, "progress: expected a function of the number of updates done, got 3"),
        ({"schedule": 0.5}, "schedule: expected a function of the step, got 0.5"),
    ],
)
def test_an_argument_of_train_of_the_wrong_type(arguments: dict[str, Any], expected: str) -> None:
    everything = {"start": Neuron(), "problem": Problem(), "optimizer": GD(), "steps": 3, **arguments}
    assert message(TypeError, lambda: train_arrays(**everything)).startswith(expected)


class Halving(NamedTuple):
    """An optimiser from outside, in which θ is halved."""

    lr: float = 1.0


def test_an_optimiser_from_outside_is_one_call_away(monkeypatch: pytest.MonkeyPatch) -> None:
    import gradflow.descent.optimisers.registry as registry
    from gradflow.descent.optimisers.registry import coefficients

    monkeypatch.setattr(registry, "OPTIMIZERS", dict(OPTIMIZERS))
    monkeypatch.setattr(registry, "_RULES", dict(registry._RULES))
    register(
        "halving",
        Halving,
        lambda c, theta: (),
        lambda c, k: (),
        lambda ops, c, g, memory, theta: (theta / 2, memory),
        {"lr": NON_NEGATIVE},
    )
    config = optimizer("halving")
    theta, state = update(config, np.ones(4), init(config, np.ones(4)), np.ones(4))
    assert (theta.tolist(), state) == ([0.5] * 4, ())
    np.testing.assert_array_equal(train_arrays(np.ones(4), Problem(), config, 3).final, np.full(4, 0.125))
    taken = message(
        ValueError, lambda: register("gd", Halving, init, coefficients, update, {"lr": NON_NEGATIVE})
    )
    assert taken == "optimizer: the name 'gd' is taken by GD"
    assert "expected one for each of lr" in message(
        ValueError, lambda: register("other", Halving, init, coefficients, update, {})
    )


def test_a_config_that_is_not_registered_is_refused() -> None:
    assert message(TypeError, lambda: init(Halving(), np.ones(4))).startswith("optimizer: expected one of GD")


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("GD", "gd"), ("Adam", "adam"), ("AdamW", "adamw"), ("adam_w", "adamw"), ("ADAM-W", "adamw"),
        ("RMSprop", "rmsprop"), ("rms_prop", "rmsprop"), ("heavy-ball", "heavy_ball"),
        ("HeavyBall", "heavy_ball"), ("Heavy Ball", "heavy_ball"), ("Nesterov", "nesterov"), ("Sign", "sign"),
    ],
)  # fmt: skip
def test_a_name_may_be_typed_as_people_do(typed: str, name: str) -> None:
    assert optimizer_name(typed) == name
    assert type(optimizer(typed)) is OPTIMIZERS[name]


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("sgd", "got 'sgd': without mini-batches it is gd; with momentum heavy_ball, or nesterov"),
        ("Momentum", "got 'Momentum': write heavy_ball, or nesterov"),
        ("amsgrad", "write adam with amsgrad=True (--hyper amsgrad=true)"),
        ("rprop", "expected one of gd, heavy_ball, nesterov, rmsprop, adam, adamw, sign, got 'rprop'"),
        (None, "got None"),
        (3, "got 3"),
    ],
)
def test_another_name_is_answered(typed: Any, answer: str) -> None:
    assert answer in message(ValueError, lambda: optimizer(typed))


def test_a_class_or_a_name_instead_of_a_config_is_answered() -> None:
    for given, answer in ((Adam, "; write Adam()"), ("adam", "; write gradflow.descent.optimizer('adam')")):
        found = message(TypeError, lambda given=given: train_arrays(Neuron(), Problem(), given, 1))
        assert found.endswith(answer)


def test_hyper_parameters_may_be_given_by_position_or_name() -> None:
    assert optimizer("rmsprop", lr=0.1, centered=True) == RMSProp(0.1, centered=True)
    assert optimizer("heavy_ball", lr=0.1) == HeavyBall(0.1, 0.9)


def test_the_package_is_light() -> None:
    code = (
        "import sys, gradflow.descent; "
        "print([m for m in ('torch', 'sympy', 'matplotlib', 'xarray', 'scipy') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
