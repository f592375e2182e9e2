"""What kills and what helps: every branch of a verdict is reached by runs that call for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from gradflow.descent import Adam
from gradflow.networks.deep import Network, Start, train
from gradflow.study.claims.depth import capacity, causes, fixes, runs, spread
from tests.networks.deep.synthetic import LAYERS, cells, found, sweeps


def killed(lasting: tuple[float, ...], diverged: int = 0) -> list[causes.Killed]:
    return [
        causes.Killed(0.1, 10, diverged * (i == 1), runs.Mean(0.5, 0.01), runs.Mean(v, 0.01), 9, 3)
        for i, v in enumerate(lasting)
    ]


@pytest.mark.parametrize(
    ("gd", "adam", "expected"),
    [
        (killed((0.1, 0.4)), killed((0.1, 0.3)), "reproduced"),
        (killed((0.1, 0.1)), killed((0.1, 0.3)), "conditional"),
        # The rate that kills most is one at which most networks diverge.
        (killed((0.1, 0.4), 11), killed((0.1, 0.3)), "conditional"),
        (killed((0.0, 0.0)), killed((0.0, 0.0)), "refuted"),
    ],
)
def test_sudden_death_lasts_and_grows(
    gd: Any, adam: Any, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(causes, "first_step", lambda name, *_: {"gd": gd, "adam": adam}[name])
    monkeypatch.setattr(causes, "falls", lambda *_: {"sudden": 1, "deaths": 2})
    assert found("sudden").verdict == expected


def test_units_killed_by_one_step_are_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    # Four units: killed for good, killed and back, alive, dead at birth.
    one = np.array([[1, 1, 1, -1], [-1, -1, 1, -1], [-1, 1, 1, -1], [-1, -1, 1, -1]])
    reach = np.repeat(one[:, :, None], 3, axis=2)
    runs_at = {
        rate: xr.Dataset({"reach": (("step", "unit", "network"), reach), "diverged": ("network", diverged)})
        for rate, diverged in ((0.1, [0, 0, 0]), (0.2, [0, 0, 1]))
    }
    monkeypatch.setattr(causes, "FIRST_STEP", {"gd": (0.1, 0.2)})
    monkeypatch.setattr(runs, "train", lambda network, task, config, *_, **__: runs_at[config.lr])
    low, high = causes.first_step("gd", 3, 2)
    assert (low.networks, low.diverged, low.units, low.back) == (3, 0, 6, 3)
    assert (high.networks, high.diverged, high.units, high.back) == (2, 1, 4, 2)
    assert (low.killed.value, low.lasting.value) == (2 / 3, 1 / 3)


def test_what_is_off_and_dead_is_told_of_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    run = cells([[0.5, 0.5], [0.125, 0.25], [0.0, 0.75]])
    run = run._replace(data=run.data.assign(dead=0.5 * run.data["off"]))
    monkeypatch.setattr(runs, "fixed", lambda *_: run)
    row = fixes.row("none", "teacher", "gd", True)
    np.testing.assert_allclose(row["off"], [0.0, 0.75])
    np.testing.assert_allclose(row["dead"], [0.0, 0.375])
    np.testing.assert_allclose(row["dead_at_birth"], [0.25, 0.25])


def test_most_narrow_networks_are_born_dead() -> None:
    data = capacity.narrow(True).data
    assert data.sizes["layer"] == 10
    assert np.all(data["width"] == 3)
    assert np.mean((data["off"][0] == 1.0).any("layer")) > 0.5


def test_the_first_step_is_one_of_a_longer_run() -> None:
    (row, *_) = causes.first_step("adam", 4, 3)
    rate = causes.FIRST_STEP["adam"][0]
    run = train(
        Network(1, (runs.WIDTH,) * 4), runs.task_named("teacher"), Adam(rate), 4, start=Start(4),
        record_every=1,
    )  # fmt: skip
    assert row.units - row.back <= int(run["deaths"].values[1].sum())
    assert row.units == int(run["deaths"].values[1].sum())


def deaths_of(early: list[int], late: list[int]) -> np.ndarray:
    """Return counts up to each of 21 records for so many deaths in the first tenth, and later."""
    counts = np.zeros((21, LAYERS, len(early)))
    counts[2:, 0] = early
    counts[20, 0] += late
    return counts


@pytest.mark.parametrize(
    ("gd", "adam", "expected"),
    [
        (([90, 90], [10, 10]), ([90, 90], [10, 10]), "reproduced"),
        (([90, 90], [10, 10]), ([10, 10], [90, 90]), "conditional"),
        (([10, 10], [90, 90]), ([0, 0], [0, 0]), "refuted"),
    ],
)
def test_early_deaths(gd: Any, adam: Any, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    share = np.linspace(0.0, 0.5, 21)[:, None] * np.ones(2)
    sweeps(monkeypatch, gd=cells(share, deaths=deaths_of(*gd)), adam=cells(share, deaths=deaths_of(*adam)))
    assert found("early").verdict == expected


def test_early_deaths_of_networks_that_diverge_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    share = np.linspace(0.0, 0.5, 21)[:, None] * np.ones(3)
    # Only the network that diverges dies early.
    run = cells(share, deaths=deaths_of([900, 10, 10], [0, 90, 90]), diverged=[1, 0, 0])
    sweeps(monkeypatch, gd=run, adam=run)
    finding = found("early")
    assert finding.verdict == "refuted"
    assert [case["deaths"] for case in finding.values["cases"]] == [200] * 4
    assert "4 of 12 networks diverged" in finding.summary
    run = cells(share, diverged=1)
    sweeps(monkeypatch, gd=run, adam=run)
    assert found("early").verdict == "open"


@pytest.mark.parametrize(
    ("added", "quick", "expected"),
    [(0.3, True, "reproduced"), (0.1, True, "open"), (0.1, False, "refuted"), (0.6, False, "refuted")],
)
def test_twenty_to_forty_percent_are_of_training(
    added: float, quick: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Dead at birth already: a quarter.
    share = np.where(np.arange(21) < 1, 0.25, 0.25 + added)[:, None] * np.ones(3)
    sweeps(monkeypatch, gd=cells(share), adam=cells(share))
    assert found("20-40-percent", quick).verdict == expected


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ({4: 0.3, 16: 0.3, 32: 0.3}, "reproduced"),
        ({4: 0.6, 16: 0.3, 32: 0.3}, "conditional"),
        ({4: 0.6, 16: 0.5, 32: 0.1}, "refuted"),
    ],
)
def test_widths(shares: dict[int, float], expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        spread, "widths_run", lambda width, quick: cells(shares[width] * np.array([[0.0, 0.0], [1.0, 1.0]]))
    )
    assert found("width").verdict == expected


@pytest.mark.parametrize(
    ("same_steps", "gains", "expected"),
    [
        ("reproduced", (0.2, 0.2, 0.2), "reproduced"),
        ("reproduced", (0.2, 0.0, 0.2), "conditional"),
        ("reproduced", (0.0, 0.0, 0.0), "conditional"),
        ("refuted", (0.0, 0.0, 0.0), "refuted"),
        ("refuted", (0.2, 0.2, 0.2), "conditional"),
    ],
)
def test_a_lower_rate_is_compared_twice(
    same_steps: str, gains: tuple[float, ...], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter(gains)
    monkeypatch.setattr(fixes, "compared", lambda name, quick: (same_steps, "Fewer.", []))
    monkeypatch.setattr(fixes, "sooner", lambda *_: runs.Mean(next(left), 0.01))
    assert found("low-rate").verdict == expected


def test_the_same_rate_times_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    share = np.linspace(0.0, 1.0, 21)[:, None] * np.ones(2)
    monkeypatch.setattr(
        runs, "fixed", lambda name, *_: cells(share if name == "none" else 0.04 * share, (0.1,))
    )
    # After a tenth of its steps plain ReLU has 10% dead, at the end the low rate has 4%.
    assert fixes.sooner("low", "teacher", "gd", True).value == pytest.approx(0.06)


@pytest.mark.parametrize(
    ("dead", "without", "expected"), [(0.0, 0, "conditional"), (0.1, 0, "refuted"), (0.0, 1, "refuted")]
)
def test_smooth_units_have_one_zero_of_their_gradient(
    dead: float, without: int, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fixes, "table", lambda *_: [{"fix": "GELU", "dead": runs.Mean(dead, 0.0)}])
    monkeypatch.setattr(fixes, "zero_gradients", lambda *_: (without, 9))
    monkeypatch.setattr(fixes, "as_text", lambda rows: "Nothing")
    monkeypatch.setattr(fixes, "setting", lambda quick: "")
    assert found("smooth").verdict == expected


def ranks(slope: float, count: int = 2000, copies: int = 1) -> capacity.Ranks:
    rng = np.random.default_rng(0)
    dead = rng.normal(size=count)
    loss = slope * dead + rng.normal(size=count)
    return capacity.Ranks(*(np.tile(values, copies) for values in (dead, loss, np.arange(count))))


@pytest.mark.parametrize(
    ("slope", "count", "matched", "expected"),
    [
        (1.0, 2000, 0.001, "reproduced"),
        (1.0, 2000, 0.5, "conditional"),
        (0.0, 2000, 0.5, "refuted"),
        (0.2, 30, 0.5, "open"),
    ],
)
def test_the_plateau_follows_the_correlation(
    slope: float, count: int, matched: float, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity, "ranks", lambda quick, stuck: ranks(slope, count))
    monkeypatch.setattr(
        capacity, "against_leaky", lambda quick: {"higher": 1, "networks": 2, "pvalue": matched}
    )
    assert found("plateau").verdict == expected


def test_more_runs_of_the_same_starts_are_no_more_evidence() -> None:
    once, thrice = (capacity.correlation(ranks(0.1, 200, copies)) for copies in (1, 3))
    assert thrice.networks == 3 * once.networks
    assert thrice.starts == once.starts
    assert thrice.rho == pytest.approx(once.rho)
    assert thrice.error == pytest.approx(once.error)
    assert thrice.pvalue == pytest.approx(once.pvalue)
    # Of independent pairs: nearly Fisher's error, 1/sqrt(N - 3).
    assert once.error == pytest.approx(1 / np.sqrt(197), rel=0.2)


def test_ranks_of_a_start_carry_its_name_in_every_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    run = cells(rng.uniform(size=(3, 8)), rates=(0.1, 0.2))
    sweeps(monkeypatch, gd=run, adam=run)
    pooled = capacity.ranks(True, stuck=True)
    # Two depths of each task, four starts each, at two rates with two optimisers.
    names, many = np.unique(pooled.start, return_counts=True)
    assert (names.size, set(many.tolist())) == (16, {4})
    assert pooled.dead.sum() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("birth", "added", "expected"),
    [
        # Shallow and deep; growth that is there at birth is not of training.
        ((0.1, 0.1), (0.1, 0.4), "reproduced"),
        ((0.1, 0.4), (0.1, 0.1), "conditional"),
        ((0.1, 0.1), (0.2, 0.2), "refuted"),
    ],
)
def test_growth_with_depth(birth: Any, added: Any, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    jitter = np.array([-0.01, 0.0, 0.01])

    def sweep(depth: int, *_: Any, **__: Any) -> runs.Cells:
        deep = int(depth > 2)
        return cells(np.array([[birth[deep]] * 3, birth[deep] + added[deep] + jitter]))

    monkeypatch.setattr(runs, "sweep", sweep)
    assert found("depth").verdict == expected
