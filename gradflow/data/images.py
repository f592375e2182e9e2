"""Data that comes with the package: small subsets of MNIST and Fashion-MNIST (see README.md beside it)."""

from __future__ import annotations

import os
from importlib.resources import as_file, files

import numpy as np

GARMENTS = {"t-shirt": 0, "trouser": 1, "shirt": 6}
"""The classes of Fashion-MNIST that come with the package, by name."""

_PACKAGE = "gradflow.data"


def digits(path: str | os.PathLike[str] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return images of handwritten zeros and ones, and their labels.

    Parameters
    ----------
    path : path, optional
        An .npz with `train_images` (n, 28, 28) uint8 and `train_labels` (n,), such as all of MNIST's zeros
        and ones; by default the subset that comes with the package, 200 of each.

    Returns
    -------
    images : array of float64, shape (n, 784)
        Grey values from 0 to 1, row by row.
    labels : array of int64, shape (n,)
        0 or 1.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it does not hold what is described, or other digits.
    """
    if path is None:
        with as_file(files(_PACKAGE) / "digits.npz") as own:
            return digits(own)
    images, labels = _read(path, "train_images", "train_labels")
    if not np.all(np.isin(labels, (0, 1))):
        raise ValueError(f"path: expected the digits 0 and 1 only, got {np.unique(labels).tolist()}")
    return images, labels


def garments() -> tuple[np.ndarray, np.ndarray]:
    """Return 450 images of Fashion-MNIST, 150 of each of `GARMENTS`, and their classes, as `digits`."""
    with as_file(files(_PACKAGE) / "garments.npz") as own:
        return _read(own, "images", "labels")


def _read(path: str | os.PathLike[str], images_name: str, labels_name: str) -> tuple[np.ndarray, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        missing = {images_name, labels_name} - set(archive.files)
        if missing:
            raise ValueError(f"path: {os.fspath(path)} has no array {min(missing)!r}")
        images, labels = archive[images_name], archive[labels_name]
    if images.dtype != np.uint8 or images.shape != (*labels.shape, 28, 28):
        raise ValueError(
            f"path: expected {images_name} of uint8 and shape {(*labels.shape, 28, 28)}, "
            f"got {images.dtype} and {images.shape}"
        )
    return images.reshape(-1, 784) / 255.0, labels.astype(np.int64)
