"""The claims of "Dying ReLU": complete, publishable, and different where the runs are different."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import xarray as xr

from gradflow.networks.deep.born_dead import Bounds, Frequency
from gradflow.neuron.activations import RELU
from gradflow.study.claims.depth import birth, capacity, causes, fixes, runs, spread
from gradflow.study.claims.depth.table import CLAIMS, UNTESTABLE
from gradflow.study.claims.evidence import plain
from gradflow.study.claims.ledger import Finding

BY_ID = {claim.id: claim for claim in CLAIMS}
CACHES = (runs.sweep, runs.fixed, runs.close, fixes.row, spread.widths_run, capacity.narrow)


@pytest.fixture
def fresh() -> Iterator[None]:
    """Let altered runs be computed, and forgotten afterwards."""
    for cache in CACHES:
        cache.cache_clear()
    yield
    for cache in CACHES:
        cache.cache_clear()


def found(name: str) -> Finding:
    return BY_ID[name].check(True)


def test_ids_are_their_own_and_every_sentence_has_a_reason() -> None:
    assert len(BY_ID) == len(CLAIMS) >= 20
    assert all(name.startswith("depth.") for name in BY_ID)
    assert all(sentence and reason.endswith(".") for sentence, reason in UNTESTABLE)


@pytest.mark.slow
@pytest.mark.usefixtures("fresh")
def test_networks_that_stand_still(monkeypatch: pytest.MonkeyPatch) -> None:
    still = {
        name: (lambda lr, kind=kind: kind(lr=0.0 * np.asarray(lr))) for name, kind in runs.OPTIMIZERS.items()
    }
    monkeypatch.setattr(runs, "OPTIMIZERS", still)
    monkeypatch.setattr(runs, "CLOSE", {name: type(config)(0.0) for name, config in runs.CLOSE.items()})
    assert found("depth.one-way-door").verdict == "open"
    # No unit of the first layer is born dead, so the case in which none can come back is not tested.
    assert found("depth.never-recovers").verdict == "open"
    assert found("depth.comes-down").verdict == "open"
    assert found("depth.norms-stop").verdict == "reproduced"
    assert found("depth.statistic").verdict == "refuted"
    assert found("depth.20-40-percent").verdict == "open"
    assert found("depth.sudden").verdict == "refuted"
    assert found("depth.gradual").verdict == "open"
    for name in ("rate", "early", "low-rate", "warm-up", "trains-on"):
        assert found(f"depth.{name}").verdict == "refuted", name


@pytest.mark.slow
@pytest.mark.usefixtures("fresh")
def test_fixes_that_are_plain_relu(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = {
        name: fix._replace(activation=RELU, normalize=False, factor=1.0, warm=False)
        for name, fix in runs.FIXES.items()
    }
    monkeypatch.setattr(runs, "FIXES", plain)
    assert found("depth.leaky").verdict == "refuted"
    assert found("depth.smooth").verdict == "refuted"
    for name in ("low-rate", "warm-up", "batch-norm"):
        assert found(f"depth.{name}").verdict == "refuted", name


@pytest.mark.slow
@pytest.mark.usefixtures("fresh")
def test_another_initialisation_of_all_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = {name: fix._replace(scheme="lecun") for name, fix in runs.FIXES.items()}
    monkeypatch.setattr(runs, "FIXES", plain)
    # All initialisations are one: He's has no advantage left.
    assert found("depth.he").verdict == "refuted"


def test_a_wrong_formula_leaves_the_probability_open(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found("depth.born-dead").verdict == "reproduced"
    with monkeypatch.context() as patch:
        patch.setattr(birth, "born_dead_probability", lambda widths: 0.5)
        assert found("depth.born-dead").verdict == "open"
    with monkeypatch.context() as patch:
        patch.setattr(birth, "born_dead_bounds", lambda widths: Bounds(0.0, 1e-6))
        assert found("depth.born-dead").verdict == "open"
    with monkeypatch.context() as patch:
        patch.setattr(birth, "PUBLISHED", {10: (0.5, 1.0), 5: (0.9, 1.0), 3: (0.0, 0.1)})
        assert found("depth.born-dead").verdict == "refuted"


def test_rai_that_is_as_bad_as_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(birth, "born_dead_frequency", lambda *a, **k: Frequency(50, 100, 0.4, 0.6))
    assert found("depth.rai").verdict == "refuted"


def test_one_jump_is_sudden_and_a_long_decline_gradual(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = np.arange(60)
    jump = np.where(steps < 30, 1.0, -1.0)
    decline = np.where(steps < 50, 1.0 - steps / 50.0, -0.1)
    reach = np.stack([jump, decline, np.ones(60)], axis=1)[:, :, None]
    monkeypatch.setattr(
        runs, "close", lambda name, quick: xr.Dataset({"reach": (("step", "unit", "network"), reach)})
    )
    row = causes.falls("GD", True)
    assert (row["deaths"], row["sudden"], row["gradual"]) == (2, 1, 1)


def test_means_leave_out_what_diverged() -> None:
    assert runs.mean(np.array([1.0, np.nan, 3.0])) == (2.0, 1.0)
    assert str(runs.mean(np.array([np.nan, 1.0]))) == "(diverged)"
    assert plain({"a": np.nan, "b": (1, 2), "c": {"d": None}, "e": runs.Mean(1.0, 2.0)}) == {
        "b": [1, 2],
        "e": {"value": 1.0, "error": 2.0},
    }
