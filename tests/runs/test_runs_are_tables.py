"""A run is a table with a row for each record, whose batch axes say what varies along them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import gradflow as gf
from gradflow.base.tables import named, read, write

RATES = np.array([0.1, 0.7, 0.2])


def only(run: xr.Dataset, **where: object) -> list[float]:
    return [float(v) for v in run["loss"].sel(where)]


@pytest.mark.parametrize(("b2", "count"), [(0.0, 0), (-2.0, 1)])
def test_a_flow_has_a_row_for_each_time(b2: float, count: int) -> None:
    run = gf.gradient_flow(gf.Neuron(b2=b2), t_end=20.0)
    table = run.to_dataframe()
    np.testing.assert_array_equal(table.index, run["time"])
    np.testing.assert_array_equal(table["loss"], run["loss"])
    assert table["outcome_name"].unique().tolist() == [
        "global" if count == 0 else str(run.outcome_name.values)
    ]
    happened = gf.crossings(run).to_dataframe()
    assert happened.columns.tolist() == ["time", "event", "wall"]
    assert len(happened) == count


@pytest.mark.parametrize(("b2", "count"), [(0.0, 0), (-1.2, 1)])
def test_a_descent_has_a_row_for_each_step(b2: float, count: int) -> None:
    run = gf.train(gf.Neuron(b2=b2), gf.Problem(inputs=gf.grid(100)), steps=300)
    table = run.to_dataframe()
    assert table.index.tolist() == list(range(301))
    assert len(gf.crossings(run).to_dataframe()) == count


def test_a_batch_has_a_row_for_each_step_and_trajectory() -> None:
    run = gf.train(gf.Neuron(b2=-1.2), optimizer=gf.GD(RATES), steps=4)
    table = run.to_dataframe()
    assert table.index.names == ["step", "lr"]
    assert len(table) == 5 * 3
    one = gf.train(gf.Neuron(b2=-1.2), optimizer=gf.GD(0.7), steps=4)
    assert table.xs(0.7, level="lr")["loss"].tolist() == one["loss"].values.tolist()


def test_outcomes_have_names_beside_their_codes() -> None:
    run = gf.train(gf.Neuron(b2=np.array([-1.0, 0.0, 9.0])), optimizer=gf.GD([[0.1], [1e9]]), steps=5)
    assert run["outcome_name"].dims == run["outcome"].dims
    assert run["outcome_name"].values.tolist() == named(run["outcome"]).values.tolist()
    assert run["outcome_name"].sel({"start_b2": 0.0}).values.tolist() == ["global", "global"]
    assert run["outcome_name"].values[1].tolist() == ["diverged", "global", "diverged"]


def test_what_varies_along_one_axis_is_its_coordinate() -> None:
    start = gf.Neuron(w1=np.array([[1.0], [2.0]]), b2=np.array([[-1.0], [0.5]]))
    teacher = gf.Neuron(w2=np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 4.0]]))
    run = gf.train(start, gf.Problem(teacher), gf.GD(RATES), 3)
    assert run["loss"].dims == ("step", "batch_0", "lr")
    assert run["start_w1"].dims == run["start_b2"].dims == ("batch_0",)
    assert run["start_b2"].values.tolist() == [-1.0, 0.5]
    assert run["teacher_w2"].dims == ("batch_0", "lr")
    assert run["teacher_w2"].values.tolist() == [[1.0, 2.0, 3.0], [1.0, 2.0, 4.0]]
    assert set(run.coords) == {"step", "start_w1", "start_b2", "lr", "teacher_w2"}
    inputs = gf.Uniform(np.array([-1.0, -2.0]), np.array([1.0, 1.0]))
    assert gf.train(problem=gf.Problem(inputs=inputs), steps=1)["loss"].dims == ("step", "interval_lo")


def test_an_array_of_neurons_names_what_differs() -> None:
    starts = np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [-1.0, -3.0, -2.0]])
    run = gf.train(starts, steps=2)
    assert set(run.coords) == {"step", "start_b2"}
    assert run["w1"].sel(start_b2=-3.0, step=0) == 1.0


def test_equal_values_are_no_names() -> None:
    run = gf.train(gf.Neuron(b2=np.array([-1.0, -1.0, -2.0])), steps=2)
    assert run["start_b2"].dims == ("batch_0",)
    single = gf.train(optimizer=gf.GD(np.array([0.3])), steps=2)
    assert single["lr"].values.tolist() == [0.3]


def test_data_arrays_broadcast_by_the_names_of_their_dimensions() -> None:
    b1 = xr.DataArray([0.5, -0.5], dims="b1", coords={"b1": [0.5, -0.5]})
    b2 = xr.DataArray([-1.0, -2.0, 0.0], dims="b2")
    who = xr.DataArray([0.1, 0.4], dims="who", coords={"who": ["slow", "fast"]})
    run = gf.train(gf.Neuron(b1=b1, b2=b2 + 0.0 * b1), optimizer=gf.GD(who), steps=3)
    assert run["loss"].dims == ("step", "start_b1", "start_b2", "who")
    assert run["lr"].dims == ("who",)
    one = gf.train(gf.Neuron(b1=-0.5, b2=-2.0), optimizer=gf.GD(0.4), steps=3)
    assert only(run, start_b1=-0.5, start_b2=-2.0, who="fast") == one["loss"].values.tolist()
    with pytest.raises(ValueError, match=r"^batch: the DataArrays do not fit each other: [^\n]*$"):
        gf.train(gf.Neuron(b1=b1, w1=b1.assign_coords(b1=[1.0, 2.0])), steps=1)


def test_a_label_never_passes_for_what_it_is_not() -> None:
    first = gf.train(gf.Neuron(b2=np.array([-1.0, 0.5])), optimizer=gf.GD(np.array([[0.1], [0.2]])), steps=2)
    last = {name: first[name].isel(step=-1, drop=True) for name in ("w1", "b1", "w2", "b2")}
    # The rate and the biases of the run before are not this one's.
    run = gf.train(gf.Neuron(**last), optimizer=gf.GD(0.3), steps=1)
    assert run["loss"].dims == ("step", "start_lr", "start_start_b2")
    assert "lr" not in run.coords
    assert run["start_b2"].dims == ("start_lr", "start_start_b2")
    np.testing.assert_array_equal(run["start_b2"], last["b2"])
    np.testing.assert_array_equal(run["b2"][0], last["b2"])
    assert run["start_lr"].values.tolist() == [0.1, 0.2]
    # Nor are the places in a row its values.
    b2 = xr.DataArray([[-1.0, 0.5], [0.0, 2.0]], dims=("b1", "b2"), coords={"b2": [0, 1]})
    placed = gf.train(gf.Neuron(b2=b2), steps=1)
    assert placed["loss"].dims == ("step", "start_b1", "batch_b2")
    assert placed["start_b2"].values.tolist() == b2.values.tolist()
    other = gf.train(
        gf.Neuron(b1=xr.DataArray([0.0, 1.0], dims="lr")), optimizer=gf.GD([[0.1], [0.2]]), steps=1
    )
    assert other["loss"].dims == ("step", "lr", "start_lr")
    assert other["lr"].values.tolist() == [0.1, 0.2]


def test_data_arrays_of_neurons_and_stacked_ones() -> None:
    b2 = xr.DataArray([[-1.0, -2.0], [0.0, 1.0]], dims=("i", "j"), coords={"i": [0, 1], "j": [3, 4]})
    stacked = gf.train(gf.Neuron(b2=b2.stack(k=("i", "j"))), steps=2)
    assert stacked["loss"].dims == ("step", "k")
    assert stacked["j"].values.tolist() == [3, 4, 3, 4]
    starts = xr.DataArray(np.array([[1.0, 1.0], [0.0, 0.0], [1.0, 1.0], [-1.0, -2.0]]), dims=("p", "run"))
    run = gf.train(starts, steps=2)
    assert run["start_b2"].dims == ("run",)
    assert only(run.isel(run=1)) == only(gf.train(gf.Neuron(b2=-2.0), steps=2))


def test_series_are_numbers() -> None:
    b2, rates = pd.Series([-1.0, -2.0], index=["a", "b"]), pd.Series([0.1, 0.2])
    run = gf.train(gf.Neuron(b2=b2), optimizer=gf.GD(lr=rates), steps=3)
    same = gf.train(gf.Neuron(b2=b2.to_numpy()), optimizer=gf.GD(lr=rates.to_numpy()), steps=3)
    assert run.identical(same)
    x, y = pd.Series([0.5, -1.0, 2.0], index=[3, 1, 2]), xr.DataArray([1.0, 0.0, 2.0], dims="datum")
    sample = gf.Problem(inputs=gf.Sample(x, weights=pd.Series([1, 1, 2]), targets=y))
    plain = gf.Problem(inputs=gf.Sample(x.to_numpy(), weights=np.array([1, 1, 2]), targets=y.to_numpy()))
    assert gf.loss(gf.Neuron(b2=0.25), sample) == gf.loss(gf.Neuron(b2=0.25), plain)
    inputs = gf.Uniform(pd.Series([-1.0, -2.0]), 1.0)
    values = gf.loss(gf.Neuron(b2=xr.DataArray([0.5, 0.25], dims="b2")), gf.Problem(gf.Neuron(b1=b2), inputs))
    expected = [
        gf.loss(gf.Neuron(b2=b), gf.Problem(gf.Neuron(b1=t), gf.Uniform(lo, 1.0)))
        for b, t, lo in ((0.5, -1.0, -1.0), (0.25, -2.0, -2.0))
    ]
    np.testing.assert_allclose(values, expected, rtol=1e-14)


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 0, 2, 1]])
def test_parameters_are_told_by_their_labels(order: list[int]) -> None:
    values, names = np.array([1.5, 0.25, 2.0, -1.0]), np.array(["w1", "b1", "w2", "b2"])
    two = np.stack([values, 2.0 * values])[:, order]
    plain, pair = gf.loss(gf.Neuron(*values)), gf.loss(np.stack([values, 2.0 * values], axis=1))
    series = pd.Series(values[order], index=names[order])
    array = xr.DataArray(values[order], dims="name", coords={"name": names[order]})
    assert gf.loss(series) == gf.loss(array) == plain
    assert gf.gradient_flow(series, t_end=0.0)["w2"].values[0] == 2.0
    np.testing.assert_array_equal(gf.loss(pd.DataFrame(two, columns=names[order])), pair)
    labelled = xr.DataArray(two.T, dims=("name", "run"), coords={"name": names[order]})
    np.testing.assert_array_equal(gf.loss(labelled), pair)
    assert gf.train(labelled, steps=1)["start_w2"].values.tolist() == [2.0, 4.0]
    assert gf.Problem(series).teacher == gf.Neuron(*values)
    # Other labels say nothing.
    assert gf.loss(pd.Series(values, index=[3, 0, 1, 2])) == plain


def test_labels_survive_a_file(tmp_path: Path) -> None:
    who = xr.DataArray([0.1, 0.7], dims="who", coords={"who": ["slow", "fast"]})
    teacher = gf.Neuron(b1=np.array([[0], [1]]))
    run = gf.train(gf.Neuron(b2=-1.0), gf.Problem(teacher), gf.GD(who), steps=30)
    write(run, tmp_path / "run.nc")
    back = read(tmp_path / "run.nc")
    xr.testing.assert_identical(back, run)
    kinds = [[some[name].dtype.kind for name in some.variables if name != "who"] for some in (run, back)]
    assert sorted(kinds[0]) == sorted(kinds[1])
    assert gf.crossings(back).identical(gf.crossings(run))
    assert set(gf.crossings(back)["who"].values) == {"fast"}
    with pytest.raises(ValueError, match=r"^run: expected what gradient_flow or train returned"):
        gf.crossings(xr.Dataset())


@pytest.mark.parametrize(
    ("start", "sizes"),
    [
        (gf.Neuron(b1=np.zeros(0)), {"start_b1": 0}),
        (gf.Neuron(b1=np.zeros((2, 0))), {"batch_0": 2, "start_b1": 0}),
        (gf.Neuron(w1=np.ones((0, 1)), b1=np.zeros(3)), {"start_w1": 0, "batch_1": 3}),
        (gf.Neuron(b1=np.zeros(0), b2=np.zeros((0, 1))), {"batch_0": 0, "start_b1": 0}),
    ],
)
def test_a_batch_of_none_has_no_trajectories(start: gf.Neuron, sizes: dict[str, int]) -> None:
    run = gf.train(start, gf.Problem(), gf.GD(0.1), steps=3)
    assert dict(run.sizes) == {"step": 4, **sizes}
    assert run["outcome"].size == 0
