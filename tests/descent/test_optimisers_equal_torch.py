"""Fed the same gradients, every optimiser that torch has moves the parameters as torch does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradflow.descent import GD, Adam, AdamW, HeavyBall, Nesterov, RMSProp, init, update

torch = pytest.importorskip("torch")

STEPS = 1000
TOLERANCE = 1e-13
RATES = (1e-2, 1e-4, 0.3)

# The optimiser, torch's class for it, and torch's names for the hyper-parameters that differ.
ADAPTIVE: tuple[tuple[Any, str], ...] = (
    (Adam(), "Adam"),
    (Adam(beta1=0.5, beta2=0.9, eps=1e-3), "Adam"),
    (Adam(beta1=0.0, beta2=0.999, eps=1e-12), "Adam"),
    (Adam(beta1=0.95, beta2=0.0, eps=0.1), "Adam"),
    (Adam(weight_decay=0.1), "Adam"),
    (AdamW(), "AdamW"),
    (AdamW(beta1=0.8, beta2=0.95, eps=1e-6, weight_decay=0.3), "AdamW"),
    (AdamW(weight_decay=0.0), "AdamW"),
    (Adam(amsgrad=True), "Adam"),
    (Adam(beta1=0.5, beta2=0.9, eps=1e-3, amsgrad=True), "Adam"),
    (Adam(weight_decay=0.1, amsgrad=True), "Adam"),
    (AdamW(beta2=0.95, weight_decay=0.3, amsgrad=True), "AdamW"),
    (RMSProp(), "RMSprop"),
    (RMSProp(alpha=0.9, eps=1e-3), "RMSprop"),
    (RMSProp(momentum=0.9), "RMSprop"),
    (RMSProp(centered=True), "RMSprop"),
    (RMSProp(alpha=0.95, momentum=0.5, centered=True), "RMSprop"),
)
PLAIN: tuple[tuple[Any, str], ...] = (
    (GD(), "SGD"),
    (HeavyBall(), "SGD"),
    (HeavyBall(momentum=0.5), "SGD"),
    (Nesterov(), "SGD"),
    (Nesterov(momentum=0.3), "SGD"),
    (GD(weight_decay=0.1), "SGD"),
    (HeavyBall(weight_decay=0.1), "SGD"),
    (HeavyBall(momentum=0.5, weight_decay=1.0), "SGD"),
    (Nesterov(weight_decay=0.1), "SGD"),
)


def in_torch(config: Any, name: str, parameters: list[Any]) -> Any:
    """Return torch's optimiser with the same hyper-parameters."""
    hyper = config._asdict()
    # What torch has not.
    assert [name for name in ("eps_hat", "eps_inside") if hyper.pop(name, False)] == []
    if "beta1" in hyper:
        hyper["betas"] = (hyper.pop("beta1"), hyper.pop("beta2"))
    if isinstance(config, Nesterov):
        hyper["nesterov"] = True
    return getattr(torch.optim, name)(parameters, **hyper)


def gradients(rng: np.random.Generator, kind: str) -> np.ndarray:
    """Return a sequence of gradients, shape (STEPS, 4, 16), with entries of very different sizes."""
    if kind == "unit noise":
        return rng.standard_normal((STEPS, 4, 16))
    noise = rng.standard_normal((STEPS, 4, 16)) * 10.0 ** rng.integers(-6, 4, (4, 16))
    # In half of them a drift that dies out, and one entry whose gradient is exactly 0 throughout.
    noise[..., 8:] += 10.0 * np.exp(-np.arange(STEPS) / 50.0)[:, None, None]
    noise[:, 1, 10] = 0.0
    return noise


def largest_difference(config: Any, name: str, kind: str, dtype: str = "float64") -> float:
    """Return max |ours − torch's| over the run, relative to the parameter's magnitude.

    The magnitude is the largest so far: parameters may pass through 0, where nothing is relative.
    """
    rng = np.random.default_rng(20240607)
    start = rng.uniform(0.5, 2.0, (4, 16)).astype(dtype)
    sequence = gradients(rng, kind).astype(dtype)
    theirs = torch.tensor(start.copy(), requires_grad=True)
    optimiser = in_torch(config, name, [theirs])
    theta, state = start, init(config, start)
    size, worst = np.abs(start), np.float64(0.0)
    for gradient in sequence:
        theta, state = update(config, gradient, state, theta)
        theirs.grad = torch.tensor(gradient)
        optimiser.step()
        reference = theirs.detach().numpy()
        size = np.maximum(size, np.abs(reference))
        worst = np.maximum(worst, np.max(np.abs(theta - reference) / size))  # keeps NaN
    assert theta.dtype == dtype
    return float(worst)


@pytest.mark.some(len(ADAPTIVE + PLAIN))
@pytest.mark.parametrize("lr", RATES)
@pytest.mark.parametrize(("config", "name"), ADAPTIVE + PLAIN, ids=str)
def test_a_thousand_steps_agree(config: Any, name: str, lr: float) -> None:
    assert largest_difference(config._replace(lr=lr), name, "noise and drift") <= TOLERANCE


@pytest.mark.parametrize("lr", RATES)
@pytest.mark.parametrize("centered", [False, True])
def test_rmsprop_with_decay_agrees_under_noise_that_outweighs_the_decay(lr: float, centered: bool) -> None:
    # The decay feeds θ back into the gradient; where it is the larger part, RMSProp's steps of
    # fixed size make θ hop over 0 chaotically, and no two roundings stay together.
    config = RMSProp(lr=lr, alpha=0.95, momentum=0.5, centered=centered, weight_decay=0.1)
    assert largest_difference(config, "RMSprop", "unit noise") <= TOLERANCE


@pytest.mark.some(9)
@pytest.mark.parametrize(
    ("config", "name"), [*ADAPTIVE[:6], *ADAPTIVE[8:12], *PLAIN[:3], *PLAIN[5:]], ids=str
)
def test_float32_agrees_to_its_own_rounding(config: Any, name: str) -> None:
    assert largest_difference(config._replace(lr=1e-2), name, "noise and drift", "float32") <= 1e-4


def test_sweeping_hyper_parameters_equals_torch_one_by_one() -> None:
    beta2 = np.asarray([0.9, 0.99, 0.999])
    rng = np.random.default_rng(1)
    start, sequence = rng.uniform(0.5, 2.0, (4, 1)), rng.standard_normal((200, 4, 1))
    theta = np.broadcast_to(start, (4, 3))
    config = Adam(lr=np.asarray([0.1, 0.01, 0.3]), beta2=beta2)
    state = init(config, theta)
    for gradient in sequence:
        theta, state = update(config, gradient, state, theta)
    for i in range(3):
        theirs = torch.tensor(start.copy(), requires_grad=True)
        optimiser = torch.optim.Adam([theirs], lr=config.lr[i], betas=(0.9, beta2[i]))
        for gradient in sequence:
            theirs.grad = torch.tensor(gradient)
            optimiser.step()
        np.testing.assert_allclose(theta[:, [i]], theirs.detach().numpy(), rtol=TOLERANCE)
