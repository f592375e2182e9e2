"""A trajectory that was written and read is the same, with its axes, codes and provenance."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from gradflow.base.provenance import attributes
from gradflow.base.tables import codes, named, read, write
from gradflow.base.version import __version__
from gradflow.descent import GD
from gradflow.ends.decision import THEOREMS
from gradflow.ends.labels import outcome_codes, outcome_name
from gradflow.ends.outcome import OUTCOMES
from gradflow.neuron.activity import ACTIVITIES
from gradflow.neuron.problem import Neuron, Problem, Sample, Uniform
from gradflow.neuron.records import balancedness, describe_problem, state_variables
from gradflow.runs import gradient_flow
from gradflow.runs.training import train

RUNS: dict[str, Callable[[], xr.Dataset]] = {
    "flow without crossings": lambda: gradient_flow(t_end=1.0),
    "flow with crossings": lambda: gradient_flow(Neuron(b2=-2.0), t_end=20.0),
    "dead flow": lambda: gradient_flow(Neuron(b1=-2.0), t_end=2.0),
    "descent without crossings": lambda: train(steps=3),
    "descent with crossings": lambda: train(Neuron(b2=-1.2), steps=300),
    "batch": lambda: train(Neuron(b2=np.array([[-1.2], [-1.1]])), optimizer=GD(np.full(3, 0.7)), steps=9),
    "float32": lambda: train(Neuron(b2=-1.0), steps=5, dtype="float32"),
    "diverged": lambda: train(Neuron(b2=-1.0), optimizer=GD(1e9), steps=30),
}


@pytest.mark.parametrize("name", RUNS)
def test_round_trip(name: str, tmp_path: Path) -> None:
    run = RUNS[name]()
    write(run, tmp_path / "run.nc")
    back = read(tmp_path / "run.nc")
    xr.testing.assert_identical(back, run)
    assert outcome_name(back) == outcome_name(run) if run["outcome"].ndim == 0 else True
    for variable in ("w1", "loss"):
        assert back[variable].dtype == run[variable].dtype
    (tmp_path / "run.nc").unlink()
    assert np.all(np.isfinite(back["w1"])), "the data are in memory"


@pytest.mark.parametrize("name", RUNS)
def test_provenance(name: str) -> None:
    attributes = RUNS[name]().attrs
    assert attributes["source"] == f"gradflow {__version__}"
    assert attributes["seed"].startswith("none")
    configuration = json.loads(attributes["configuration"])
    assert configuration["teacher"] == {"w1": 1.0, "b1": 0.0, "w2": 1.0, "b2": 0.0}
    assert (configuration["interval"], configuration["activation"]) == ([-1.0, 1.0], "relu")
    assert set(configuration["neuron"]) == {"w1", "b1", "w2", "b2"}
    wanted = {"flow": {"t_end", "rtol", "method"}, "train": {"optimizer", "steps", "dtype", "record_every"}}
    assert wanted[configuration["command"]] <= set(configuration)


def _configuration(problem: Problem, **settings: object) -> str:
    return attributes("A title", "x", {**describe_problem(problem), **settings})["configuration"]


def test_provenance_of_a_sample_and_of_arrays() -> None:
    sample = Problem(inputs=Sample(np.array([-1.0, 0.5, 2.0]), weights=np.array([1.0, 1.0, 2.0])))
    configuration = json.loads(_configuration(sample, rate=np.array([0.1, 0.2])))
    assert configuration["interval"] == [-1.0, 2.0]
    assert (configuration["samples"], configuration["weighted"]) == (3, True)
    assert configuration["rate"] == [0.1, 0.2]
    several = Problem(teacher=Neuron(b2=np.array([0.0, 1.0])), inputs=Uniform(-1.0, np.array([1.0, 2.0])))
    configuration = json.loads(_configuration(several))
    assert configuration["teacher"]["b2"] == [0.0, 1.0]
    assert configuration["interval"] == [-1.0, [1.0, 2.0]]


def test_codes_say_what_they_mean() -> None:
    run = RUNS["flow with crossings"]()
    for name, meanings in (("activity", ACTIVITIES), ("outcome", OUTCOMES)):
        assert run[name].dtype == np.int8
        assert tuple(run[name].attrs["flag_meanings"].split()) == meanings
        assert list(run[name].attrs["flag_values"]) == list(range(len(meanings)))
    several = codes([0, 1], ("reached t_end", "stopped"), ("i",), "status")
    assert several.attrs["flag_meanings"] == "reached_t_end stopped"


def test_the_breakpoint_of_a_neuron_without_slope() -> None:
    theta = np.array([[0.0, 2.0, 1e-300], [1.0, 1.0, 1e300], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    points = state_variables(theta, ("i",))["breakpoint"].values
    assert np.isnan(points[0])
    assert points[1] == -0.5
    assert points[2] == -np.inf
    assert balancedness(theta[:, :2]).tolist() == [0.0, 4.0]


def test_codes_have_names() -> None:
    theorem = codes([[1, 0], [-1, len(THEOREMS)]], THEOREMS, ("a", "b"), "theorem")
    names = named(theorem)
    assert (names.dims, names.attrs["long_name"]) == (("a", "b"), "name of the theorem")
    assert names.values.tolist() == [["dead", "simulation"], ["not computed", "not computed"]]
    assert named(theorem, nothing="none").values[1, 1] == "none"
    status = codes(0, ("reached t_end", "stopped"), (), "status")
    assert (str(named(status).values), str(named(status, ("reached t_end", "stopped")).values)) == (
        "reached t end",
        "reached t_end",
    )
    with pytest.raises(ValueError, match=r"^values: expected codes with the attribute flag_meanings"):
        named(xr.Variable((), 1))


@pytest.mark.parametrize("code", range(len(OUTCOMES)))
def test_every_outcome_has_its_name(code: int) -> None:
    assert named(outcome_codes([code], ("x",))).values.tolist() == [OUTCOMES[code]]
