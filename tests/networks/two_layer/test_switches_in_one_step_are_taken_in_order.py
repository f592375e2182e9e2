"""Switches of several neurons at several inputs within one step come in their order, whoever's they are.

Three neurons turn past three walls that are nearly one, by turns; SciPy's events know the order. Neurons and
data in another order have the same switches; twins switch together, and so do gates of one direction.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from gradflow.networks.two_layer import flow
from gradflow.networks.two_layer.data import Dataset
from gradflow.networks.two_layer.exits import FoundExit, exits
from gradflow.networks.two_layer.flow import gradient_flow
from gradflow.networks.two_layer.limit import WALL, limit_flow
from gradflow.networks.two_layer.losses import LOSSES, Objective
from tests.networks.two_layer.plain import Case, integrate

T_END = 2.0
ANGLES = 0.1 + np.array([0.0, 9e-4, 4e-4])
INPUTS = np.concatenate(([[0.5, 1.0]], 1e-3 * np.stack((-np.sin(ANGLES), np.cos(ANGLES)), axis=1)))
LABELS = np.array([1.0, 1.0, -1.0, 1.0])
WEIGHTS = np.array([[1.0, -0.3], [1.0, -0.29995], [0.7, -0.2102]])
OUTPUTS = np.array([0.5, 0.5, 0.35])


def case(neurons: tuple[int, ...], data: tuple[int, ...], loss: str = "exponential") -> Case:
    """Return the case with neurons and data in this order."""
    on, who = list(data), list(neurons)
    objective = Objective(Dataset(INPUTS[on], LABELS[on]), LOSSES[loss], False)
    return Case(WEIGHTS[who], OUTPUTS[who], objective)


@pytest.mark.parametrize("loss", ["exponential", pytest.param("logistic", marks=pytest.mark.slow)])
def test_several_neurons_switch_by_turns(loss: str, monkeypatch: pytest.MonkeyPatch) -> None:
    most = 0

    def watched(*arguments: object) -> list[FoundExit]:
        nonlocal most
        found = exits(*arguments)  # type: ignore[arg-type]
        most = max(most, len(found))
        return found

    monkeypatch.setattr(flow, "exits", watched)
    _, known = integrate(case((0, 1, 2), (0, 1, 2, 3), loss), T_END)
    assert len(known) == 9
    assert [neuron for _, neuron, _ in known] != sorted(neuron for _, neuron, _ in known)
    for neurons, data in zip(permutations(range(3)), list(permutations(range(4)))[::4], strict=True):
        some = case(neurons, data, loss)
        path = gradient_flow(some.network, some.objective, T_END)
        found = [(neurons[switch.neuron], data[switch.datum]) for switch in path.crossings]
        assert found == [(neuron, datum) for _, neuron, datum in known]
        np.testing.assert_allclose([s.t for s in path.crossings], [t for t, *_ in known], atol=1e-6)
    assert most > 2


def test_twins_switch_together_and_so_do_gates_of_one_direction() -> None:
    neurons, data = (0, 0, 2), (0, 1, 3, 3)
    some = case(neurons, data)
    path = gradient_flow(some.network, some.objective, T_END)
    times = {(switch.neuron, switch.datum): switch.t for switch in path.crossings}
    assert len(times) == len(path.crossings) == 9
    for datum in (1, 2, 3):
        assert times[0, datum] == pytest.approx(times[1, datum], abs=1e-12)
    for neuron in range(3):
        assert times[neuron, 2] == pytest.approx(times[neuron, 3], abs=1e-12)
        assert times[neuron, 1] < times[neuron, 2]


def test_in_the_limit_each_neuron_meets_the_walls_in_their_order() -> None:
    for data in permutations(range(4)):
        some = case((0, 1, 2), data)
        path = limit_flow(some.network, some.objective)
        for neuron in range(3):
            met = path.data[neuron][path.kinds[neuron] == WALL]
            assert [data[k] for k in met] == [1, 3, 2]
            assert np.all(np.diff(path.times[neuron][: 1 + met.size]) > 0.0)
