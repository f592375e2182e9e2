"""A file is read as it is meant, or refused in one line that says what is wrong and where."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gradflow.networks.two_layer.reading import read_dataset

GOOD = "1.5,-2,1\n0.25,3e-3,-1\n"


@pytest.mark.parametrize("text", [GOOD, "a,b,label\n" + GOOD, "\n" + GOOD.replace("\n", "\r\n")])
def test_a_csv_has_the_label_in_its_last_column(tmp_path: Path, text: str) -> None:
    (tmp_path / "set.csv").write_text(text, newline="")
    data = read_dataset(tmp_path / "set.csv")
    np.testing.assert_array_equal(data.inputs, [[1.5, -2.0], [0.25, 3e-3]])
    np.testing.assert_array_equal(data.labels, [1.0, -1.0])
    assert data.name == "set"


def test_images_of_an_npz_are_flattened(tmp_path: Path) -> None:
    images = np.random.default_rng(0).normal(size=(4, 3, 2))
    np.savez(tmp_path / "set.npz", inputs=images, labels=np.array([1, -1, 1, -1]))
    data = read_dataset(tmp_path / "set.npz")
    np.testing.assert_array_equal(data.inputs, images.reshape(4, 6))
    assert data.labels.dtype == np.float64


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected rows of at least one coordinate"),
        ("1\n2\n", "expected rows of at least one coordinate"),
        ("a,b\nc,d\n", "expected numbers, got 'c' in line 2"),
        ("1,2,1\n3,x,1\n", "expected numbers, got 'x' in line 2"),
        ("1,2,1\n3,1\n", "expected 3 columns, got 2 in line 2"),
        ("1,2,1\n3,nan,1\n", r"inputs: expected finite numbers, got nan at \[1, 1\]"),
        ("1,2,1\n3,4,inf\n", "labels: expected finite numbers, got inf"),
        ("1,2,1\n1,3,-1\n", "column 0 of the inputs .* is 1 in every row"),
        ("0,0,1\n1,3,-1\n", "inputs: expected no zero vector, got one in row 0"),
    ],
)
def test_a_bad_csv_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "set.csv").write_text(text)
    with pytest.raises(ValueError, match=rf"^set.csv: .*{message}"):
        read_dataset(tmp_path / "set.csv")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.ones(2)}, "expected arrays 'inputs' and 'labels', found x"),
        ({"inputs": np.eye(2), "labels": np.ones(3)}, r"labels: expected shape \(2,\)"),
        ({"inputs": np.ones(3), "labels": np.ones(3)}, r"inputs: expected shape \(n, D\)"),
        ({"inputs": np.ones((0, 3)), "labels": np.ones(0)}, r"inputs: expected shape \(n, D\)"),
        ({"inputs": np.eye(2) > 0, "labels": np.ones(2)}, "inputs: expected real numbers, got dtype bool"),
        ({"inputs": np.array([[None]]), "labels": np.ones(1)}, "not an .npz of plain arrays"),
    ],
)
def test_a_bad_npz_is_refused(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    np.savez(tmp_path / "set.npz", allow_pickle=True, **arrays)
    with pytest.raises(ValueError, match=rf"^set.npz: .*{message}"):
        read_dataset(tmp_path / "set.npz")


def test_what_is_no_such_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "set.npz").write_text("not an archive")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"set.npz: not an .npz archive"):
        read_dataset(tmp_path / "set.npz")
    with pytest.raises(ValueError, match=r"binary.csv: not a text file"):
        read_dataset(tmp_path / "binary.csv")
    with pytest.raises(ValueError, match=r"set.txt: expected a file that ends in .npz or .csv"):
        read_dataset(tmp_path / "set.txt")
    for name in ("no.csv", "no.npz"):
        with pytest.raises(FileNotFoundError):
            read_dataset(tmp_path / name)


def test_a_constant_column_may_be_meant(tmp_path: Path) -> None:
    (tmp_path / "set.csv").write_text("2,1,1\n3,1,-1\n")
    np.testing.assert_array_equal(
        read_dataset(tmp_path / "set.csv", constant_columns=True).inputs, [[2, 1], [3, 1]]
    )
