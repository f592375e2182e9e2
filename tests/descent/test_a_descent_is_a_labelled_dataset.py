"""`train` returns what `train_arrays` computes, with named axes and the checks of the trajectory."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import xarray as xr

from gradflow.descent import GD, Adam, train_arrays
from gradflow.ends.outcome import OUTCOMES
from gradflow.neuron.problem import Neuron, Problem, grid
from gradflow.runs import training as dataset
from gradflow.runs.records import crossings
from gradflow.runs.training import train

SAMPLE = Problem(inputs=grid(100))


def test_it_is_what_train_computes() -> None:
    run = train(Neuron(b2=-1.2), SAMPLE, Adam(0.01), 300)
    plain = train_arrays(Neuron(b2=-1.2), SAMPLE, Adam(0.01), 300, record_every=1)
    assert run.sizes["step"] == 301
    np.testing.assert_array_equal(run["step"], np.arange(301))
    for i, name in enumerate(("w1", "b1", "w2", "b2")):
        assert run[name].dims == ("step",)
        np.testing.assert_array_equal(run[name], plain.theta[:, i])
    np.testing.assert_array_equal(run["loss"], plain.loss)
    np.testing.assert_allclose(run["breakpoint"], -run["b1"] / run["w1"], rtol=1e-15)
    found = crossings(run)
    events = list(zip(found["step"].values.tolist(), found["event"].values, strict=True))
    assert events == [(event.step, event.event) for event in plain.events]
    assert (247, "balanced -> hyperactive") in events
    changes = [k for k, (a, b) in enumerate(pairwise(run["activity"].values), start=1) if a != b]
    assert changes == [step for step, event in events if "->" in event]


def test_the_default_is_adam_on_the_population() -> None:
    run = train(Neuron(b2=-1.0), steps=20)
    same = train(Neuron(b2=-1.0), Problem(), Adam(lr=0.01), 20)
    assert run.identical(same)
    assert '"name": "adam"' in run.attrs["configuration"]


def test_a_batch_has_axes() -> None:
    b2 = np.array([[-1.2], [-1.0]])
    run = train(Neuron(b2=b2), SAMPLE, Adam(np.array([0.01, 0.1, 0.4])), 40)
    assert run["w1"].dims == ("step", "start_b2", "lr")
    np.testing.assert_array_equal(run["start_b2"], b2[:, 0])
    np.testing.assert_array_equal(run["lr"], [0.01, 0.1, 0.4])
    assert (run["loss"].shape, run["outcome"].shape, run["diverged"].shape) == ((41, 2, 3), (2, 3), (2, 3))
    one = train(Neuron(b2=-1.0), SAMPLE, Adam(0.4), 40)
    np.testing.assert_array_equal(run["loss"][:, 1, 2], one["loss"])
    found = crossings(run).to_dataframe()
    mine = found[(found["start_b2_index"] == 1) & (found["lr_index"] == 2)]
    assert set(mine["start_b2"]) == {-1.0}
    assert set(mine["lr"]) == {0.4}
    expected = crossings(one).to_dataframe()
    assert mine[["step", "event"]].values.tolist() == expected.values.tolist()
    assert [19, "balanced -> dead"] in expected.values.tolist()


def test_what_varies_together_names_no_axis() -> None:
    both = Neuron(b1=np.array([0.1, 0.2]), b2=np.array([0.3, 0.4]))
    run = train(both, SAMPLE, steps=2)
    assert run["loss"].dims == ("step", "batch_0")
    np.testing.assert_array_equal(run["start_b1"], xr.DataArray(both.b1, dims="batch_0"))
    # Nor does what has a value twice.
    assert train(Neuron(b2=np.array([0.3, 0.3])), SAMPLE, steps=2)["loss"].dims == ("step", "batch_0")


def test_labels_of_what_varies_name_their_axes() -> None:
    b1, rates = np.array([0.1, 0.2, 0.3]), np.array([0.01, 0.1])
    start = Neuron(b1=xr.DataArray(b1, dims="start_b1", coords={"start_b1": b1}))
    run = train(start, SAMPLE, GD(xr.DataArray(rates, dims="lr", coords={"lr": rates})), steps=2)
    assert run["loss"].dims == ("step", "start_b1", "lr")
    np.testing.assert_array_equal(run["start_b1"], b1)
    np.testing.assert_array_equal(run["lr"], rates)
    # With other values than those that are trained with it is no label of these.
    run = train(start, SAMPLE, GD(xr.DataArray(2.0 * rates, dims="lr", coords={"lr": rates})), steps=2)
    assert run["loss"].dims == ("step", "start_b1", "start_lr")


def test_a_batch_without_crossings() -> None:
    run = train(Neuron(b2=np.zeros((2, 2))), steps=3)
    assert run["loss"].dims == ("step", "batch_0", "batch_1")
    found = crossings(run)
    assert {name: found[name].shape for name in found} == dict.fromkeys(
        ("step", "event", "batch_0_index", "batch_1_index"), (0,)
    )
    assert set(run["outcome"].values.ravel()) == {OUTCOMES.index("global")}


@pytest.mark.parametrize("steps", [100, 101, 250, np.int64(250)])
def test_records_are_capped(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert dataset.MOST_RECORDED == 10_000
    monkeypatch.setattr(dataset, "MOST_RECORDED", 100)
    run = train(Neuron(), steps=steps, optimizer=GD(0.0))
    assert 50 < run.sizes["step"] <= 101
    assert (int(run["step"][0]), int(run["step"][-1])) == (0, steps)
    assert len(set(np.diff(run["step"])[:-1])) == 1


def test_records_at_a_distance() -> None:
    run = train(Neuron(b2=-1.0), steps=10, record_every=4)
    every = train(Neuron(b2=-1.0), steps=10)
    assert run["step"].values.tolist() == [0, 4, 8, 10]
    np.testing.assert_array_equal(run["loss"], every["loss"][[0, 4, 8, 10]])
    assert train(steps=0).sizes["step"] == 1


def test_float32_is_kept_and_its_check_is_not() -> None:
    run = train(Neuron(b2=-1.0), SAMPLE, steps=50, dtype="float32")
    assert {run[name].dtype for name in ("w1", "b1", "w2", "b2", "loss")} == {np.dtype("float32")}
    assert run["invariant_drift"].dtype == np.float64
    double = train(Neuron(b2=-1.0), SAMPLE, steps=50)
    np.testing.assert_allclose(run["loss"], double["loss"], rtol=1e-4)
    assert not np.array_equal(run["loss"], double["loss"])


def test_the_drift_is_that_of_q() -> None:
    run = train(Neuron(b1=0.5, b2=-1.0), steps=30)
    q = run["w1"] ** 2 + run["b1"] ** 2 - run["w2"] ** 2
    np.testing.assert_allclose(run["invariant_drift"], q - q[0], rtol=1e-12, atol=1e-15)
    assert run["invariant_drift"][0] == 0
    assert float(np.abs(run["invariant_drift"]).max()) > 1e-6


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("start", [1.0, 1e20, -1e30])
def test_a_diverging_run_warns_of_nothing(start: float, dtype: str) -> None:
    run = train(Neuron(w1=start, b2=-1.0), optimizer=GD(1e9), steps=20, dtype=dtype)
    assert OUTCOMES[int(run["outcome"])] == "diverged"
    assert int(run["diverged"]) == 1


def test_progress_reaches_the_end() -> None:
    seen: list[float] = []
    train(steps=1000, optimizer=GD(0.1), progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1000
    assert 50 <= len(seen) <= 101
