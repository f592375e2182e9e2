"""A file of inputs and targets is read exactly, or refused in one line that names the file and the place."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from gradflow.base import columns
from gradflow.neuron.problem import Sample, Source
from gradflow.neuron.reading import read_sample


def written(folder: Path, content: str | bytes, name: str = "mine.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        "x,y,weight\n-1,0.1,2\n0.3,1e-3,0\n1,-2,1\n",
        "\ufeffweight, y ,x\r\n2,0.1,-1\r\n\r\n 0,1e-3, 0.3\r\n1,-2,1",
        'y,x,weight\n0.1,"-1",2\n\n\n1e-3,0.3,0\n-2,1,1\n , , \n',
    ],
)
def test_of_what_is_read(content: str, tmp_path: Path) -> None:
    path = written(tmp_path, content)
    found, meant = (
        read_sample(path),
        Sample([-1.0, 0.3, 1.0], weights=[2.0, 0.0, 1.0], targets=[0.1, 1e-3, -2.0]),
    )
    for name in ("x", "weights", "targets"):
        np.testing.assert_array_equal(getattr(found, name), getattr(meant, name))
    assert found.source == Source("mine.csv", hashlib.sha256(path.read_bytes()).hexdigest())


def test_weights_may_be_left_out(tmp_path: Path) -> None:
    found = read_sample(str(written(tmp_path, "x,y\n1,2\n")))
    assert found.weights is None
    np.testing.assert_array_equal([found.x, found.targets], [[1.0], [2.0]])


HEADER = "expected the header x,y[,weight], got"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", ": expected the header x,y[,weight] and rows of numbers, got nothing"),
        ("\n \n", ": expected the header x,y[,weight] and rows of numbers, got nothing"),
        ("x,y\n", ": expected at least one row below the header, got none"),
        ("1,2\n3,4\n", f", line 1: {HEADER} '1,2'"),
        ("x,weight\n1,2\n", f", line 1: {HEADER} 'x,weight'"),
        ("x,y,z\n1,2,3\n", f", line 1: {HEADER} 'x,y,z'"),
        ("x,y,y\n1,2,3\n", f", line 1: {HEADER} 'x,y,y'"),
        ("x,y\n1,2\n3\n", ", line 3: expected 2 numbers, got 1"),
        ("x,y\n1,2\n\n3,4,5\n", ", line 4: expected 2 numbers, got 3"),
        ("x,y\n1, two \n", ", line 2: expected a number between -1e+100 and 1e+100 as y, got 'two'"),
        ("x,y\n1,2\nnan,1\n", ", line 3: expected a number between -1e+100 and 1e+100 as x, got 'nan'"),
        ("x,y\n1,\n", ", line 2: expected a number between -1e+100 and 1e+100 as y, got ''"),
        ("x,y\n1e101,1\n", ", line 2: expected a number between -1e+100 and 1e+100 as x, got '1e101'"),
        ("x,y,weight\n1,2,0\n\n3,4,-0.5\n", ", line 4: expected a weight >= 0, got -0.5"),
        ("x,y,weight\n1,2,0\n3,4,0\n", ": expected a weight > 0, all are 0"),
        (b"x,y\n1,\xff\n", ": expected a text file in UTF-8"),
        ('x,y\n1,"2\n', ", line 2: unexpected end of data"),
    ],
)
def test_of_what_is_refused(content: str | bytes, line: str, tmp_path: Path) -> None:
    path = written(tmp_path, content)
    with pytest.raises(ValueError, match=f"^{re.escape(f'{path}{line}')}$"):
        read_sample(path)


def test_too_many_rows_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "MOST_ROWS", 2)
    with pytest.raises(ValueError, match="line 4: expected at most 2 rows"):
        read_sample(written(tmp_path, "x,y\n1,2\n3,4\n5,6\n"))


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"mine\.txt: expected a file name that ends in \.csv"):
        read_sample(tmp_path / "mine.txt")
    for given in ("", "./", ".."):
        with pytest.raises(ValueError, match="path: ") as error:
            read_sample(given)
        assert str(error.value) == f"path: expected a file name that ends in .csv, got {given!r}"
    with pytest.raises(FileNotFoundError):
        read_sample(tmp_path / "none.csv")


def test_what_stands_second_is_not_taken_for_weights() -> None:
    with pytest.raises(TypeError, match="positional"):
        Sample([0.0, 1.0], [0.5, 1.0])  # type: ignore[call-arg]
