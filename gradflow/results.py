"""Results with their axes and their provenance, and files that are whole or absent."""

from __future__ import annotations

import contextlib
import json
import math
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from gradflow import __version__
from gradflow.activity import ACTIVITIES
from gradflow.backend import is_array, to_numpy
from gradflow.checks import shown
from gradflow.outcome import OUTCOMES
from gradflow.problem import PARAMETERS, Problem, Sample

CROSSINGS = "crossings"
"""The attribute that keeps a run's crossings."""

_EMPTY = {"event": np.str_, "wall": np.str_, "step": np.int64}


def provenance(command: str, problem: Problem, **settings: object) -> dict[str, str]:
    """Return the attributes every result carries: version, command and configuration (as JSON)."""
    configuration = {"command": command, **describe_problem(problem), **settings}
    return {
        "source": f"gradflow {__version__}",
        "configuration": json.dumps(configuration, default=_plain, sort_keys=True),
        "seed": "none: the computation is deterministic",
    }


def describe_problem(problem: Problem) -> dict[str, object]:
    """Return teacher, inputs and activations as plain data."""
    inputs = problem.inputs
    described: dict[str, object] = {
        "teacher": dict(zip(PARAMETERS, problem.teacher, strict=True)),
        "interval": [inputs.lo, inputs.hi],
        "activation": str(problem.activation),
        "teacher_activation": str(problem.teacher_activation),
    }
    if isinstance(inputs, Sample):
        described["samples"] = int(inputs.x.shape[0])
        described["weighted"] = inputs.weights is not None
        described["targets"] = inputs.targets is not None
    return described


def codes(values: Any, meanings: Sequence[str], dims: Sequence[str], long_name: str) -> xr.Variable:
    """Return integer codes with the CF attributes that say what they mean."""
    attributes = {
        "long_name": long_name,
        "flag_values": np.arange(len(meanings), dtype=np.int8),
        "flag_meanings": " ".join(meaning.replace(" ", "_") for meaning in meanings),
    }
    return xr.Variable(
        tuple(dims), np.asarray(to_numpy(values) if is_array(values) else values, dtype=np.int8), attributes
    )


def named(
    values: xr.Variable | xr.DataArray, meanings: Sequence[str] | None = None, nothing: str = "not computed"
) -> xr.Variable:
    """Return the names of codes as text, along the same dimensions.

    Parameters
    ----------
    values : Variable or DataArray
        Integer codes, as `codes` made them or a file kept them.
    meanings : sequence of str, optional
        The name of each code; by default `flag_meanings`, with spaces for underscores.
    nothing : str
        The name of a code that has no meaning, such as -1.

    Raises
    ------
    ValueError
        If nothing says what the codes mean.

    Examples
    --------
    >>> str(named(codes([0, 2, -1], ("dead", "balanced", "hyperactive"), ["neuron"], "activity"))[1].values)
    'hyperactive'
    """
    if meanings is None:
        if "flag_meanings" not in values.attrs:
            raise ValueError("values: expected codes with the attribute flag_meanings, or their meanings")
        meanings = [word.replace("_", " ") for word in str(values.attrs["flag_meanings"]).split()]
    found = np.asarray(values.values)
    table = np.array([*meanings, nothing])
    known = (found >= 0) & (found < len(meanings))
    text = table[np.where(known, found, len(meanings)).astype(np.int64)]
    return xr.Variable(
        values.dims, text, {"long_name": f"name of the {values.attrs.get('long_name', 'code')}"}
    )


def state_variables(theta: Any, dims: Sequence[str]) -> dict[str, xr.Variable]:
    """Return w1, b1, w2, b2 and the breakpoint of states of shape (4, …)."""
    values = np.asarray(to_numpy(theta))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        breakpoint_ = np.where(values[0] == 0, np.nan, -values[1] / values[0] + 0.0)
    names = {
        "w1": "input weight",
        "b1": "input bias",
        "w2": "output weight",
        "b2": "output bias",
    }
    variables = {
        name: xr.Variable(tuple(dims), values[i], {"long_name": names[name], "units": "1"})
        for i, name in enumerate(PARAMETERS)
    }
    variables["breakpoint"] = xr.Variable(
        tuple(dims), breakpoint_, {"long_name": "breakpoint -b1/w1 (NaN where w1 = 0)", "units": "1"}
    )
    return variables


def balancedness(theta: Any) -> Any:
    """Return Q = w1² + b1² − w2² of states of shape (4, …)."""
    w1, b1, w2, _ = to_numpy(theta)
    return w1 * w1 + b1 * b1 - w2 * w2


def activity_codes(values: Any, dims: Sequence[str]) -> xr.Variable:
    """Return activity codes as a variable."""
    return codes(values, ACTIVITIES, dims, "activity")


def outcome_codes(values: Any, dims: Sequence[str]) -> xr.Variable:
    """Return outcome codes as a variable."""
    return codes(values, OUTCOMES, dims, "outcome")


def limit_variables(point: np.ndarray) -> dict[str, xr.Variable]:
    """Return where a trajectory ends as four scalars, which do not multiply the rows of a table."""
    return {
        f"limit_{name}": xr.Variable(
            (), float(value), {"long_name": f"{name} at the end point", "units": "1"}
        )
        for name, value in zip(PARAMETERS, point, strict=True)
    }


def limit(run: xr.Dataset) -> np.ndarray:
    """Return the point that a flow's trajectory has converged to, shape (4,); NaN if it has not."""
    return np.array([float(run[f"limit_{name}"]) for name in PARAMETERS])


def crossings_attribute(columns: Mapping[str, Sequence[object]]) -> dict[str, str]:
    """Return the attribute that keeps a run's crossings, a column a list.

    Crossings are no function of a run's axes: as variables with an axis of their own they would multiply
    the rows of its table, and without a crossing leave none.
    """
    return {CROSSINGS: json.dumps({name: list(column) for name, column in columns.items()}, default=_plain)}


def crossings(run: xr.Dataset) -> xr.Dataset:
    """Return the crossings of a run: what happened to which trajectory, and when.

    Parameters
    ----------
    run : Dataset
        What `gradient_flow` or `descend` returned, or its file. A part of it gives the whole run's crossings.

    Returns
    -------
    Dataset
        Along `crossing`, in order: `event` ("balanced -> dead", "passes teacher", …). For a flow `time` and
        `wall` (lo, teacher or hi). For a descent `step`, the number of updates after which it had happened,
        and for a batch the place of the trajectory: `<dimension>_index`, and the dimension's coordinate if
        it has one.

    Raises
    ------
    ValueError
        If `run` is no such dataset.

    Examples
    --------
    >>> from gradflow import Neuron, gradient_flow
    >>> crossings(gradient_flow(Neuron(b2=-2.0), t_end=20.0)).event.values.tolist()
    ['balanced -> hyperactive']
    """
    if not isinstance(run, xr.Dataset):
        raise TypeError(f"run: expected what gradient_flow or descend returned, got {shown(run)}")
    if CROSSINGS not in run.attrs:
        raise ValueError("run: expected what gradient_flow or descend returned, got one without crossings")
    columns = {
        name: np.array(column, dtype=None if column else _EMPTY.get(name, np.float64))
        for name, column in json.loads(run.attrs[CROSSINGS]).items()
    }
    return xr.Dataset({name: ("crossing", column) for name, column in columns.items()})


def outcome_name(dataset: xr.Dataset) -> str:
    """Return the outcome of a single trajectory's dataset as text."""
    return OUTCOMES[int(dataset["outcome"])]


def write(dataset: xr.Dataset, path: str | os.PathLike[str]) -> None:
    """Write a dataset as NetCDF (`.nc`), whole or not at all.

    Raises
    ------
    ValueError
        If the name does not end in .nc.
    OSError
        If the file cannot be written.
    """
    path = Path(path)
    if path.suffix != ".nc":
        raise ValueError(f"out: expected a file name that ends in .nc, got {str(path)!r}")
    with whole_file(path) as temporary:
        dataset.to_netcdf(temporary, engine="scipy")


def read(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read a dataset that `write` wrote, into memory."""
    with xr.open_dataset(Path(path), engine="scipy") as dataset:
        loaded = dataset.load()
    # The engine makes objects of text; what was written were arrays of it.
    words = [name for name, v in loaded.variables.items() if v.dtype == object and name not in loaded.dims]
    return loaded.assign({name: loaded[name].astype(str) for name in words})


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a new file's name beside `path`; it is moved onto it on success and removed on failure.

    Raises
    ------
    OSError
        If the file cannot be made or written; the error names `path`.
    """
    temporary = path.parent / f".gradflow-{secrets.token_hex(8)}{path.suffix}"
    try:
        # Made here, inside: an interrupt between making a file and promising to remove it would leave it.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        if error.filename is not None and Path(os.fsdecode(error.filename)) == temporary:
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a new folder's name beside `path`; it becomes `path` on success and is removed on failure.

    Raises
    ------
    OSError
        If the folder cannot be made or `path` is there; the error names `path`.
    """
    temporary = path.parent / f".gradflow-{secrets.token_hex(8)}{path.suffix}"
    try:
        yield temporary
        temporary.rename(path)
    except OSError as error:
        if error.filename is not None and Path(os.fsdecode(error.filename)) == temporary:
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def to_json(value: object, **options: Any) -> str:
    """Return strict JSON: NumPy numbers and arrays become plain ones, NaN and infinity become null."""
    return json.dumps(_finite(value), allow_nan=False, ensure_ascii=False, **options)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return _finite(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _plain(value: Any) -> Any:
    """Return what `json` cannot encode itself as plain data."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    return to_numpy(value).tolist() if hasattr(value, "__array_namespace__") else repr(value)
