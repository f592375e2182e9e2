"""Where a result comes from: the attributes that datasets carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradflow.base.arrays import is_array, to_numpy
from gradflow.base.files import to_json
from gradflow.base.version import __version__

DETERMINISTIC = "none: the computation is deterministic"


def attributes(
    title: str, command: str, configuration: Mapping[str, object], seed: object = None
) -> dict[str, str]:
    """Return title, source (with the version), configuration (as JSON) and seed of a result.

    Parameters
    ----------
    title : str
    command : str
        What computed it.
    configuration : mapping
        The arguments as plain data; NumPy's numbers and arrays will do.
    seed : int, optional
        None if nothing was drawn.
    """
    return {
        "title": title,
        "source": f"gradflow {__version__}",
        "configuration": to_json({"command": command, **configuration}, sort_keys=True),
        "seed": DETERMINISTIC if seed is None else str(seed),
    }


def config_as_dict(config: Any) -> dict[str, object]:
    """Return the name of an optimiser's class and its hyper-parameters, arrays as NumPy's."""
    fields = {name: to_numpy(value) if is_array(value) else value for name, value in config._asdict().items()}
    return {"name": type(config).__name__, **fields}
