"""A store is the dataset that memory would hold; a block is there whole or not at all, in its own files."""

from __future__ import annotations

import functools
import json
import math
import shutil
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from gradflow.cli import run as command
from gradflow.ends import Ends
from gradflow.sweeps.axes import Axis
from gradflow.sweeps.blocks import blocks, place
from gradflow.sweeps.store import (
    NOT_COMPUTED,
    Store,
    is_finished,
    locked,
    open_store,
    read_values,
    write_block,
)
from gradflow.sweeps.sweep import Sweep, compute, run

pytest.importorskip("zarr")

SWEEP = Sweep(
    (Axis("lr", 0.01, 0.6, 5), Axis("b1", -1.5, 1.5, 7)),
    "adam",
    hyper={"beta2": 0.99},
    samples=9,
    steps=60,
    block=3,
)
COMMAND = (
    *("basins", "--grid", "lr", "0.01", "0.6", "5", "--grid", "b1", "-1.5", "1.5", "7", "--block", "3"),
    *("--method", "adam", "--hyper", "beta2=0.99", "--samples", "9", "--steps", "60"),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sweep.zarr"


def files(store: Store) -> dict[str, int]:
    """Return the chunk files of results, with what changes when they are written."""
    names = [f for name in Ends._fields for f in (store.path / name).glob("c/**/*") if f.is_file()]
    return {str(f.relative_to(store.path)): f.stat().st_ino for f in names}


@functools.cache
def computed(index: int) -> Ends:
    return compute(SWEEP, index)


def fill(store: Store) -> None:
    for index in blocks(SWEEP):
        write_block(store, index, computed(index))


def filled(path: Path) -> Store:
    store = open_store(path, SWEEP)
    fill(store)
    return store


def test_a_store_is_the_dataset_in_memory(path: Path) -> None:
    store = filled(path)
    assert all(is_finished(store, index) for index in blocks(SWEEP))
    expected = run(SWEEP)
    for consolidated in (None, True, False):
        with xr.open_zarr(path, consolidated=consolidated) as lazy:
            found = lazy.load()
        xr.testing.assert_identical(found, expected)
        for name in expected.variables:
            assert found[name].values.tobytes() == expected[name].values.tobytes()
            assert found[name].dtype == expected[name].dtype
    assert (
        found["outcome"].attrs["flag_meanings"].split()[found["outcome"].attrs["flag_values"][2]]
        == "constant"
    )
    assert json.loads(found.attrs["configuration"])["steps"] == 60


def test_what_is_not_computed_is_no_outcome(path: Path) -> None:
    store = open_store(path, SWEEP)
    some = [0, 7, len(blocks(SWEEP)) - 1]
    for index in some:
        write_block(store, index, computed(index))
    assert [index for index in blocks(SWEEP) if is_finished(store, index)] == some
    known = np.zeros(SWEEP.shape, dtype=bool)
    for index in some:
        known[place(SWEEP, index)] = True
        np.testing.assert_array_equal(read_values(store, index, "outcome"), computed(index).outcome)
    with xr.open_zarr(path) as found:
        np.testing.assert_array_equal(found["outcome"] == NOT_COMPUTED, ~known)
        assert NOT_COMPUTED not in found["outcome"].attrs["flag_values"]
        assert not np.any(np.isfinite(found["loss"].values[~known]))


@pytest.mark.parametrize(
    ("shape", "block"), [((7,), 3), ((5, 4), 8), ((3, 5, 2), 4), ((2, 2), 100), ((1,), 1)]
)
def test_blocks_share_no_file(path: Path, shape: tuple[int, ...], block: int) -> None:
    names = ("w1", "b1", "b2")
    # One value has equal ends.
    ends = [(-1.0, 1.0 if n > 1 else -1.0, n) for n in shape]
    sweep = Sweep(tuple(Axis(name, *end) for name, end in zip(names, ends, strict=False)), block=block)
    store = open_store(path, sweep)
    values = np.arange(math.prod(shape), dtype=np.float64).reshape(shape)
    before = files(store)
    for index in reversed(blocks(sweep)):
        part = values[place(sweep, index)]
        write_block(
            store,
            index,
            Ends(part.astype(np.int8), part, np.full(part.shape, np.nan), part.astype(np.int8), part),
        )
        after = files(store)
        assert before.items() <= after.items()
        assert len(after) == len(before) + len(Ends._fields)
        before = after
    with xr.open_zarr(path) as found:
        np.testing.assert_array_equal(found["loss"], values)


@pytest.mark.parametrize("name", Ends._fields)
def test_a_block_without_one_variable_is_not_finished(path: Path, name: str) -> None:
    store = filled(path)
    (file,) = (path / name / "c").glob("2/1")
    file.unlink()
    (index,) = (i for i in blocks(SWEEP) if not is_finished(store, i))
    assert place(SWEEP, index) == (slice(2, 3), slice(3, 6))


@pytest.mark.parametrize("successes", [0, 1, 2])
def test_a_write_that_fails_leaves_no_finished_block(
    path: Path, successes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(path, SWEEP)
    move, calls = Path.replace, 0

    def fails(self: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls > successes:
            raise OSError(28, "No space left on device")
        return move(self, target)

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(OSError, match="No space left"):
        write_block(store, 4, computed(4))
    monkeypatch.undo()
    assert len(files(store)) == successes
    assert not is_finished(store, 4)
    write_block(store, 4, computed(4))
    assert is_finished(store, 4)
    np.testing.assert_array_equal(read_values(store, 4, "outcome"), computed(4).outcome)


def test_halves_that_a_kill_left_are_cleared_away(path: Path) -> None:
    store = filled(path)
    before = files(store)
    (path / "loss" / "c" / "2" / f"1.{'0' * 32}.partial").write_bytes(b"half")
    with locked(store):
        assert files(store) == before


def test_two_writers_leave_the_same_bits(path: Path) -> None:
    stores = [open_store(path, SWEEP) for _ in range(4)]
    with ThreadPoolExecutor(4) as executor:
        list(executor.map(fill, stores))
    with xr.open_zarr(path) as found:
        xr.testing.assert_identical(found.load(), run(SWEEP))
    assert not list(path.rglob("*.partial"))


def test_a_store_keeps_the_size_of_its_blocks(path: Path) -> None:
    open_store(path, SWEEP)
    for block in (1, 4, 1000):
        assert open_store(path, replace(SWEEP, block=block)).sweep == SWEEP


def test_two_runs_may_make_a_store_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = filled(path)
    before = files(store)
    monkeypatch.setattr("gradflow.sweeps.store.os.path.lexists", lambda _: False)
    open_store(path, SWEEP)
    assert files(store) == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_store_is_made_whole_or_not_at_all(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("zarr.consolidate_metadata", fails)
    with pytest.raises(OSError, match="No space left"):
        open_store(path, SWEEP)
    assert list(path.parent.iterdir()) == []
    monkeypatch.undo()
    assert open_store(path, SWEEP).sweep == SWEEP


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"steps": 61}, "its steps is 60, this one's is 61"),
        ({"samples": None}, "its samples is 9, this one's is null"),
        ({"hyper": {"beta2": 0.9}}, "its hyper beta2 is 0.99, this one's is 0.9"),
        ({"hyper": {"beta2": 0.99, "eps": 0.5}}, "its hyper eps is nothing, this one's is 0.5"),
        ({"method": "adamw"}, 'its method is "adam", this one\'s is "adamw"'),
        ({"teacher": (1.0, 0.0, 2.0, 0.0)}, "its teacher 2 is 1.0, this one's is 2.0"),
        ({"axes": (SWEEP.axes[0], Axis("b1", -1.5, 1.5, 8))}, "its axes 1 n is 7, this one's is 8"),
        ({"axes": SWEEP.axes[::-1]}, "its axes 0 hi is 0.6, this one's is 1.5"),
    ],
    ids=str,
)
def test_another_sweep_is_refused(path: Path, change: dict[str, Any], difference: str) -> None:
    store = open_store(path, SWEEP)
    before = sorted(path.rglob("*"))
    with pytest.raises(ValueError, match=r"^out: .*sweep\.zarr' holds another sweep") as caught:
        open_store(path, replace(SWEEP, **change))
    assert str(caught.value).endswith(difference)
    assert sorted(path.rglob("*")) == before
    assert open_store(path, SWEEP).path == store.path


def test_another_version_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(path, SWEEP)
    monkeypatch.setattr("gradflow.sweeps.sweep.__version__", "99.0")
    with pytest.raises(ValueError, match=r'its version is ".*", this one\'s is "99\.0"$'):
        open_store(path, SWEEP)


def _folder_with(path: Path, text: str) -> None:
    path.mkdir()
    (path / "zarr.json").write_text(text)


def _without_loss(path: Path) -> None:
    shutil.rmtree(open_store(path, SWEEP).path / "loss")


def _of_another_program(path: Path) -> None:
    xr.Dataset({"loss": ("b1", np.zeros(3))}).to_zarr(path, consolidated=False)


def _cut_otherwise(path: Path) -> None:
    run(replace(SWEEP, block=100)).chunk({"lr": 2, "b1": 2}).to_zarr(path, consolidated=False)


@pytest.mark.parametrize(
    "make",
    [
        Path.mkdir,
        Path.touch,
        lambda path: path.symlink_to(path.parent / "missing"),
        functools.partial(_folder_with, text="{"),
        functools.partial(_folder_with, text='{"attributes": {"configuration": "1"}}'),
        _of_another_program,
        _cut_otherwise,
        _without_loss,
        lambda path: (open_store(path, SWEEP).path / "loss" / "zarr.json").write_text("{}"),
    ],
    ids=["folder", "file", "link", "half", "other", "other program", "cut otherwise", "no loss", "bad loss"],
)
def test_what_is_no_store_is_refused(path: Path, make: Callable[[Path], object]) -> None:
    if make is _cut_otherwise:
        pytest.importorskip("dask")
    make(path)
    before = sorted(path.rglob("*"))
    with pytest.raises(ValueError, match=r"^out: .*sweep\.zarr' is there and is not the store of a sweep$"):
        open_store(path, SWEEP)
    assert sorted(path.rglob("*")) == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_damaged_file_is_named(path: Path) -> None:
    store = filled(path)
    file = path / "outcome" / "c" / "2" / "1"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    (index,) = (i for i in blocks(SWEEP) if place(SWEEP, i) == (slice(2, 3), slice(3, 6)))
    with pytest.raises(ValueError, match=r"^out: .*outcome/c/2/1' is damaged"):
        read_values(store, index, "outcome")


def test_a_large_sweep_takes_no_memory(path: Path) -> None:
    sweep = Sweep((Axis("b1", -2.0, 2.0, 60_000), Axis("b2", -2.0, 2.0, 50_000)))
    tracemalloc.start()
    try:
        store = open_store(path, sweep)
        index = len(blocks(sweep)) // 2
        side = place(sweep, index)[1]
        part = np.zeros((1, side.stop - side.start))
        write_block(store, index, Ends(part.astype(np.int8), part, part, part.astype(np.int8), part))
        assert read_values(store, index, "outcome").shape == part.shape
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 50e6
    with pytest.raises(
        ValueError, match=r"^grid: expected at most 1e\+08 trajectories in memory, got 3e\+09"
    ):
        run(sweep)


@pytest.fixture(autouse=True)
def one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands start no other processes."""
    monkeypatch.setattr("gradflow.cli.sweeps.cores", lambda: 1)


def answered(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, str]:
    assert command(arguments) == 0
    return capsys.readouterr()


def test_the_command_computes_what_is_missing(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_memory, _ = answered(capsys, *COMMAND, "--json")
    store = open_store(path, SWEEP)
    for index in (1, 5):
        write_block(store, index, computed(index))
    before = files(store)
    n = len(blocks(SWEEP))
    assert answered(capsys, *COMMAND, "--json", "--out", str(path)) == (
        in_memory,
        f"{path}: found 2 of {n} blocks\n",
    )
    assert before.items() < files(store).items()
    with xr.open_zarr(path) as found:
        xr.testing.assert_identical(found.load(), run(SWEEP))
    monkeypatch.setattr("gradflow.cli.sweeps.compute", None)
    assert answered(capsys, *COMMAND, "--json", "--out", str(path)) == (
        in_memory,
        f"{path}: found all {n} blocks\n",
    )
    with locked(store):
        # Nothing is left to be written, so another writer is no matter.
        assert answered(capsys, *COMMAND, "--json", "--out", str(path))[0] == in_memory


def test_the_command_makes_a_store_silently(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    in_memory = answered(capsys, *COMMAND)
    assert answered(capsys, *COMMAND, "--out", str(path)) == in_memory
    with xr.open_zarr(path) as found:
        assert found.sizes == {"lr": 5, "b1": 7}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"60": "61"}, "--out: '{}' holds another sweep: its steps is 60, this one's is 61"),
        ({}, "--out: another run is writing to '{}'"),
        ({"3": "0"}, "--block: expected an integer from 1 to 2147483647, got '0'"),
    ],
    ids=str,
)
def test_the_command_refuses_in_one_line(
    change: dict[str, str], line: str, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = open_store(path, SWEEP)
    changed = [change.get(word, word) for word in COMMAND]
    with locked(store):
        assert command([*changed, "--out", str(path)]) == 2
    assert capsys.readouterr() == ("", f"gradflow: {line.format(path)}\n")
    assert not files(store)


def test_zarr_that_is_missing(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gradflow.sweeps.store.importlib.util.find_spec", lambda _: None)
    assert command([*COMMAND, "--out", str(path)]) == 2
    line = "gradflow: --out: zarr is not installed; in a clone of gradflow: pip install '.[store]'\n"
    assert capsys.readouterr() == ("", line)
    assert not path.exists()
