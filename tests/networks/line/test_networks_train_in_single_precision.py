"""Networks train in float32: the same bits compiled and not, and float64's path as near as float32 can be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradflow as gf
from gradflow.descent import stepping
from gradflow.descent.schedules import constant
from gradflow.networks import line
from gradflow.networks.line import fast, machine
from gradflow.networks.line.evaluate import evaluator
from gradflow.networks.line.task import in_dtype, task_of
from gradflow.networks.line.walls import Watch
from gradflow.runs import crossings

ABS = gf.Problem(target="abs")
PROBLEMS: dict[str, gf.Problem] = {
    "abs": ABS,
    "a jump": gf.Problem(target=gf.Knots([-1, 0.1, 0.1, 1], [0, 0.3, 0.2, 1]), law=gf.Uniform(-1, 0.7)),
    "a teacher": gf.Problem(gf.Neuron(1.0, 0.2, 0.7, 0.1), activation=(0.1, 1.0)),
    "steps": gf.Problem(target="hat", law=gf.Steps([-1.0, -0.3, 0.2, 1.5], [1.0, 0.0, 3.0])),
}
ROWS = line.start("uniform", 5, 2, (6,)).rows
STEPS = 60


def both(problem: gf.Problem, rows: np.ndarray, optimizer: Any, keeps: Any = None) -> tuple[Any, ...]:
    """Return the paths of NumPy and of compiled code in float32, and who watched each."""
    task, start, due = in_dtype(task_of(problem), "float32"), rows.astype(np.float32), [0, 20, STEPS]
    watches = [Watch(start, task) for _ in range(2)]
    with np.errstate(over="ignore", invalid="ignore"):
        usual = stepping.descend(
            start, evaluator(task), optimizer, due, constant, keeps=keeps, observe=watches[0].observe
        )
        quick = machine.compiled(start, task, optimizer, due, constant, keeps=keeps, watch=watches[1])
    assert quick is not None
    return usual, quick, *watches


def assert_same(usual: Any, quick: Any, seen: Watch, other: Watch) -> None:
    assert quick.final.dtype == np.float32
    for one, two in zip((*usual.states, *usual.losses), (*quick.states, *quick.losses), strict=True):
        assert two.dtype == np.float32
        assert np.array_equal(one, two, equal_nan=True)
    assert np.array_equal(usual.diverged, quick.diverged)
    assert seen.crossings == other.crossings


OPTIMIZERS: list[Any] = [gf.Adam(0.01), gf.GD(0.1), gf.RMSProp(0.01)]


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=["adam", "gd", "rms"])
def test_compiled_code_has_numpys_bits(optimizer: Any) -> None:
    for problem in PROBLEMS.values():
        found = both(problem, ROWS, optimizer)
        assert_same(*found)
        double = stepping.descend(ROWS, evaluator(task_of(problem)), optimizer, [0, STEPS], constant)
        # RMSProp divides small gradients by their own size, and their rounding with them.
        near = 1e-2 if isinstance(optimizer, gf.RMSProp) else 1e-5
        assert np.max(np.abs(found[0].final - double.final)) < near
        assert np.max(np.abs(found[0].losses[-1] - double.losses[-1])) < near
    keeps = np.zeros((16, 1), dtype=bool)
    keeps[10:15] = True
    found = both(ABS, ROWS, optimizer, keeps)
    assert_same(*found)
    assert np.array_equal(found[1].final[10:15], ROWS[10:15].astype(np.float32))


@pytest.mark.slow
def test_so_have_large_and_small_weights_and_those_that_diverge() -> None:
    rng = np.random.default_rng(0)
    signs = np.sign(rng.standard_normal((16, 300)))
    for size in (1.5, 12.0):
        rows = signs * 10.0 ** rng.uniform(-size, size, (16, 300))
        found = both(ABS, rows, gf.GD(0.01))
        assert_same(*found)
        assert np.any(found[0].diverged) == (size > 2.0)


def test_the_field_keeps_its_digits_beside_any_end() -> None:
    """Neurons barely active at an end that float32 rounds: its products' errors are carried along."""
    hi = float(np.float32(0.7))
    w1 = np.linspace(0.5, 1.5, 50, dtype=np.float32)
    b1 = (-w1.astype(np.float64) * hi + 10.0 ** np.linspace(-6.0, -3.0, 50)).astype(np.float32)
    rows = np.stack([w1, b1, np.ones_like(w1), np.zeros_like(w1)])
    problem = gf.Problem(target="abs", law=gf.Uniform(-1.0, hi))
    single, double = line.gradient(rows, problem), line.gradient(rows.astype(np.float64), problem)
    assert single.dtype == np.float32
    assert np.max(np.abs(single / double - 1.0)) < 1e-5


@pytest.mark.slow
def test_evaluations_have_the_same_bits() -> None:
    rows = (3.0 * np.random.default_rng(1).standard_normal((16, 400))).astype(np.float32)
    for problem in PROBLEMS.values():
        task = in_dtype(task_of(problem), "float32")
        found, usual = fast.evaluated(task, "float32")(rows), evaluator(task).loss_and_gradient(rows)
        for one, two in zip(found, usual, strict=True):
            assert one.dtype == two.dtype == np.float32
            assert np.array_equal(one, two)


@pytest.mark.parametrize(
    ("problem", "given"),
    [
        (ABS, {}),
        (ABS, {"frozen": ("w1",), "batch": 7, "seed": 2}),
        (gf.Problem(target="sine", activation="silu"), {}),
        (gf.Problem(inputs=gf.grid(30), loss="huber=0.1"), {"batch": 5}),
        (gf.Problem(law=gf.Normal()), {}),
    ],
    ids=["exact", "drawn and frozen", "smooth", "sample", "normal"],
)
def test_runs_are_single_and_near(problem: gf.Problem, given: dict[str, Any]) -> None:
    for start in (line.of_rows(ROWS), gf.Neuron(0.5, np.array([0.1, 0.2]), 0.7, 0.0)):
        single, double = (
            gf.train(start, problem, gf.GD(0.05), 30, dtype=d, **given) for d in ("float32", "float64")
        )
        for name in ("w1", "b1", "w2", "b2", "breakpoint", "loss"):
            assert single[name].dtype == np.float32, name
            assert double[name].dtype == np.float64, name
        for name in ("w1", "b1", "w2", "b2", "loss", "invariant_drift"):
            assert np.max(np.abs(single[name].values - double[name].values)) < 2e-5, name
        assert single["invariant_drift"].dtype == np.float64
        assert crossings(single)["event"].values.tolist() == crossings(double)["event"].values.tolist()


def test_what_rests_is_seen_to_rest() -> None:
    step = gf.Problem(target="step")
    run = gf.train(gf.Network([1.0], [-2.0], [1.0], 0.1), step, gf.GD(0.3), 60, dtype="float32")
    assert run["outcome_name"] == "constant"
    run = gf.train(gf.Neuron(0.5, 1.5, 1.0, 0.1), gf.Problem(target="hat"), gf.GD(0.2), 800, dtype="float32")
    assert run["outcome_name"] == "linear"


def test_what_does_not_fit_is_named() -> None:
    high, narrow = gf.Knots([-1, 1], [0, 1e39]), gf.Uniform(1.0, 1.0 + 1e-9)
    given: dict[str, Any] = {"steps": 1, "dtype": "float32"}
    pair = line.start("he", 2)
    with pytest.raises(ValueError, match="network in float32: must be finite"):
        gf.train(gf.Network([1e39], [0.0], [1.0]), ABS, **given)
    with pytest.raises(ValueError, match="target in float32: must be finite"):
        gf.train(pair, gf.Problem(target=high), **given)
    with pytest.raises(ValueError, match="interval in float32: expected two ends, got 1 only"):
        gf.train(pair, gf.Problem(target="abs", law=narrow), **given)
    with pytest.raises(ValueError, match="dtype: expected"):
        gf.train(pair, ABS, **{**given, "dtype": "float16"})
