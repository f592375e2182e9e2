"""No network depends on the others of its batch; one that diverges is labelled and stops none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflow.descent import GD, Adam
from gradflow.networks.deep import SCHEMES, Network, Start, initial, teacher_task, train

TASK = teacher_task(16)


@settings(max_examples=20, deadline=None)
@given(
    scheme=st.sampled_from(sorted(SCHEMES)),
    index=st.integers(0, 50),
    others=st.lists(st.integers(0, 50), max_size=4),
    seed=st.integers(0, 9),
)
def test_a_draw_depends_on_seed_and_index_only(scheme: str, index: int, others: list[int], seed: int) -> None:
    network = Network(2, (4, 3))
    batch = initial(network, [*others, index], scheme=scheme, seed=seed)
    alone = initial(network, [index], scheme=scheme, seed=seed)
    np.testing.assert_array_equal(batch[:, -1], alone[:, 0])
    assert not np.array_equal(alone, initial(network, [index], scheme=scheme, seed=seed + 1))
    assert not np.array_equal(alone, initial(network, [index + 1], scheme=scheme, seed=seed))


def test_a_run_is_the_same_alone() -> None:
    network, rates = Network(1, (8, 8, 8)), [0.01, 0.1, 0.3]
    together = train(
        network, TASK, GD(np.array(rates)), 60, start=Start([5, 6, 7]), record_every=20, units=True
    )
    for i, rate in enumerate(rates):
        alone = train(network, TASK, GD(rate), 60, start=Start([5 + i]), record_every=20, units=True)
        for name in ("loss", "off", "deaths", "revivals", "reach", "incoming", "outgoing"):
            np.testing.assert_array_equal(together[name][..., i], alone[name][..., 0], err_msg=name)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_diverging_network_stops_no_other(dtype: str) -> None:
    network = Network(1, (8, 8, 8))
    rates = np.array([0.05, 1e6, 0.05])
    run = train(network, TASK, GD(rates), 60, start=Start([0, 1, 2], dtype=dtype), record_every=10)
    assert run["diverged"].values.tolist() == [0, 1, 0]
    assert 1 <= run["diverged_step"][1] < 60
    assert run["diverged_step"].values[[0, 2]].tolist() == [-1, -1]
    good = train(network, TASK, GD(0.05), 60, start=Start([0, 2], dtype=dtype), record_every=10)
    np.testing.assert_array_equal(run["loss"][:, [0, 2]], good["loss"])
    np.testing.assert_array_equal(run["deaths"][..., [0, 2]], good["deaths"])
    assert run["loss"].dtype == dtype
    # A network that has stopped counts no more deaths.
    stop = int(run["diverged_step"][1]) // 10 + 1
    assert np.all(run["deaths"][stop:, :, 1] == run["deaths"][-1, :, 1])


def test_the_schemes_have_their_moments() -> None:
    network = Network(50, (400, 100))
    variances = {"he": 2.0, "lecun": 1.0, "doubled": 4.0, "torch": 1.0 / 3.0}
    for scheme, variance in variances.items():
        theta = initial(network, 3, scheme=scheme)
        # 400 × 50 × 3 = 60 000 weights: the relative standard error of a normal's variance is 0.006.
        assert np.var(theta[: 400 * 50]) * 50 == pytest.approx(variance, rel=0.03)
        biases = theta[400 * 50 : 400 * 51]
        assert np.max(np.abs(biases)) <= 50**-0.5
        assert np.any(biases != 0) == (scheme == "torch")


def test_rai_replaces_one_entry_of_each_row() -> None:
    weight, bias = SCHEMES["rai"](np.random.default_rng(0), (4000, 3))
    rows = np.concatenate([weight, bias[:, None]], axis=1)
    # A third of a Beta(2, 1)'s mass is beyond 0.816, where a normal of scale 0.347 has 1 %.
    high = rows > (2.0 / 3.0) ** 0.5
    assert np.mean(high.any(axis=1)) == pytest.approx(1 / 3 + 2 / 3 * 0.028, abs=0.03)
    np.testing.assert_allclose(np.mean(high, axis=0), np.mean(high), atol=0.02)
    # E(sum of a row) is the mean 2/3 of the one draw.
    assert np.mean(rows.sum(axis=1)) == pytest.approx(2 / 3, abs=0.04)


def test_bad_input_is_one_line() -> None:
    network = Network(1, (3,))
    with pytest.raises(ValueError, match="scheme: expected one of he, lecun"):
        initial(network, 1, scheme="zero")
    with pytest.raises(ValueError, match="dtype: expected float32 or float64"):
        initial(network, 1, dtype="float16")
    with pytest.raises(ValueError, match=r"lr: expected a shape that broadcasts to \(2,\)"):
        train(network, TASK, Adam(np.ones(3)), 1, start=Start(2))
    with pytest.raises(ValueError, match="networks: expected at least one"):
        initial(network, 0)
