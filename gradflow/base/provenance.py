"""Where a result comes from: the attributes that datasets carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradflow.base.files import plain, to_json
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
        The arguments as plain data; arrays of any library will do.
    seed : int, optional
        None if nothing was drawn.
    """
    text = to_json({"command": command, **configuration}, sort_keys=True, default=plain)
    return attributes_of_text(title, text, seed)


def attributes_of_text(title: str, configuration: str, seed: object = None) -> dict[str, str]:
    """Return the attributes of a result whose configuration is text already."""
    return {
        "title": title,
        "source": f"gradflow {__version__}",
        "configuration": configuration,
        "seed": DETERMINISTIC if seed is None else str(seed),
    }


def config_as_dict(config: Any) -> dict[str, object]:
    """Return the name of an optimiser's class and its hyper-parameters."""
    return {"name": type(config).__name__, **config._asdict()}
