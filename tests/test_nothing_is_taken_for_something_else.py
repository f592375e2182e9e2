"""Input that looks like numbers but is something else is refused, and what is accepted keeps its meaning."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import xarray as xr

import gradflow as gf
from gradflow.base.arrays import as_floating
from gradflow.ends.outcome import OUTCOMES, outcome
from gradflow.neuron.activations import SILU, PiecewiseLinear, as_activation

NEURON = gf.Neuron(1.0, 0.3, 1.0, -0.2)
VALUES = (1.0, 0.3, 1.0, -0.2)
PROBLEM = gf.Problem()


def refused(call: Callable[[], object]) -> str:
    """Return the one line of a TypeError or ValueError."""
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 250
    return text


# Every entry point that takes a neuron.
TAKERS: dict[str, Callable[[Any], object]] = {
    "loss": gf.loss,
    "gradient": gf.gradient,
    "hessian": gf.hessian,
    "flow": lambda neuron: gf.gradient_flow(neuron, t_end=0.1),
    "train_arrays": lambda neuron: gf.train_arrays(neuron, PROBLEM, gf.GD(), 1),
    "train": lambda neuron: gf.train(neuron, steps=1),
    "flow_outcomes": lambda neuron: gf.flow_outcomes(neuron, PROBLEM),
    "descent_outcomes": lambda neuron: gf.descent_outcomes(neuron, PROBLEM, gf.GD(), 1),
    "outcome": lambda neuron: outcome(neuron, PROBLEM),
    "teacher": lambda neuron: gf.Problem(teacher=neuron),
}

NO_NEURONS: dict[str, tuple[Any, str]] = {
    "four neurons": ([NEURON] * 4, "expected one Neuron whose fields may be arrays, got a list of 4 neurons"),
    "a tuple of neurons": ((NEURON,) * 4, "got a tuple of 4 neurons"),
    "two neurons": ([NEURON] * 2, "got a list of 2 neurons"),
    "a neuron as field": (gf.Neuron(1.0, NEURON), "as b1, got a Neuron"),
    "a dict": (NEURON._asdict(), "got a dict; write Neuron(**…)"),
    "a set": ({1.0, 2.0, 3.0, 4.0}, "expected 4 parameters"),
    "text": ("1234", "expected 4 parameters"),
    "bytes": (b"1234", "expected 4 parameters"),
    "a function": (np.abs, "along the first axis, got <ufunc 'absolute'>"),
    "float16": (np.array(VALUES, dtype=np.float16), "got an array of dtype float16"),
    "a float16 scalar": (gf.Neuron(np.float16(1.0)), "got an array of dtype float16"),
    "float128": (np.array(VALUES, dtype=np.longdouble), "got an array of dtype"),
    "bool": (np.ones(4, dtype=bool), "got an array of dtype bool"),
    "complex": (np.ones(4, dtype=complex), "got an array of dtype complex128"),
    "masked": (np.ma.masked_array(VALUES, [False, True, False, False]), "got a masked array"),
    "a masked field": (gf.Neuron(b1=np.ma.masked_array([1.0, 2.0], [False, True])), "got a masked array"),
    "masked in a list": (gf.Neuron(b1=[1.0, np.ma.masked]), "got a masked array"),
    "ragged": (gf.Neuron(b1=[[1.0], [1.0, 2.0]]), "got a list that makes no array"),
    "shapes": (gf.Neuron(b1=np.ones(2), b2=np.ones(3)), "do not broadcast: shapes (2,), (3,)"),
    "too large": (gf.Neuron(10**400), "expected a number in the range of float64"),
}  # fmt: skip


@pytest.mark.parametrize("taker", list(TAKERS))
@pytest.mark.parametrize("given", list(NO_NEURONS))
def test_of_neurons(taker: str, given: str) -> None:
    value, line = NO_NEURONS[given]
    text = refused(lambda: TAKERS[taker](value))
    assert line in text
    assert text.split(":")[0] in ("neuron", "start", "teacher", "batch")


def test_a_wrong_problem_is_answered() -> None:
    for taker in (gf.loss, gf.gradient, gf.hessian, gf.gradient_flow, gf.flow_outcomes):
        found = refused(lambda taker=taker: taker(NEURON, None))  # type: ignore[misc]
        assert found == "problem: expected a Problem, got None"
        found = refused(lambda taker=taker: taker(NEURON, gf.grid(3)))  # type: ignore[misc]
        assert found.endswith("; write Problem(inputs=Sample(…))")
    for call in (gf.train_arrays, gf.descent_outcomes):
        found = refused(lambda call=call: call(NEURON, gf.Uniform(), gf.GD(), 1))  # type: ignore[misc]
        assert found.startswith("problem: expected a Problem, got Uniform(")
        assert found.endswith("; write Problem(inputs=Uniform(…))")
    assert refused(lambda: gf.Problem(teacher_activation="sigmoid")).startswith(
        "teacher_activation: expected"
    )
    inputs: Any = np.linspace(0.0, 1.0, 1000)
    assert refused(lambda: gf.Problem(inputs=inputs)).endswith("got an array of shape (1000,)")


def test_what_is_accepted_means_the_same_in_any_form() -> None:
    expected = gf.loss(NEURON)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for form in (
            VALUES,
            list(VALUES),
            np.array(VALUES),
            np.array(VALUES).astype(">f8"),
            np.ma.masked_array(VALUES),
            xr.DataArray(list(VALUES)),
            gf.Neuron(*map(np.float64, VALUES)),
            gf.Neuron(*(xr.DataArray(v) for v in VALUES)),
        ):
            assert gf.loss(form) == expected
            assert type(gf.loss(form)) is type(expected)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        matrix = np.matrix(VALUES).T
    assert gf.loss(matrix).tolist() == [float(expected)]
    assert gf.loss(gf.Neuron(np.int8(1), 0, np.uint16(1), -(10**30))) == gf.loss(gf.Neuron(1, 0, 1, -1e30))
    _, (a, b) = as_floating((np.ma.masked_array([1, 2]), 3))
    assert (type(a), a.dtype, b.dtype) == (np.ndarray, np.dtype("float64"), np.dtype("float64"))


def test_torch_tensors_are_trained_as_arrays_are() -> None:
    torch = pytest.importorskip("torch")
    start = np.random.default_rng(0).normal(size=(4, 3))
    for dtype in ("float32", "float64"):
        tensor = torch.tensor(start.astype(dtype), requires_grad=True)
        run = gf.train_arrays(tensor, PROBLEM, gf.Adam(0.01), 30, record_every=7)
        plain = gf.train_arrays(start.astype(dtype), PROBLEM, gf.Adam(0.01), 30, record_every=7)
        assert isinstance(run.final, torch.Tensor)
        np.testing.assert_allclose(
            run.final.detach().numpy(), plain.final, rtol=1e-6 if dtype == "float32" else 1e-14
        )
        assert run.events == plain.events
    assert "final" not in gf.train(torch.ones(4, dtype=torch.float64), steps=2)
    assert "expected one array library" in refused(lambda: gf.loss(gf.Neuron(torch.ones(2), np.ones(2))))
    with pytest.raises(TypeError, match=r"^start: .*dtype torch\.(b?float16)$"):
        gf.train_arrays(torch.ones(4, dtype=torch.bfloat16), PROBLEM, gf.GD(), 1)


@pytest.mark.parametrize("dtype", [np.float32, np.dtype("float32"), "float32", "f4", ">f4"])
def test_a_dtype_may_be_any_that_numpy_knows(dtype: Any) -> None:
    run = gf.train(steps=2, dtype=dtype)
    assert run["loss"].dtype == np.float32
    assert '"dtype": "float32"' in run.attrs["configuration"]
    assert gf.train_arrays(NEURON, PROBLEM, gf.GD(), 1, dtype=dtype).final.dtype == np.float32


class TestSample:
    """Of samples."""

    def test_weights_are_normalised_without_overflow(self) -> None:
        problem = gf.Problem(inputs=gf.Sample([1.0, 2.0], weights=[1e308, 1e308]))
        equal = gf.Problem(inputs=gf.Sample([1.0, 2.0], weights=[1.0, 1.0]))
        assert gf.loss(gf.Neuron(2.0), problem) == gf.loss(gf.Neuron(2.0), equal) == 2.5
        for weights in ([1e308, 1.7e308, 3.0], [5e-324, 1e-323], [1e-308, 1e308, 1e308]):
            exact = [Fraction(w) / sum(map(Fraction, weights)) for w in weights]
            found: Any = gf.Sample(range(len(weights)), weights=weights).weights
            np.testing.assert_allclose(found, [float(v) for v in exact], rtol=4e-16)
        small: Any = gf.Sample(np.arange(2.0), weights=np.full(2, 3e38, np.float32)).weights
        assert (small.dtype, small.tolist()) == (np.dtype("float32"), [0.5, 0.5])
        whole: Any = gf.Sample([1, 2], weights=np.full(2, 2**63 - 1)).weights
        assert whole.tolist() == [0.5, 0.5]

    def test_ordinary_weights_keep_their_bits(self) -> None:
        weights = np.random.default_rng(0).uniform(size=9)
        np.testing.assert_array_equal(
            gf.Sample(np.arange(9.0), weights=weights).weights, weights / float(np.sum(weights))
        )

    def test_arrays_are_its_own(self) -> None:
        x, weights, targets = np.array([0.1, 0.5]), np.array([1.0, 1.0]), np.array([2.0, 3.0])
        sample = gf.Sample(x, weights=weights, targets=targets)
        before = gf.loss(NEURON, gf.Problem(inputs=sample))
        x[:], weights[:], targets[:] = 9.0, 7.0, 8.0
        assert gf.loss(NEURON, gf.Problem(inputs=sample)) == before
        array: Any
        for array in (sample.x, sample.weights, sample.targets):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 1.0

    def test_a_view_that_cannot_be_written_is_copied_too(self) -> None:
        x = np.array([0.1, 0.5])
        view = x[:]
        view.flags.writeable = False
        sample = gf.Sample(view)
        x[0] = 9.0
        assert sample.x[0] == 0.1

    def test_masks_and_half_precision_are_refused(self) -> None:
        made: dict[str, Callable[[Any], gf.Sample]] = {
            "inputs": gf.Sample,
            "weights": lambda bad: gf.Sample([1.0, 2.0], weights=bad),
            "targets": lambda bad: gf.Sample([1.0, 2.0], targets=bad),
        }
        for name, make in made.items():
            masked = np.ma.masked_array([1.0, 2.0], [False, True])
            assert refused(lambda make=make, masked=masked: make(masked)).startswith(f"{name}: ")  # type: ignore[misc]
            half = np.ones(2, np.float16)
            assert refused(lambda make=make, half=half: make(half)).endswith("dtype float16")  # type: ignore[misc]
            series = make(xr.DataArray([1.0, 2.0]))
            assert isinstance(series.x, np.ndarray)


def test_a_problem_keeps_its_teacher_and_its_interval() -> None:
    b1, lo = np.array([0.0, 0.2]), np.array([-1.0, -2.0])
    problem = gf.Problem(gf.Neuron(b1=b1), gf.Uniform(lo, 1.0))
    before = gf.loss(NEURON, problem)
    b1[:], lo[:] = 5.0, 0.5
    np.testing.assert_array_equal(gf.loss(NEURON, problem), before)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("ReLU", PiecewiseLinear()), ("RELU", PiecewiseLinear()), ("leaky_relu=0.1", PiecewiseLinear(0.1)),
        ("LeakyReLU=0.01", PiecewiseLinear(0.01)), ("leaky-relu=0.01", PiecewiseLinear(0.01)),
        ("abs", PiecewiseLinear(-1.0, 1.0)), ("linear", PiecewiseLinear(1.0, 1.0)),
        ("identity", PiecewiseLinear(1.0, 1.0)), ("Identity", PiecewiseLinear(1.0, 1.0)), ("swish", SILU),
        ("SiLU", SILU), ("Swish", SILU), ("Slopes=-1,1", PiecewiseLinear(-1.0, 1.0)),
        ((np.float32(0.5), np.int64(1)), PiecewiseLinear(0.5, 1.0)),
        (np.array([0.5, 1.0]), PiecewiseLinear(0.5, 1.0)),
    ],
)  # fmt: skip
def test_activations_may_be_typed_as_people_do(typed: Any, expected: Any) -> None:
    assert as_activation(typed) == expected
    assert as_activation(str(expected)) == expected


@pytest.mark.parametrize("typed", ["GELU", "Softplus", "Tanh", "TANH"])
def test_smooth_names_in_any_case(typed: str) -> None:
    assert str(as_activation(typed)) == typed.lower()


@pytest.mark.parametrize("typed", ["leaky_relu", "LeakyReLU", "leaky-relu"])
def test_a_leaky_relu_without_slope_is_answered(typed: str) -> None:
    line = refused(lambda: gf.Problem(activation=typed))
    assert line == (
        f"activation: {typed!r} needs its slope below 0: leaky-relu=0.01 is PyTorch's default, "
        "leaky-relu=0.3 Keras's"
    )


@pytest.mark.parametrize(
    "typed", ["sigmoid", "relu=1", "leaky-relu=x", "slopes=1", "", "tanh=3", 3, None, np.tanh, (1,)]
)
def test_another_activation_is_answered(typed: Any) -> None:
    line = refused(lambda: as_activation(typed))
    assert line.startswith("activation: expected relu, leaky-relu=SLOPE, abs, linear, slopes=LOW,HIGH, silu")
    assert ", swish" in line


def test_a_start_without_a_finite_velocity_stops_no_other() -> None:
    b1 = np.array([np.nan, 0.1, np.inf, 1e200, -1e308])
    found = gf.flow_outcomes(gf.Neuron(1.0, b1, np.array([1.0, 1.0, 1.0, 1e200, 1.0]), -0.2), PROBLEM)
    alone = gf.flow_outcomes(gf.Neuron(1.0, 0.1, 1.0, -0.2), PROBLEM)
    assert [OUTCOMES[code] for code in found[[0, 2, 3]]] == ["diverged"] * 3
    assert found[1] == alone


def test_problems_whose_moments_overflow_are_refused() -> None:
    assert "interval: expected numbers between -1e100 and 1e100" in refused(lambda: gf.Uniform(-1e200, 1))
    assert "inputs: expected numbers between" in refused(lambda: gf.Sample([0.0, -1e200]))
    assert "targets: expected numbers between" in refused(lambda: gf.Sample([0.0, 1.0], targets=[0.0, 1e200]))
    assert refused(lambda: gf.Problem(gf.Neuron(1e60, 0.0, 1e60))).startswith("teacher: its output may reach")
    steep = "with slopes=0.0,1e+90 the teacher is too large: its output may reach 1e+180"
    assert refused(lambda: gf.Problem(gf.Neuron(1e90), activation=(0.0, 1e90))).startswith(
        f"activation: {steep}"
    )
    assert refused(lambda: gf.Problem(gf.Neuron(1e90), teacher_activation=(0.0, 1e90))).startswith(
        f"teacher_activation: {steep}"
    )
    largest = gf.Problem(gf.Neuron(1e50, 0.0, 0.9), gf.Uniform(-1e50, 1e50))
    assert np.isfinite(gf.loss(gf.Neuron(), largest))
