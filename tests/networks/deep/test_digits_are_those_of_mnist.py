"""The images that come with the package are MNIST's zeros and ones, unchanged, and few."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from gradflow.data import digits
from gradflow.descent import Adam
from gradflow.networks.deep import Network, Start, digits_task, train

FULL = Path(__file__).resolve().parents[4] / "shared" / "data" / "mnist01.npz"


def test_there_are_200_of_each() -> None:
    images, labels = digits()
    assert images.shape == (400, 784)
    assert np.bincount(labels).tolist() == [200, 200]
    assert 0.0 == images.min() < images.max() == 1.0
    # A zero has a hole in its middle, a one a stroke.
    middle = images.reshape(-1, 28, 28)[:, 12:16, 12:16].mean(axis=(1, 2))
    assert middle[labels == 1].mean() > 0.5 > 0.2 > middle[labels == 0].mean()
    assert len((files("gradflow.data") / "digits.npz").read_bytes()) < 100_000
    assert "CC BY-SA 3.0" in (files("gradflow.data") / "README.md").read_text(encoding="utf-8")


@pytest.mark.skipif(not FULL.exists(), reason="needs all of MNIST's zeros and ones")
def test_each_is_an_image_of_mnist() -> None:
    everything, labels = digits(FULL)
    known = {row.tobytes(): int(label) for row, label in zip(everything, labels, strict=True)}
    for row, label in zip(*digits(), strict=True):
        assert known[row.tobytes()] == label


def test_a_task_averages_pixels() -> None:
    images, labels = digits()
    task = digits_task(200, 4)
    assert task.x.shape == (400, 49)
    np.testing.assert_allclose(task.x[7, 10], images[7].reshape(28, 28)[4:8, 12:16].mean())
    np.testing.assert_array_equal(task.y, np.where(labels == 1, 1.0, -1.0))
    assert np.bincount((digits_task(30).y > 0).astype(int)).tolist() == [30, 30]


def test_a_network_learns_to_tell_them_apart() -> None:
    task = digits_task(50, 4)
    run = train(Network(49, (8, 8)), task, Adam(0.01), 150, start=Start(3))
    assert np.all(run["loss"][-1] < 0.1)


def test_bad_input_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="pool: expected a divisor of 28"):
        digits_task(10, 3)
    with pytest.raises(ValueError, match="n: expected 1 to 200"):
        digits_task(201)
    np.savez(
        tmp_path / "other.npz", train_images=np.zeros((2, 28, 28), np.uint8), train_labels=np.array([0, 7])
    )
    with pytest.raises(ValueError, match="expected the digits 0 and 1 only"):
        digits(tmp_path / "other.npz")
    np.savez(tmp_path / "empty.npz", x=np.zeros(2))
    with pytest.raises(ValueError, match="has no array 'train_images'"):
        digits(tmp_path / "empty.npz")
