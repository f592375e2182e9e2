"""A file is written whole or not at all, with the permissions that others have; JSON is strict."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from gradflow.base.files import to_json, whole_file, write_text
from gradflow.base.tables import write


def only(folder: Path) -> Path:
    """Return the one file in a folder."""
    (path,) = folder.iterdir()
    return path


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), SystemExit()])
@pytest.mark.parametrize("old", [None, "old"])
def test_a_writer_that_fails(tmp_path: Path, error: BaseException, old: str | None) -> None:
    path = tmp_path / "a.txt"
    if old is not None:
        path.write_text(old)

    def write_half() -> None:
        with whole_file(path) as temporary:
            temporary.write_text("half")
            assert path.exists() == (old is not None)
            raise error

    with pytest.raises(type(error)):
        write_half()
    assert [p.read_text() for p in tmp_path.iterdir()] == ([] if old is None else [old])


def test_a_replacement_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fails(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("gradflow.base.files.os.replace", fails)
    with pytest.raises(PermissionError):
        write_text(path, "new")
    with pytest.raises(PermissionError):
        write(xr.Dataset({"x": 1.0}), tmp_path / "a.nc")
    assert only(tmp_path).read_text() == "old"


def test_success_replaces_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for text in ("one", "η = 0.01, w² ≤ 1\n"):
        write_text(path, text)
        assert only(tmp_path).read_text(encoding="utf-8") == text
    longest = tmp_path / ("n" * 251 + ".txt")
    write_text(longest, "x")
    assert longest.read_text() == "x"


def test_errors_name_the_file_that_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "a.txt"
    with pytest.raises(FileNotFoundError) as caught:
        write_text(path, "x")
    assert caught.value.filename == str(path)
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        write_text(tmp_path / "file" / "a.txt", "x")
    with pytest.raises(ValueError, match=r"out: expected a file name that ends in \.nc, got"):
        write(xr.Dataset(), tmp_path / "a.txt")


@pytest.mark.skipif(os.name != "posix", reason="umask")
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_permissions_follow_the_umask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        write_text(tmp_path / "a.txt", "x")
        write(xr.Dataset({"x": 1.0}), tmp_path / "a.nc")
    finally:
        os.umask(before)
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask


def test_json_is_strict() -> None:
    value = {
        "nan": np.nan,
        "inf": [np.inf, -np.inf, 1.0],
        "array": np.array([[1.0, np.nan], [0.1, np.inf]]),
        "scalars": (np.float32(0.5), np.int64(3), np.bool_(True), np.float64("nan")),
        "text": "η “x” \u2028",
        1: None,
    }
    text = to_json(value)
    assert json.loads(text, parse_constant=lambda name: pytest.fail(name)) == {
        "nan": None,
        "inf": [None, None, 1.0],
        "array": [[1.0, None], [0.1, None]],
        "scalars": [0.5, 3, True, None],
        "text": "η “x” \u2028",
        "1": None,
    }
    assert "\n" not in text
    assert json.loads(to_json(0.1 + 0.2)) == 0.1 + 0.2


def test_json_refuses_what_it_does_not_know() -> None:
    with pytest.raises(TypeError):
        to_json({"x": object()})
