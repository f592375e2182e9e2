"""Commands whose parameters are made of options that other commands have too."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

Command = Callable[..., None]


def with_options(**makers: Callable[..., Any]) -> Callable[[Command], Command]:
    """Return a decorator of commands whose named parameters are made by functions of options.

    The functions' parameters become options of the command, between those that it needs and its others. The
    functions are called in their order, so that of several wrong options the first is told. Functions may
    have an option in common.

    Examples
    --------
    >>> @with_options(total=lambda a="1", b="2": int(a) + int(b))
    ... def show(total, unit="m"):
    ...     print(total, unit)
    >>> show(a="5", b="2", unit="s")
    7 s
    >>> list(inspect.signature(show).parameters)
    ['a', 'b', 'unit']
    """
    options = {name: inspect.signature(make, eval_str=True).parameters for name, make in makers.items()}

    def decorated(command: Command) -> Command:
        whole = inspect.signature(command, eval_str=True)
        own = [parameter for parameter in whole.parameters.values() if parameter.name not in makers]
        needed = [parameter for parameter in own if parameter.default is parameter.empty]
        shared = {name: option for group in options.values() for name, option in group.items()}
        parameters = [
            parameter.replace(kind=parameter.KEYWORD_ONLY)
            for parameter in (*needed, *shared.values(), *(one for one in own if one not in needed))
        ]

        @wraps(command)
        def run(**given: Any) -> None:
            made = {
                name: make(**{option: given[option] for option in options[name] if option in given})
                for name, make in makers.items()
            }
            command(**made, **{name: value for name, value in given.items() if name not in shared})

        # As the parser reads it.
        run.__signature__ = whole.replace(parameters=parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return run

    return decorated
