"""Compiled trajectories end where those of the NumPy loop end, to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.descent import (
    GD,
    OPTIMIZERS,
    Adam,
    AdamW,
    Chain,
    Cosine,
    HeavyBall,
    Nesterov,
    RMSProp,
    Warmup,
    optimizer,
    train_arrays,
)
from gradflow.descent import compiled as fused
from gradflow.neuron.problem import Neuron, Problem, Sample
from tests.compiled.batches import PROBLEMS, SAMPLES, N, assert_same_bits, starts

pytest.importorskip("numba")

SCHEDULE = Chain(Warmup(100), 100, Cosine(300, 0.1))


def in_numpy(*arguments: Any, **options: Any) -> Any:
    return train_arrays(*arguments, events=False, backend="numpy", **options)


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_for_every_optimiser_over_500_steps(name: str) -> None:
    case = (starts(), Problem(), optimizer(name, lr=0.02), 500)
    run, expected = fused.train(*case), in_numpy(*case)
    assert_same_bits(run, expected)
    assert np.any(run.diverged)
    assert run.first_change is not None
    assert np.any(run.first_change >= 0)
    # The same code again: other rates and factors are numbers that it is given.
    case = (starts(), Problem(), optimizer(name, lr=0.05), 500)
    assert_same_bits(fused.train(*case, schedule=SCHEDULE), in_numpy(*case, schedule=SCHEDULE))


@pytest.mark.parametrize(
    "problem",
    [
        Problem(inputs=Sample(np.array([-2.0, -1.0, 1.0, 2.0]), targets=np.ones(4))),
        Problem(Neuron(0.0, -1.0, 1.0, 1.0), Sample(np.array([-2.0, -1.0, 1.0, 2.0]))),
    ],
    ids=["targets", "teacher"],
)
def test_without_a_gradient_nothing_moves_and_nothing_diverges(problem: Problem) -> None:
    """The gradient on a sample is exactly 0: its rows are no others' flags."""
    case = (np.array([[1.0], [-5.0], [1.0], [1.0]]), problem, GD(0.02), 20)
    run = fused.train(*case)
    assert not np.any(run.diverged)
    assert_same_bits(run, in_numpy(*case))


OPTIONS: dict[str, Any] = {
    "decay": GD(0.05, weight_decay=0.1),
    "heavy ball, decay": HeavyBall(0.02, weight_decay=0.1),
    "nesterov, decay": Nesterov(0.02, weight_decay=0.1),
    "amsgrad": Adam(0.05, weight_decay=0.01, amsgrad=True),
    "eps_hat": AdamW(0.05, eps=1e-3, eps_hat=True),
    "amsgrad, eps_hat": AdamW(0.05, eps=0.0, amsgrad=True, eps_hat=True),
    "eps_inside": RMSProp(0.02, momentum=0.5, centered=True, eps_inside=True),
    "eps_inside, none": RMSProp(0.02, eps=0.0, eps_inside=True),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(OPTIONS))
def test_for_every_option_of_an_optimiser(name: str) -> None:
    case = (starts(), Problem(), OPTIONS[name], 120)
    expected = in_numpy(*case, schedule=SCHEDULE)
    assert_same_bits(fused.train(*case, schedule=SCHEDULE), expected)
    single = (starts("float32"), *case[1:])
    assert_same_bits(fused.train(*single), in_numpy(*single))


@pytest.mark.parametrize(
    "problem",
    [
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("negative", "leaky", "no kink", "interval")
        ),
        *("slopes", "arrays"),
    ],
)
def test_for_other_problems(problem: str) -> None:
    case = (starts(), PROBLEMS[problem], GD(0.05), 100)
    assert_same_bits(fused.train(*case), in_numpy(*case))


@pytest.mark.slow
@pytest.mark.parametrize("problem", list(SAMPLES))
@pytest.mark.parametrize("config", [GD(0.05), Adam(0.05)])
def test_on_samples(problem: str, config: Any) -> None:
    case = (starts(), SAMPLES[problem], config, 150)
    assert_same_bits(fused.train(*case), in_numpy(*case))


@pytest.mark.slow
def test_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    cases: list[Any] = [
        (starts(), PROBLEMS["arrays"], Adam(np.linspace(0.0, 0.1, N)), 40),
        (
            starts()[:, :60].reshape(4, 3, 4, 5),
            SAMPLES["grid"],
            GD(np.linspace(0.0, 1.0, 20).reshape(4, 5)),
            40,
        ),
    ]
    expected = [in_numpy(*case, record_every=7) for case in cases]
    monkeypatch.setattr("gradflow.descent.compiled.run.PIECE", 37)
    for case, run in zip(cases, expected, strict=True):
        seen: list[int] = []
        assert_same_bits(fused.train(*case, record_every=7, progress=seen.append), run)
        assert seen == sorted(seen)
        assert seen[-1] == 40


def test_in_single_precision() -> None:
    case = (starts("float32"), Problem(), Adam(0.02), 100)
    run = fused.train(*case)
    assert run.final.dtype == np.float32
    assert_same_bits(run, in_numpy(*case))


@pytest.mark.parametrize(
    "config",
    [
        Adam(np.linspace(0.0, 0.1, N)),
        GD(np.linspace(0.0, 4.0, N)),
        *(
            pytest.param(config, marks=pytest.mark.slow)
            for config in (
                HeavyBall(0.01, np.linspace(0.0, 0.99, N)),
                Adam(0.01, eps=np.asarray([0.0, 1e-8, 1.0] * (N // 3)), weight_decay=0.1),
                RMSProp(np.asarray(0.01), momentum=0.5, centered=True),
            )
        ),
        Adam(np.linspace(0.0, 0.1, N), beta1=np.linspace(0.0, 0.99, N), beta2=np.linspace(0.9, 0.0, N)),
    ],
)
def test_for_sweeps_of_hyper_parameters(config: Any) -> None:
    case = (starts(), Problem(), config, 100)
    assert_same_bits(fused.train(*case, schedule=SCHEDULE), in_numpy(*case, schedule=SCHEDULE))


def test_for_one_neuron_for_none_and_for_a_grid() -> None:
    for start in (Neuron(b2=-1.2), Neuron(b2=np.zeros(0)), starts()[:, :60].reshape(4, 3, 4, 5)):
        case = (start, Problem(), GD(0.05), 50)
        assert_same_bits(fused.train(*case), in_numpy(*case))


def test_whatever_is_recorded() -> None:
    case = (starts(), Problem(), GD(0.05), 50)
    for options in ({"record_every": 7}, {"record_every": 1}, {"first_change": False}):
        assert_same_bits(fused.train(*case, **options), in_numpy(*case, **options))
    assert_same_bits(fused.train(*case[:3], 0), in_numpy(*case[:3], 0))


def test_across_the_stretches_between_two_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradflow.descent.compiled.run.STRETCH", 13)
    seen: list[int] = []
    case = (starts(), Problem(), Adam(0.02), 250)
    assert_same_bits(fused.train(*case, progress=seen.append), in_numpy(*case))
    assert seen[-1] == 250
    assert seen == sorted(seen)
    assert 50 <= len(seen) <= 101


@pytest.mark.parametrize("n", [1, 15, 16, 129, 150])
def test_for_any_number_of_threads_and_any_chunk(n: int) -> None:
    case = (starts()[:, :n], Problem(), GD(0.05), 20)
    expected = in_numpy(*case)
    for threads, chunk in (
        (1, None),
        (2, None),
        (7, 1),
        (3, 5),
        (2, 16),
        (1, 100),
        (2, 128),
        (64, 1000),
        (1, 272),
    ):
        assert_same_bits(fused.train(*case, threads=threads, chunk=chunk), expected)
