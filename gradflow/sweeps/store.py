"""Stores: a sweep's results as a zarr folder, which grows by one block at a time (extra `store`).

A store is made with its axes and attributes and no results. Its chunks are the sweep's blocks, so no two
blocks share a file, and a chunk's file is moved into place when it is complete (zarr does so from 3.1.3). A
block is finished when the chunks of all its variables are there: whatever kills the process that writes,
there is nothing to repair. What the operating system had not yet put on the disk when the machine went
down may be lost or damaged; damage to outcomes is noticed.

`xarray.open_zarr` reads a store at any time. Starts that have not been computed have the outcome -1.
"""

from __future__ import annotations

import importlib.util
import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from gradflow.base.checks import not_installed
from gradflow.base.files import whole_folder
from gradflow.ends import Ends
from gradflow.sweeps.blocks import corner, place, sides
from gradflow.sweeps.sweep import Sweep, template

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # not POSIX
    fcntl = None

NOT_COMPUTED = -1
"""Outcome and theorem of starts whose block is not there yet."""


class Store(NamedTuple):
    """An open store; `sweep` is cut into the blocks that the store has."""

    path: Path
    sweep: Sweep
    arrays: dict[str, Any]


def open_store(path: str | os.PathLike[str], sweep: Sweep) -> Store:
    """Open the store of a sweep, or make it if there is none.

    Parameters
    ----------
    path : path
        A folder whose name ends in .zarr.
    sweep : Sweep
        Its blocks' size matters only if the store is new.

    Raises
    ------
    ValueError
        If zarr is not installed, or `path` is not a store or one of another configuration.
    OSError
        If the store cannot be read or made.
    """
    path = Path(path)
    require()
    if not os.path.lexists(path):
        _create(path, sweep)
    _check_configuration(path, sweep)
    import zarr

    try:
        # Without this setting no chunk is written whose values are all those of a missing one, such as NaN.
        with zarr.config.set({"array.write_empty_chunks": True}):
            arrays: dict[str, Any] = {name: zarr.open_array(path / name, mode="r+") for name in Ends._fields}
        chunks = arrays[Ends._fields[0]].chunks
        own = replace(sweep, block=int(np.prod(chunks)))
        alike = all(array.shape == sweep.shape and array.chunks == chunks for array in arrays.values())
    except (FileNotFoundError, KeyError, TypeError, ValueError) as error:
        raise _refusal(path) from error
    if not alike or sides(own) != chunks:
        raise _refusal(path)
    return Store(path, own, arrays)


def require() -> None:
    """Raise a one-line ValueError unless zarr is installed."""
    if importlib.util.find_spec("zarr") is None:
        raise not_installed("out", "zarr", "store")


def is_finished(store: Store, index: int) -> bool:
    """Whether all variables of a block are in the store."""
    return all(path.exists() for path in _files(store, index))


def write_block(store: Store, index: int, block: Ends) -> None:
    """Write one block's variables, each whole or not at all.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    for name, values in block._asdict().items():
        store.arrays[name][place(store.sweep, index)] = values


def read_values(store: Store, index: int, name: str) -> np.ndarray:
    """Return a finished block's values of a variable, such as its outcomes.

    Raises
    ------
    ValueError
        If they are damaged.
    """
    try:
        return np.asarray(store.arrays[name][place(store.sweep, index)])
    except (RuntimeError, ValueError) as error:
        damaged = _files(store, index)[Ends._fields.index(name)]
        raise ValueError(
            f"out: {str(damaged)!r} is damaged; without it the block is computed again"
        ) from error


@contextmanager
def locked(store: Store) -> Iterator[None]:
    """Keep other runs from writing to a store, and clear away what a killed one left of files.

    The lock ends with the process. Where files cannot be locked, two runs may write to a store at the same
    time: they do the work twice and leave the same bits.

    Raises
    ------
    ValueError
        If another run writes to the store.
    """
    if fcntl is None:
        yield
        return
    # Nothing ever writes to this file once the store is made.
    with open(store.path / "zarr.json", "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ValueError(f"out: another run is writing to {str(store.path)!r}") from error
        except OSError:
            pass  # this file system has no locks
        else:
            for name in Ends._fields:
                for half in (store.path / name).rglob("*.partial"):
                    half.unlink()
        yield


def _create(path: Path, sweep: Sweep) -> None:
    import zarr
    from zarr.codecs import ZstdCodec

    dataset = template(sweep)
    try:
        with whole_folder(path) as folder, warnings.catch_warnings():
            # Zarr warns that its format does not have consolidated metadata; xarray warns without them.
            warnings.filterwarnings("ignore", "Consolidated metadata", UserWarning)
            group = zarr.open_group(folder, mode="w-", zarr_format=3)
            group.attrs.update(dataset.attrs)
            for name, variable in dataset.variables.items():
                is_result = name in Ends._fields
                array = group.create_array(
                    str(name),
                    shape=variable.shape,
                    dtype=variable.dtype,
                    chunks=sides(sweep) if is_result else variable.shape,
                    chunk_key_encoding={"name": "default", "separator": "/"},
                    compressors=ZstdCodec(level=0, checksum=True),
                    fill_value=NOT_COMPUTED if variable.dtype.kind == "i" else float("nan"),
                    dimension_names=[str(dim) for dim in variable.dims],
                    attributes={key: _plain(value) for key, value in variable.attrs.items()},
                )
                if not is_result:
                    array[...] = variable.values
            zarr.consolidate_metadata(group.store)
    except OSError:
        # Another run may have made it in the meantime.
        if not path.is_dir():
            raise


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def _files(store: Store, index: int) -> list[Path]:
    """Return the chunk files of a block, by the keys of zarr's format 3."""
    key = "/".join(str(i) for i in corner(store.sweep, index))
    return [store.path / name / "c" / key for name in Ends._fields]


def _refusal(path: Path) -> ValueError:
    return ValueError(f"out: {str(path)!r} is there and is not the store of a sweep")


def _check_configuration(path: Path, sweep: Sweep) -> None:
    try:
        metadata = json.loads((path / "zarr.json").read_text(encoding="utf-8"))
        theirs = dict(_leaves(dict(json.loads(metadata["attributes"]["configuration"]))))
    except PermissionError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _refusal(path) from error
    ours = dict(_leaves(json.loads(sweep.configuration())))
    for key in sorted({*ours, *theirs}):
        if (old := theirs.get(key, "nothing")) != (new := ours.get(key, "nothing")):
            raise ValueError(
                f"out: {str(path)!r} holds another sweep: its {key} is {old}, this one's is {new}"
            )


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Give what plain data consists of, as pairs such as ("axes 0 n", "200")."""
    inner = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    )
    if inner is None:
        yield name, json.dumps(value)
        return
    for key, item in inner:
        yield from _leaves(item, f"{name} {key}".strip())
