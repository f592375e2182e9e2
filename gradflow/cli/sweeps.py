"""Sweeps on this machine's cores or a cluster, into memory or into a store."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr

from gradflow.cli.options import check_directory, check_file
from gradflow.cli.workers import cores, interrupts_held, results
from gradflow.decision import THEOREMS
from gradflow.outcome import OUTCOMES
from gradflow.progress import progress_bar
from gradflow.store import Store, is_finished, locked, open_store, read_codes, write_block
from gradflow.sweep import Block, Sweep, assemble, blocks, compute


def check_out(path: Path | None) -> None:
    """Refuse an output that is neither a NetCDF file nor a store, or could not be written.

    Raises
    ------
    ValueError
        One line with the path and the reason.
    """
    if path is None:
        return
    if path.suffix not in (".nc", ".zarr"):
        raise ValueError(f"--out: expected a file name that ends in .nc or .zarr, got {str(path)!r}")
    if path.suffix == ".nc":
        check_file(path)
    elif not path.exists():
        check_directory(path.parent)


def count(outcome: np.ndarray, decided_by: np.ndarray) -> np.ndarray:
    """Return how often each outcome is decided by each theorem, shape (outcomes, theorems)."""
    shape = len(OUTCOMES), len(THEOREMS)
    pairs = np.ravel_multi_index((outcome.ravel(), decided_by.ravel()), shape)
    return np.bincount(pairs, minlength=shape[0] * shape[1]).reshape(shape)


def sweep_in_memory(sweep: Sweep, cluster: str | None) -> xr.Dataset:
    """Compute a sweep and return its dataset."""
    with closing(_computed(sweep, blocks(sweep), cluster)) as computed:
        return assemble(sweep, computed)


def sweep_into_store(sweep: Sweep, path: Path, cluster: str | None) -> np.ndarray:
    """Compute what a store lacks of a sweep, and return what `count` finds in all of it.

    Says on standard error what was found. The results are never all in memory.

    Raises
    ------
    ValueError
        If `path` is something else, holds another sweep, or is being written to.
    OSError
        If a file cannot be written, or worker processes or the cluster fail; finished blocks stay.
    """
    is_new = not path.exists()
    with interrupts_held():
        store = open_store(path, sweep)
    indices = blocks(store.sweep)
    counts = np.zeros((len(OUTCOMES), len(THEOREMS)), dtype=np.int64)
    missing = _missing(store)
    if missing:
        with locked(store):
            # Another run may have written some before this one had the lock.
            missing = _missing(store)
            if not is_new:
                _say(f"{path}: found {len(indices) - len(missing)} of {len(indices)} blocks")
            try:
                counts += _write_missing(store, missing, cluster)
            except (ChildProcessError, ConnectionError) as error:
                raise type(error)(
                    f"{error}; {path} keeps what is finished, repeat the command to go on"
                ) from error
            except OSError as error:
                # Such as a full disk, of which zarr does not say where.
                error.filename = error.filename or str(path)
                raise
    else:
        _say(f"{path}: found all {len(indices)} blocks")
    absent = set(missing)
    for index in indices:
        if index not in absent:
            counts += count(*(read_codes(store, index, name) for name in ("outcome", "decided_by")))
    return counts


def _missing(store: Store) -> list[int]:
    return [index for index in blocks(store.sweep) if not is_finished(store, index)]


def _write_missing(store: Store, missing: Sequence[int], cluster: str | None) -> np.ndarray:
    counts = np.zeros((len(OUTCOMES), len(THEOREMS)), dtype=np.int64)
    with closing(_computed(store.sweep, missing, cluster)) as computed:
        for index, block in computed:
            with interrupts_held():
                write_block(store, index, block)
            counts += count(block.outcome, block.decided_by)
    return counts


def _computed(sweep: Sweep, indices: Sequence[int], cluster: str | None) -> Generator[tuple[int, Block]]:
    tasks = ((index, partial(compute, sweep, index)) for index in indices)
    with (
        progress_bar("basins", len(indices)) as advance,
        closing(_handed_out(tasks, len(indices), cluster)) as computed,
    ):
        for done, result in enumerate(computed, start=1):
            yield result
            advance(done)


def _handed_out(
    tasks: Iterable[tuple[int, Callable[[], Block]]], count: int, cluster: str | None
) -> Generator[tuple[int, Block]]:
    if cluster is None:
        return results(tasks, workers=min(cores(), count))
    from gradflow.cluster import cluster_results

    return cluster_results(cluster, tasks)


def _say(text: str) -> None:
    print(text, file=sys.stderr)
