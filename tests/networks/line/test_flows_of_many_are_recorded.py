"""The flow of an array of networks, recorded at common times, is that of each alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

import gradflow as gf
from gradflow.base.tables import read, write
from gradflow.networks import line
from gradflow.networks.line import ensemble
from gradflow.runs import crossings

ABS = gf.Problem(target="abs")
TIMES = np.array([0.0, 0.3, 2.0, 7.5, 9.0])
ROWS = line.start("uniform", 4, 2, (2, 3)).rows
PARTS = ("w1", "b1", "w2", "b2")


def flow(rows: np.ndarray, problem: gf.Problem = ABS, **given: Any) -> xr.Dataset:
    return gf.gradient_flow(line.of_rows(rows), problem, **{"t_end": 9.0, "times": TIMES, **given})


@pytest.mark.some(2)
@pytest.mark.parametrize("place", [(1, 0), (0, 1), (1, 1), (0, 0), (0, 2), (1, 2)])
def test_it_is_that_of_each(place: tuple[int, int]) -> None:
    # One alone is located on the dense output, whose error may be a multiple of the step's.
    many, one = flow(ROWS, rtol=1e-12), flow(ROWS[:, *place], rtol=1e-13)
    mine = many.isel(batch_0=place[0], batch_1=place[1])
    assert dict(many.sizes) == {"time": 5, "neuron": 4, "batch_0": 2, "batch_1": 3}
    assert set(mine.data_vars) == {*one.data_vars, "reached"}
    for name in (*PARTS, "loss", "energy_residual", "invariant_drift"):
        assert np.allclose(mine[name].values, one[name].values, rtol=0, atol=1e-9), name
        assert mine[name].dims == one[name].dims
        assert mine[name].attrs == one[name].attrs
    # A neuron that fades is dead by rounding sooner or later.
    sure = np.abs(np.abs(one["breakpoint"].values) - 1.0) > 1e-6
    assert np.array_equal(mine["activity"].values[sure], one["activity"].values[sure])
    for name in ("outcome_name", "status_name"):
        assert np.array_equal(mine[name].values, one[name].values)
    found, known, own = crossings(many), crossings(one), _of(many, place)
    for name in ("neuron", "event", "wall", "x"):
        assert found[name].values[own].tolist() == known[name].values.tolist()
    assert np.allclose(found["time"].values[own], known["time"].values, rtol=0, atol=1e-9)
    assert np.all(np.diff(found["time"].values) >= 0.0)
    assert found.sizes["crossing"] > 3


def test_what_is_recorded_changes_no_bit(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    whole, ends = flow(ROWS), line.integrate_ensemble(ROWS, ABS, 9.0)
    assert np.array_equal(np.concatenate([whole[name].values[-1] for name in PARTS[:3]]), ends.final[:-1])
    assert np.array_equal(whole["loss"].values[-1], ends.loss)
    assert np.all(ends.crossings == [[np.sum(_of(whole, (i, k))) for k in range(3)] for i in range(2)])
    fewer = flow(ROWS, times=TIMES[2:4])
    assert np.array_equal(fewer["w1"].values, whole["w1"].values[2:4])
    assert fewer["outcome"].equals(whole["outcome"])
    assert fewer.attrs["crossings"] == whole.attrs["crossings"]
    # In calls of a step each, whose memory for crossings is full at once.
    for name, value in (("WORK", 1), ("SHARE", 2), ("SEEN", 0)):
        monkeypatch.setattr(ensemble, name, value)
    assert flow(ROWS).identical(whole)
    write(whole, tmp_path / "run.nc")
    assert np.array_equal(read(tmp_path / "run.nc")["w2"].values, whole["w2"].values)


def _of(run: xr.Dataset, place: tuple[int, int]) -> np.ndarray:
    found = crossings(run)
    own = [found[f"batch_{i}_index"].values == k for i, k in enumerate(place)]
    return np.asarray(own[0] & own[1])


def test_there_are_times_by_default() -> None:
    seen: list[float] = []
    run = gf.gradient_flow(line.of_rows(ROWS), ABS, t_end=1.0, progress=seen.append)
    assert np.array_equal(run["time"].values, np.linspace(0.0, 1.0, 101))
    assert seen[-1] == 1.0
    still = gf.gradient_flow(line.of_rows(ROWS), ABS, t_end=0.0)
    assert np.array_equal(still["b1"].values[0], ROWS[4:8])
    assert gf.gradient_flow(line.of_rows(ROWS[:, :0]), ABS, t_end=1.0).sizes["batch_0"] == 0
    assert gf.gradient_flow(line.of_rows(ROWS), ABS, t_end=1.0, times=[]).sizes["time"] == 0


def test_what_stops_early_says_so() -> None:
    rows = np.array([[1.0, 1e160], [0.2, 0.0], [0.9, 1e160], [0.0, 0.0]])
    run = flow(rows, max_steps=15)
    assert run["status_name"].values.tolist() == ["too many steps", "diverged"]
    assert run["outcome_name"].values[1] == "diverged"
    assert 0.3 < float(run["reached"][0]) < 9.0
    there = run["time"].values <= run["reached"].values[0]
    assert np.array_equal(np.isfinite(run["w1"].values[:, 0, 0]), there)
    assert np.array_equal(np.isfinite(run["loss"].values[:, 0]), there)
    assert np.array_equal(run["activity"].values[:, 0, 0] >= 0, there)
    assert np.all(np.isnan(run["breakpoint"].values[~there]))


def test_what_does_not_move_stays_where_it_is() -> None:
    rest = np.array([-1.0, 1.0, -2.0, -2.0, 1.0, 0.5, 0.25])
    problem = gf.Problem()
    many, one = (flow(rows, problem) for rows in (np.stack((rest, ROWS[:7, 0, 0]), 1), rest))
    assert np.array_equal(many["b2"].values[:, 0], np.full(5, 0.25))
    for name in (*PARTS, "breakpoint", "activity", "loss", "energy_residual", "invariant_drift"):
        assert np.array_equal(many[name].values[..., 0], one[name].values), name
    assert many["status_name"].values.tolist() == ["converged", "reached t_end"]
    assert np.all(np.isfinite(many["w1"].values))


@pytest.mark.slow
@pytest.mark.parametrize(
    "problem",
    [gf.Problem(law=gf.Normal()), gf.Problem(target="sine"), gf.Problem(inputs=gf.grid(20))],
    ids=["normal", "sine", "sample"],
)
def test_what_has_no_compiled_code(problem: gf.Problem) -> None:
    rows, given = line.start("uniform", 2, 3, (2,)).rows, {"t_end": 2.0, "times": [0.0, 0.5, 1.5]}
    many = flow(rows, problem, **given)
    for i, start in enumerate(rows.T):
        one = flow(start, problem, **given)
        for name in (*PARTS, "loss", "energy_residual", "outcome"):
            assert np.allclose(many[name].values[..., i], one[name].values, rtol=0, atol=1e-8)


@pytest.mark.slow
def test_what_is_stiff_is_recorded_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Explicit steps end somewhere, and the implicit solver records and crosses on."""
    usual = flow(ROWS, rtol=1e-11)
    monkeypatch.setattr(ensemble, "STIFF", 12)
    found = flow(ROWS, rtol=1e-11)
    for name in (*PARTS, "loss", "energy_residual", "reached"):
        assert np.allclose(found[name].values, usual[name].values, rtol=0, atol=1e-8), name
    one, other = crossings(found), crossings(usual)
    assert one["event"].values.tolist() == other["event"].values.tolist()
    assert np.allclose(one["time"].values, other["time"].values, rtol=0, atol=1e-7)
