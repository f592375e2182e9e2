"""The plane, images, neighbours: every branch of a verdict is reached by runs that call for it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import xarray as xr

from gradflow.base.files import to_json
from gradflow.networks.two_layer.data import Dataset
from gradflow.networks.two_layer.network import TwoLayer
from gradflow.study.claims.alignment import common, experiments, images, neighbours, signatures
from gradflow.study.claims.ledger import check
from tests.cli.command import strict
from tests.networks.two_layer.synthetic import BY_ID, found, history, losses


def test_evidence_is_plain_data() -> None:
    taught = neighbours.LearnedReLU(1.0, math.nan, math.inf, -math.inf, np.float64(2.0))
    value = common.rounded({"a": taught, "b": (1, np.array([1.0, np.nan])), 3: np.int8(4)})
    assert value == {
        "a": {
            "scale": 1.0,
            "rate": "undefined",
            "stable_rank": "infinite",
            "cosine": "-infinite",
            "loss": 2.0,
        },
        "b": [1, [1.0, "undefined"]],
        "3": 4,
    }
    assert strict(to_json(value)) == value


def toy_runs(patch: pytest.MonkeyPatch, late: dict[tuple[int, int], float]) -> None:
    """Let the toy planes end at these losses, 0.0531 fitting what is published."""
    patch.setattr(
        experiments,
        "planar",
        lambda which, quick: losses(
            {0: [1.0, 1.0], 7000: [0.999, 1.0], 21000: [late.get(which[:2], 9.0)] * 2}
        ),
    )


@pytest.mark.parametrize(
    ("late", "quick", "expected", "told"),
    [
        ({(5, 5): 5.31e-2, (4, 7): 0.1}, True, "reproduced", "fit 5 + 5."),
        ({(4, 7): 5.31e-2}, True, "conditional", "fit 4 + 7."),
        ({(3, 5): 5.31e-2, (3, 6): 5.31e-2}, False, "conditional", "fit 3 + 5 and 3 + 6."),
        ({}, True, "open", "fit none of these."),
        ({}, False, "refuted", "fit none of these."),
        ({(5, 5): 5.28e-2}, True, "open", "fit none of these."),
        ({(5, 5): 5.34e-2}, True, "open", "fit none of these."),
    ],
)
def test_the_toy_plane(
    late: Any, quick: bool, expected: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy_runs(monkeypatch, late)
    finding = found("toy", quick)
    assert finding.verdict == expected
    assert told in finding.summary


def fall(*when: float, width: float = 300.0) -> np.ndarray:
    """Return a loss that falls by e at each of these steps, recorded every 250."""
    step = np.arange(0, 21_001, 250)
    fallen = [1.0 / (1.0 + np.exp(-(step - at) / width)) for at in when]
    return np.asarray(np.exp(-np.sum(fallen, axis=0)))


def test_two_drops_are_two_peaks_of_the_slope() -> None:
    assert not experiments.has_two_drops(fall(8000.0))
    assert experiments.has_two_drops(fall(8000.0, 14_000.0))
    # Either may be the higher one; a second that is a tenth as high is no drop.
    assert experiments.has_two_drops(fall(8000.0, 8000.0, 14_000.0))
    assert experiments.has_two_drops(fall(8000.0, 14_000.0, 14_000.0))
    assert not experiments.has_two_drops(fall(8000.0) ** 10 * fall(14_000.0))
    # Too close there is no valley.
    assert not experiments.has_two_drops(fall(8000.0, 8700.0))


@pytest.mark.parametrize(
    ("two", "quick", "expected", "told"),
    [
        ({(5, 5): 1.0, (4, 7): 1.0}, True, "reproduced", "every network with 5 + 5 and 4 + 7"),
        ({(5, 5): 0.0, (4, 7): 1.0}, True, "conditional", "every network with 4 + 7"),
        # Most of the networks are not all of them.
        ({(5, 5): 0.0, (4, 7): 0.75}, True, "open", "every network with none of these"),
        ({(5, 5): 0.75}, False, "refuted", "every network with none of these"),
    ],
)
def test_two_drops(
    two: dict[tuple[int, int], float], quick: bool, expected: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def planar(which: experiments.Toy, quick: bool) -> xr.Dataset:
        share = two.get((which.positives, which.negatives), 0.0)
        runs = [fall(8000.0, *((14_000.0,) if k < 4 * share else ())) for k in range(4)]
        return losses(dict(enumerate(np.array(runs).T)))

    monkeypatch.setattr(experiments, "planar", planar)
    monkeypatch.setattr(experiments, "drops", lambda which, quick: np.array([[1.0, 3.0]] * 4))
    finding = found("two-drops", quick)
    assert finding.verdict == expected
    assert told in finding.summary
    assert "halved 2 steps apart" in finding.summary


def test_a_label_drops_when_its_loss_is_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    # One neuron for each label of two orthogonal data; f on a datum is 0 before and 2 after its step.
    step = np.arange(0, 1001, 100)
    size = np.where(step[:, None] >= np.array([300, 700]), math.log(2.0), -40.0)
    weights = np.broadcast_to(np.eye(2), (step.size, 1, 2, 2))
    outputs = np.broadcast_to([1.0, -1.0], (step.size, 1, 2))
    run = xr.Dataset(
        {
            "weights": (("step", "network", "neuron", "input"), weights),
            "outputs": (("step", "network", "neuron"), outputs),
            "log_scale": (("step", "network", "neuron"), 0.5 * size[:, None, :]),
        },
        coords={"step": step},
    )
    data = Dataset(np.eye(2), np.array([1.0, -1.0]))
    monkeypatch.setattr(experiments, "planar", lambda *_: run)
    monkeypatch.setattr(experiments, "planar_data", lambda which: data)
    # ln 2 of the way from 0 to −2 in the logarithm, between two records.
    expected = np.array([[200.0, 600.0]]) + 100.0 * math.log(2.0) / 2.0
    np.testing.assert_allclose(experiments.drops(experiments.EVEN, True), expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("off", "quick", "expected", "told"),
    [
        ({}, True, "reproduced", "6 published values 6 lie in the range of these starts"),
        ({0.1: (0, 1)}, False, "conditional", "both fit for δ = 0.001, 0."),
        # One value of each pair is not what is published for any δ.
        ({0.1: (0,), 0.001: (1,), 0.0: (0,)}, False, "refuted", "values 3 lie in the range of these starts"),
        ({0.1: (0,), 0.001: (1,), 0.0: (0,)}, True, "open", "both fit for δ = none."),
    ],
)  # fmt: skip
def test_nearly_orthogonal_data(
    off: Any, quick: bool, expected: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def planar(delta: float, quick: bool) -> xr.Dataset:
        values = [
            2.0 * value if i in off.get(delta, ()) else value
            for i, value in enumerate(experiments.PUBLISHED_DELTA[delta])
        ]
        return losses({7000: [0.99 * values[0], 1.01 * values[0]], 21000: [0.9 * values[1], 1.1 * values[1]]})

    monkeypatch.setattr(experiments, "planar", planar)
    finding = found("near-orthogonal", quick)
    assert finding.verdict == expected
    assert told in finding.summary


@pytest.mark.parametrize(("start", "expected"), [("gaussian", "refuted"), ("balanced", "reproduced")])
def test_balance_of_the_start(start: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from gradflow.networks.two_layer import network

    make = getattr(network, start)
    end = network.balanced(6, 2, 0.0, seed=0, networks=(1, 3))
    run = xr.Dataset(
        {
            name: (("step", "network", "neuron", "input")[: value.ndim], value)
            for name, value in zip(TwoLayer._fields, end, strict=True)
        }
    )
    monkeypatch.setattr(experiments, "gaussian", make)
    monkeypatch.setattr(experiments, "planar", lambda *_: run)
    finding = found("balanced-experiments")
    assert finding.verdict == expected
    assert finding.values["largest_difference_at_end"] < 1e-12


@pytest.mark.parametrize(
    ("before", "turned", "grown", "factor", "expected"),
    [
        (0.99, 10.0, 20.0, 1.2, "reproduced"),
        (0.99, 10.0, 20.0, 90.0, "conditional"),
        (0.80, 10.0, 20.0, 1.2, "refuted"),
        (0.99, 30.0, 20.0, 1.2, "refuted"),
        (0.99, math.nan, 20.0, 1.2, "refuted"),
    ],
)
def test_two_phases(
    before: float,
    turned: float,
    grown: float,
    factor: float,
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from gradflow.networks.two_layer.watch import Summary

    run = losses({0: [1.0]})
    monkeypatch.setattr(experiments, "planar", lambda *_: run)
    monkeypatch.setattr(experiments, "states", lambda history: None)
    monkeypatch.setattr(experiments, "phases", lambda *_: None)
    row = Summary(*(np.array([value]) for value in (1.0, turned, turned, grown, before)))
    monkeypatch.setattr(experiments, "summary", lambda course: row)
    monkeypatch.setattr(experiments, "_early_growth", lambda quick: factor)
    assert found("two-phases").verdict == expected


def test_a_course_is_read_off_its_history() -> None:
    found_ = images.course(history(aligned=2000, grown=2500, dropped=3000))
    assert (found_.aligned, found_.grown, found_.dropped) == (2000.0, 2500.0, 3000.0)
    assert (found_.share, found_.loss, found_.stable_rank, found_.rank_aligned) == (1.0, 0.1, 1.01, 1.01)
    # Eight of ten are not aligned, nine are; what has not fallen to a half has not dropped.
    assert images.course(history(aligned=2000, share=0.8)).aligned == math.inf
    assert images.course(history(aligned=2000, share=0.9)).aligned == 2000.0
    never = images.course(history(dropped=1000, end=0.6))
    assert (never.aligned, never.dropped, never.share) == (math.inf, math.inf, 0.0)
    assert math.isnan(never.rank_aligned)
    assert images.first(np.arange(3.0), np.array([False, True, False])) == 1.0


def pictures(patch: pytest.MonkeyPatch, *runs: xr.Dataset) -> None:
    """Let networks on images have these histories: digits (or t-shirt, trouser), and otherwise."""

    def chosen(kind: str, quick: bool, *, batch: bool = False, frozen: bool = False) -> xr.Dataset:
        return runs[-1] if batch or frozen or kind.endswith("shirt") else runs[0]

    patch.setattr(images, "history", chosen)


WELL = history(aligned=2000, grown=2500, dropped=3000)
SLOW = history(aligned=4000, grown=4500, dropped=5000)
AT_ONCE = history(aligned=3000, grown=200, dropped=200)
NEVER = history()


@pytest.mark.parametrize(
    ("run", "expected"), [(WELL, "reproduced"), (SLOW, "conditional"), (AT_ONCE, "refuted")]
)
def test_digits(run: xr.Dataset, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures(monkeypatch, run)
    assert found("mnist").verdict == expected


@pytest.mark.parametrize(
    ("run", "expected"),
    [(WELL, "reproduced"), (history(aligned=2000, rank=2.5), "refuted"), (NEVER, "open")],
)
def test_the_rank_on_digits(run: xr.Dataset, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures(monkeypatch, run)
    assert found("mnist-rank").verdict == expected


def test_batches_and_frozen_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    for run, batches in ((WELL, "reproduced"), (AT_ONCE, "refuted"), (NEVER, "open")):
        pictures(monkeypatch, WELL, run)
        assert found("sgd").verdict == batches
    for runs, expected in (
        ((AT_ONCE, AT_ONCE, AT_ONCE), "reproduced"),
        ((AT_ONCE, WELL, WELL), "conditional"),
        ((WELL, WELL, WELL), "refuted"),
        ((AT_ONCE, WELL, NEVER), "open"),
    ):
        rates = dict(zip(images.FROZEN_RATES, runs, strict=True))
        monkeypatch.setattr(
            images, "frozen", lambda rate, quick, rates=rates: (images.course(rates[rate]), 9.0)
        )
        assert found("frozen").verdict == expected


@pytest.mark.parametrize(
    ("pair", "expected"),
    [((WELL, SLOW), "reproduced"), ((WELL, AT_ONCE), "conditional"), ((AT_ONCE, NEVER), "refuted")],
)
def test_harder_pairs(pair: Any, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures(monkeypatch, *pair)
    assert found("harder").verdict == expected


@pytest.mark.parametrize(
    ("last", "expected"), [((0.3, 0.3), "reproduced"), ((0.3, 2.0), "conditional"), ((2.0, 2.0), "refuted")]
)
def test_separation_of_images(last: Any, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def one(angle: float) -> Dataset:
        angles = np.array([0.1, 0.2, angle])
        z, y = np.stack([np.cos(angles), np.sin(angles)], axis=1), np.array([1.0, -1.0, 1.0])
        return Dataset(y[:, None] * z, y)

    sets = {name: lambda quick, angle=angle: one(angle) for name, angle in zip("ab", last, strict=True)}
    monkeypatch.setattr(images, "SETS", sets)
    assert found("mnist-assumption").verdict == expected


def ending(scale: float, distance: float, loss: float = 0.2, pulled: int = 3) -> neighbours.Ending:
    return neighbours.Ending(20, scale, loss, distance, pulled)


@pytest.mark.parametrize(
    ("rows", "quick", "expected"),
    [
        ([ending(1e-3, 1e-9), ending(1.0, 1.0, 0.0)], True, "reproduced"),
        ([ending(1e-3, 1e-9), ending(1e-3, 1.0, pulled=0)], True, "conditional"),
        ([ending(1e-3, 1e-9), ending(1e-3, 1.0)], True, "open"),
        ([ending(1e-3, 1e-9), ending(1e-3, 1.0)], False, "refuted"),
        ([ending(1.0, 1e-9)], False, "open"),
    ],
)
def test_spurious_fits(rows: Any, quick: bool, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "endings", lambda quick: (tuple(rows), 0.175))
    assert found("spurious", quick).verdict == expected


@pytest.mark.parametrize(
    ("factors", "expected"),
    [((1.0, 1.0), "reproduced"), ((1.0, 1.2), "refuted"), ((math.inf, 1.0), "open")],
)
def test_escape_times(factors: tuple[float, float], expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    force = (0.5, 2.0)
    rows = tuple(
        neighbours.FitTimes(-log, (factors[0] * log / 0.5 + 1.0, factors[1] * log / 2.0 + 3.0))
        for log in (10.0, 20.0, 40.0)
    )
    monkeypatch.setattr(neighbours, "escapes", lambda quick: (rows, force))
    checked = check(BY_ID["align.saddles"], quick=True)
    assert checked.finding.verdict == expected
    assert "could not be carried out" not in checked.finding.summary


@pytest.mark.parametrize(
    ("rates", "ranks", "expected"),
    [
        ((0.5, 0.1, 0.1), (1.1, 1.01, 1.0001), "reproduced"),
        ((0.1, 0.1, 0.2), (1.1, 1.01, 1.0001), "refuted"),
        ((0.1, 0.1, 0.1), (1.1, 1.01, 1.005), "refuted"),
        ((0.1, 0.1, 0.1), (1.1, 1.2, 1.0001), "refuted"),
        ((0.1, 0.1, math.nan), (1.1, 1.01, 1.0001), "open"),
    ],
)
def test_one_teacher(rates: Any, ranks: Any, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # The rate of the first, large scale does not count.
    rows = tuple(
        neighbours.LearnedReLU(scale, rate, rank, 1.0, 1e-12)
        for scale, rate, rank in zip((1e-2, 1e-4, 1e-6), rates, ranks, strict=True)
    )
    monkeypatch.setattr(neighbours, "taught", lambda quick: rows)
    assert found("one-teacher").verdict == expected


@pytest.mark.parametrize(
    ("gap", "alive", "expected"), [(0.0, 2, "reproduced"), (1e-3, 2, "refuted"), (0.0, 0, "open")]
)
def test_extrema(gap: float, alive: int, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rates = np.array([1.0, 1.0, 0.0]) * (alive > 0)
    ends = type("Ends", (), {"directions": np.eye(3), "rates": rates})
    monkeypatch.setattr(neighbours, "limit_flow", lambda *_, **__: None)
    monkeypatch.setattr(neighbours, "final_directions", lambda path: ends)
    monkeypatch.setattr(neighbours, "tangential_pull", lambda u, objective: np.array([0.0, gap])[: len(u)])
    finding = found("extrema")
    assert finding.verdict == expected
    assert (finding.values["neurons"], finding.values["alive"]) == (18, 6 * alive)


@pytest.mark.parametrize(
    ("near", "large", "expected"),
    [(2.0, 0.5, "reproduced"), (1.0, 2.0, "reproduced"), (1.0, 0.5, "refuted"), (2.0, 2.0, "reproduced")],
)
def test_plateaus(near: float, large: float, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def mean(which: str, log_epsilon: float, *_: Any) -> signatures.FlowTimes:
        fallen = near if which == "near" else large if log_epsilon == -1.0 else 1.0
        return signatures.FlowTimes(fallen, 9.0, 0.5)

    monkeypatch.setattr(signatures, "mean", mean)
    finding = found("plateau")
    assert finding.verdict == expected
    assert finding.summary.startswith(f"Poor separation {'does' if near > 1 else 'does not'}:")


@pytest.mark.parametrize(
    ("few", "expected"), [((1.0, 9.0), "refuted"), ((1.2, 9.2), "reproduced"), ((1.0, 12.0), "reproduced")]
)
def test_few_neurons(few: Any, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        signatures,
        "mean",
        lambda which, log_epsilon, h, quick: signatures.FlowTimes._make(
            (*(few if h == 8 else (1.0, 9.0)), 0.5)
        ),
    )
    assert found("slow-loss").verdict == expected


@pytest.mark.parametrize(
    ("never", "expected"), [(None, "refuted"), (0.01, "reproduced"), (100.0, "reproduced"), (1.0, "refuted")]
)
def test_unbalanced_starts(never: float | None, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    times, record = {never: math.inf}, signatures.FlowTimes
    monkeypatch.setattr(signatures, "course", lambda *of: record(1.0, 9.0, times.get(of[3], 0.5)))
    assert found("unbalanced").verdict == expected
