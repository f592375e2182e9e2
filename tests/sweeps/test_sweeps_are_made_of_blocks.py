"""A sweep's blocks cover its grid once, depend on nothing else, and put together make the whole."""

from __future__ import annotations

import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradflow.descent import Adam
from gradflow.ends import descent_run
from gradflow.ends.outcome import OUTCOMES, outcome
from gradflow.flow import integrate
from gradflow.neuron.problem import Neuron, Problem
from gradflow.sweeps.axes import Axis
from gradflow.sweeps.blocks import blocks, place
from gradflow.sweeps.sweep import Sweep, compute, empty, run

RATES = Sweep((Axis("lr", 0.01, 0.6, 7), Axis("b2", -1.5, 1.0, 5)), "adam", steps=200)


@given(shape=st.lists(st.integers(1, 9), min_size=1, max_size=3), block=st.integers(1, 40))
def test_blocks_cover_the_grid_once(shape: list[int], block: int) -> None:
    names = ("w1", "b1", "b2")
    sweep = Sweep(
        tuple(Axis(name, 0.0, float(n > 1), n) for name, n in zip(names, shape, strict=False)), block=block
    )
    seen = np.zeros(sweep.shape, dtype=int)
    for index in blocks(sweep):
        assert seen[place(sweep, index)].size <= block
        seen[place(sweep, index)] += 1
    assert np.all(seen == 1)


def test_a_sweep_is_one_training_call_over_its_grid() -> None:
    whole = run(RATES)
    lr, b2 = np.meshgrid(whole["lr"].values, whole["b2"].values, indexing="ij")
    ends = descent_run(Neuron(1.0, 0.0, 1.0, b2), Problem(), Adam(lr=lr), 200)
    np.testing.assert_array_equal(whole["outcome"].values, ends.outcome)
    np.testing.assert_array_equal(whole["loss"].values, ends.loss)
    np.testing.assert_array_equal(whole["first_crossing"].values, ends.first_crossing)


@pytest.mark.parametrize("sweep", [RATES, Sweep((Axis("b1", -1.2, 1.2, 5), Axis("b2", -2.0, 1.0, 4)))])
def test_bits_do_not_depend_on_blocks_or_executor(sweep: Sweep) -> None:
    whole = run(sweep)
    with ThreadPoolExecutor(2) as executor:
        pieces = run(replace(sweep, block=3), executor=executor)
    for name in whole:
        np.testing.assert_array_equal(pieces[name].values, whole[name].values)
    assert pieces.attrs == whole.attrs


def test_a_block_travels() -> None:
    sent = pickle.loads(pickle.dumps(replace(RATES, block=4)))
    for name, values in compute(sent, 2)._asdict().items():
        np.testing.assert_array_equal(values, getattr(compute(replace(RATES, block=4), 2), name))
    assert json.loads(sent.configuration()) == json.loads(RATES.configuration())


@pytest.mark.slow
def test_the_flows_outcomes_are_those_of_single_trajectories() -> None:
    sweep = Sweep((Axis("b1", -1.4, 1.4, 4), Axis("w2", -1.5, 1.5, 2)))
    found = run(sweep)["outcome"]
    assert {OUTCOMES[code] for code in found.values.flat} == {"global", "linear", "constant"}
    for b1 in found["b1"].values:
        for w2 in found["w2"].values:
            last = integrate(Neuron(1.0, b1, w2, 0.0), Problem(), 2000.0).last
            label = OUTCOMES[int(outcome(np.array(last.theta)))]
            assert OUTCOMES[int(found.sel(b1=b1, w2=w2))] == label, (b1, w2)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"method": "flaw"}, "method"),
        ({"axes": ()}, "grid"),
        ({"axes": (Axis("lr", 0.0, 1.0, 3),)}, "grid"),
        ({"samples": 10}, "samples"),
        ({"interval": (1.0, -1.0)}, "interval"),
        ({"method": "adam", "hyper": {"lr": -1.0}}, "lr"),
    ],
    ids=str,
)
def test_bad_sweeps_are_refused(change: dict[str, object], name: str) -> None:
    sweep = Sweep((Axis("b1", -1.0, 1.0, 3),))
    with pytest.raises(ValueError, match=f"^{name}: ") as caught:
        replace(sweep, **change)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("method", "theory", "named"),
    [("flow", True, "{} when decided"), ("flow", False, "final {}"), ("gd", True, "final {}")],
)
def test_only_what_is_followed_to_its_end_is_called_final(method: str, theory: bool, named: str) -> None:
    sweep = Sweep((Axis("b2", -2.0, -2.0, 1),), method, neuron=(1.0, -2.0, 1.0, 0.0), theory=theory)
    found = empty(sweep)
    names = {name: found[name].attrs["long_name"] for name in ("loss", "breakpoint")}
    assert names == {"loss": named.format("loss"), "breakpoint": named.format("breakpoint -b1/w1")}


def test_starts_are_initial_and_rates_are_not() -> None:
    found = run(Sweep((Axis("b2", -1.0, 0.0, 2), Axis("lr", 0.1, 0.2, 2)), "gd", steps=1))
    assert [found[name].attrs["long_name"] for name in ("b2", "lr")] == ["initial b2", "lr"]
