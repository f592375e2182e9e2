"""Sweeps on this machine's cores or a cluster, into memory or into a store."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr

from gradflow.base.progress import progress_bar
from gradflow.cli.options import check_directory, check_file
from gradflow.cli.workers import cores, interrupts_held, results
from gradflow.ends import Ends
from gradflow.ends.decision import THEOREMS
from gradflow.ends.outcome import LOCAL, OUTCOMES
from gradflow.ends.places import Found, found, joined
from gradflow.sweeps.blocks import blocks, numbers_of, place
from gradflow.sweeps.store import Store, is_finished, locked, open_store, read_values, write_block
from gradflow.sweeps.sweep import Sweep, assemble, compute


def check_out(path: Path | None) -> None:
    """Refuse an output that is neither a NetCDF file nor a store, or could not be written.

    Raises
    ------
    ValueError
        One line with the path and the reason.
    """
    if path is None:
        return
    if path.suffix != ".zarr":
        check_file(path, ".nc", ".zarr")
    elif not path.exists():
        check_directory(path.parent)


class Tally(NamedTuple):
    """How often each outcome is decided by each theorem, shape (outcomes, theorems), and the local ends."""

    counts: np.ndarray
    ends: Found


def tally(sweep: Sweep, parts: Iterable[tuple[int, Ends]]) -> Tally:
    """Return what is counted in blocks of a sweep, given with their indices in any order."""
    shape, (lo, hi) = (len(OUTCOMES), len(THEOREMS)), sweep.interval
    counts, ends = np.zeros(shape, dtype=np.int64), Found()
    for index, block in parts:
        pairs = np.ravel_multi_index((block.outcome.ravel(), block.decided_by.ravel()), shape)
        counts += np.bincount(pairs, minlength=shape[0] * shape[1]).reshape(shape)
        local = found(block.outcome, block.loss, block.breakpoint, numbers_of(sweep, index), lo, hi)
        ends = joined((ends, local))
    return Tally(counts, ends)


def sweep_in_memory(sweep: Sweep, cluster: str | None) -> tuple[xr.Dataset, Tally]:
    """Compute a sweep and return its dataset, and what `tally` finds in it."""
    with closing(_computed(sweep, blocks(sweep), cluster)) as computed:
        result = assemble(sweep, computed)
    parts = (
        (index, Ends(*(result[name].values[place(sweep, index)] for name in Ends._fields)))
        for index in blocks(sweep)
    )
    return result, tally(sweep, parts)


def sweep_into_store(sweep: Sweep, path: Path, cluster: str | None) -> Tally:
    """Compute what a store lacks of a sweep, and return what `tally` finds in all of it.

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
    written, missing = tally(store.sweep, ()), _missing(store)
    if missing:
        with locked(store):
            # Another run may have written some before this one had the lock.
            missing = _missing(store)
            if not is_new:
                _say(f"{path}: found {len(indices) - len(missing)} of {len(indices)} blocks")
            try:
                written = tally(store.sweep, _written(store, missing, cluster))
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
    read = tally(store.sweep, ((i, _read(store, i)) for i in indices if i not in absent))
    return Tally(written.counts + read.counts, joined((written.ends, read.ends)))


def _read(store: Store, index: int) -> Ends:
    """Return what `tally` needs of a finished block; losses and breakpoints if any of its ends is local."""
    outcome, decided_by = (read_values(store, index, name) for name in ("outcome", "decided_by"))
    unread = np.broadcast_to(np.nan, outcome.shape)
    names = ("loss", "breakpoint")
    some = np.any(outcome == LOCAL)
    value, breakpoint_ = (read_values(store, index, name) if some else unread for name in names)
    return Ends(outcome, value, unread, decided_by, breakpoint_)


def _missing(store: Store) -> list[int]:
    return [index for index in blocks(store.sweep) if not is_finished(store, index)]


def _written(store: Store, missing: Sequence[int], cluster: str | None) -> Generator[tuple[int, Ends]]:
    """Give the blocks that a store lacks, each once it is written."""
    with closing(_computed(store.sweep, missing, cluster)) as computed:
        for index, block in computed:
            with interrupts_held():
                write_block(store, index, block)
            yield index, block


def _computed(sweep: Sweep, indices: Sequence[int], cluster: str | None) -> Generator[tuple[int, Ends]]:
    tasks = ((index, partial(compute, sweep, index)) for index in indices)
    with (
        progress_bar("basins", len(indices)) as advance,
        closing(_handed_out(tasks, len(indices), cluster)) as computed,
    ):
        for done, result in enumerate(computed, start=1):
            yield result
            advance(done)


def _handed_out(
    tasks: Iterable[tuple[int, Callable[[], Ends]]], count: int, cluster: str | None
) -> Generator[tuple[int, Ends]]:
    if cluster is None:
        return results(tasks, workers=min(cores(), count))
    from gradflow.sweeps.cluster import cluster_results

    return cluster_results(cluster, tasks)


def _say(text: str) -> None:
    print(text, file=sys.stderr)
