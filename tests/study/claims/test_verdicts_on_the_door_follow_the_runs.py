"""Whether death is a one-way door: every branch of a verdict is reached by runs that call for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from gradflow.study.claims.depth import door, runs
from tests.networks.deep.synthetic import LAYERS, cells, found, sweeps


@pytest.mark.parametrize(
    ("wrong", "first", "deeper", "expected"),
    [
        (0, (9, 0), (9, 0), "reproduced"),
        (0, (9, 0), (9, 1), "conditional"),
        (0, (9, 1), (9, 1), "open"),
        (3, (9, 0), (9, 1), "open"),
        (0, (0, 0), (9, 1), "open"),
    ],
)
def test_a_door(
    wrong: int,
    first: tuple[int, int],
    deeper: tuple[int, int],
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = tuple({"deaths": d, "revivals": r} for d, r in (first, deeper))
    monkeypatch.setattr(door, "dead_gradients", lambda quick: (wrong, 100))
    monkeypatch.setattr(door, "changes", lambda quick: both)
    sweeps(monkeypatch, gd=cells(np.zeros((3, 2))))
    finding = found("one-way-door")
    assert finding.verdict == expected
    assert ("contradict" in finding.summary) is bool(wrong or first[1])


def test_deaths_of_networks_that_diverge_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    deaths = np.zeros((3, LAYERS, 2))
    deaths[-1] = [[1, 100], [2, 100]]
    sweeps(monkeypatch, gd=cells(np.zeros((3, 2)), diverged=[0, 1], deaths=deaths, revivals=2 * deaths))
    times = len(runs.depths(False)) + 2
    first, deeper = door.changes(False)
    assert first == {"deaths": times, "revivals": 2 * times}
    assert deeper == {"deaths": 2 * times, "revivals": 4 * times}


def closely(patch: pytest.MonkeyPatch, **of: Any) -> None:
    """Let runs of two units, one in each layer, have reach and norms by optimiser; axes step, unit."""

    def close(name: str, quick: bool) -> xr.Dataset:
        reach = np.asarray(of.get(name.replace(", rate / 10", "").replace(" ", "_"), of["other"]), float)
        norm = of["norms"](name, reach) if "norms" in of else np.ones_like(reach)
        along = ("step", "unit", "network")
        return xr.Dataset({
            "reach": (along, reach[:, :, None]),
            "incoming": (along, norm[:, :, None]),
            "outgoing": (along, norm[:, :, None]),
            "unit_layer": ("unit", np.array([1, 2])),
        })  # fmt: skip

    patch.setattr(runs, "close", close)


ALIVE, DYING = np.ones((4, 2)), np.array([[1, 1], [1, 1], [-1, -1], [-1, -1]])
DEEP_BACK, FIRST_BACK = DYING.copy(), DYING.copy()
DEEP_BACK[3, 1] = FIRST_BACK[3, 0] = 1


@pytest.mark.parametrize(
    ("plain", "other", "expected"),
    [
        (DYING, DYING, "reproduced"),
        (DEEP_BACK, DYING, "conditional"),
        (DYING, FIRST_BACK, "conditional"),
        (FIRST_BACK, DEEP_BACK, "open"),
        (ALIVE, DEEP_BACK, "open"),
    ],
)
def test_units_that_come_back(
    plain: np.ndarray, other: np.ndarray, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    closely(monkeypatch, GD=plain, other=other)
    assert found("never-recovers").verdict == expected


def first_and_deeper(first: list[float], deeper: list[float]) -> runs.Cells:
    share = np.stack([np.array(first), np.array(deeper)], axis=1)
    return cells(np.repeat(share[:, :, None], 2, axis=2))


@pytest.mark.parametrize(
    ("gd", "expected"),
    [
        (first_and_deeper([0.0, 0.2, 0.2], [0.0, 0.1, 0.1]), "reproduced"),
        (first_and_deeper([0.0, 0.2, 0.2], [0.0, 0.3, 0.0]), "conditional"),
        (first_and_deeper([0.0, 0.2, 0.1], [0.0, 0.3, 0.3]), "open"),
        (first_and_deeper([0.2, 0.2, 0.2], [0.0, 0.3, 0.0]), "open"),
        (first_and_deeper([0.2, 0.2, 0.2], [0.3, 0.1, 0.0]), "open"),
    ],
)
def test_a_share_that_falls(gd: runs.Cells, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sweeps(monkeypatch, gd=gd, adam=cells(np.zeros((3, 2))))
    assert found("comes-down").verdict == expected


def norms(*moving: str) -> Any:
    return lambda name, reach: np.ones_like(reach) + (name in moving) * np.arange(len(reach))[:, None]


@pytest.mark.parametrize(
    ("plain", "moving", "expected"),
    [
        (DYING, (), "reproduced"),
        (DYING, ("Adam",), "conditional"),
        (DYING, ("GD",), "open"),
        (ALIVE, (), "open"),
    ],
)
def test_norms(
    plain: np.ndarray, moving: tuple[str, ...], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    closely(monkeypatch, GD=plain, other=DYING, norms=norms(*moving))
    assert found("norms-stop").verdict == expected


def test_no_unit_that_stays_dead_at_the_low_rate_is_no_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    closely(monkeypatch, GD=DYING, other=DYING, norms=norms("Adam"))
    full = runs.close
    monkeypatch.setattr(
        runs,
        "close",
        lambda name, quick: full(name, quick).isel(step=slice(2 if "10" in name else 4)),
    )
    finding = found("norms-stop")
    assert finding.verdict == "conditional"
    assert "GD, rate / 10 (no unit stays dead)" in finding.summary


def ends(zeros: float, dead: float, spread: float = 0.0) -> dict[str, np.ndarray]:
    return {
        "zeros": np.full((9, 4), zeros),
        "dead": np.full((9, 4), dead) + spread * (np.arange(9) % 2)[:, None],
    }


@pytest.mark.parametrize(
    ("birth", "after", "quick", "expected"),
    [
        ((0.2, 0.2), {"a": (0.3, 0.3), "b": (0.4, 0.4)}, True, "reproduced"),
        ((0.2, 0.2), {"a": (0.3, 0.3), "b": (0.2, 0.2)}, True, "conditional"),
        ((0.5, 0.2), {"a": (0.6, 0.3), "b": (0.7, 0.4)}, False, "conditional"),
        ((0.5, 0.2), {"a": (0.6, 0.3), "b": (0.7, 0.4)}, True, "conditional"),
        ((0.5, 0.2), {"a": (0.6, 0.3), "b": (0.7, 0.1)}, False, "refuted"),
        ((0.2, 0.2), {"a": (0.2, 0.2)}, True, "refuted"),
    ],
)
def test_the_statistic(
    birth: Any, after: Any, quick: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {name: ends(*pair) for name, pair in after.items()}
    monkeypatch.setattr(door, "followed", lambda quick: (ends(*birth), values))
    assert found("statistic", quick).verdict == expected


def test_the_statistic_follows_networks_from_birth_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    # As few runs as those that are recorded step by step in a quick check, which they must equal.
    monkeypatch.setattr(runs, "CLOSELY", (6, 120))
    birth, end = door.followed(True)
    assert birth["dead"].shape == end["GD"]["zeros"].shape == (6, 4)
    assert np.all(birth["zeros"] >= birth["dead"])
    run = runs.close("Adam", True)
    np.testing.assert_allclose(end["Adam"]["dead"].T, run["dead"].values[-1])
