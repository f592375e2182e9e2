"""While the pulls do not see the network, its scale does not matter: exp(−30 000) moves as exp(−700) does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.descent import GD, Adam, HeavyBall, Nesterov, RMSProp, Sign
from gradflow.networks.two_layer.data import toy_plane
from gradflow.networks.two_layer.losses import Objective
from gradflow.networks.two_layer.network import TwoLayer, balanced, gaussian
from gradflow.networks.two_layer.steps import train

OBJECTIVE = Objective(toy_plane(), mean=True)


@pytest.mark.parametrize("optimizer", [GD(0.05), HeavyBall(0.01), Nesterov(0.01)], ids=repr)
@pytest.mark.parametrize("start", [gaussian, balanced])
def test_directions_are_the_same_to_the_bit(optimizer: Any, start: Any) -> None:
    runs = [train(start(20, 2, scale), OBJECTIVE, optimizer, 400, record_every=40) for scale in (-700, -3e4)]
    for name in ("cos_positive", "cos_negative", "membership", "stable_rank", "patterns"):
        np.testing.assert_allclose(
            runs[0].history[name], runs[1].history[name], rtol=0, atol=1e-9, err_msg=name
        )
    np.testing.assert_array_equal(runs[0].final.weights, runs[1].final.weights)
    np.testing.assert_array_equal(runs[0].final.outputs, runs[1].final.outputs)
    gained = [run.history["log_norm"] - run.history["log_norm"][0] for run in runs]
    np.testing.assert_allclose(gained[0], gained[1], rtol=0, atol=1e-10)
    assert float(gained[0].max()) > 3.0


@pytest.mark.slow
def test_the_tiny_network_grows_up() -> None:
    # From exp(−3000) to a fit: the growth is exact over a thousand orders of magnitude.
    run = train(balanced(20, 2, -3000.0), OBJECTIVE, GD(0.5), 20_000, record_every=5000).history
    assert float(run["loss"][0]) == 1.0
    assert float(run["loss"][-1]) < 0.01
    assert float(run["log_norm"][0].max()) < -2990.0
    assert float(run["log_norm"][-1].max()) > 0.0


def test_a_small_scale_is_that_of_plain_numbers() -> None:
    scaled = balanced(10, 2, -20.0)
    size = np.exp(scaled.log_scale)
    plain = TwoLayer(scaled.weights * size[:, None], scaled.outputs * size, np.zeros(10))
    runs = [train(network, OBJECTIVE, GD(0.05), 3000) for network in (scaled, plain)]
    np.testing.assert_allclose(runs[0].final.weights, runs[1].final.weights, rtol=0, atol=1e-10)
    np.testing.assert_allclose(runs[0].history["loss"], runs[1].history["loss"], rtol=1e-9)


@pytest.mark.parametrize("optimizer", [Adam(), RMSProp(), Sign()], ids=repr)
def test_other_optimisers_refuse_what_they_cannot_see(optimizer: Any) -> None:
    with pytest.raises(ValueError, match=r"^log_scale: \w+ needs neurons of log-scale >= -300, got -3\d\d"):
        train(balanced(5, 2, -320.0), OBJECTIVE, optimizer, 1)
    train(balanced(5, 2, -280.0), OBJECTIVE, optimizer, 1)
