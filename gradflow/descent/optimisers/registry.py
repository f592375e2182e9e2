"""Which optimisers there are, and how a config finds its init, coefficients and rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from gradflow.base.arrays import Array, ArrayLike, namespace
from gradflow.base.checks import shown
from gradflow.descent.optimisers import adam, adamw, gd, heavy_ball, nesterov, rmsprop, sign
from gradflow.descent.optimisers.hyper import Config, Flag, Range, operations, rounded

OPTIMIZERS: dict[str, type[Any]] = {}
"""The config class of every optimiser, by name. `register` adds to it."""

C = TypeVar("C", bound=Config)


class _Rule(NamedTuple):
    init: Callable[..., Any]
    coefficients: Callable[..., tuple[ArrayLike, ...]]
    rule_of: Callable[[Any], Callable[..., tuple[Array, Any]]]
    limits: Mapping[str, Range | Flag]


_RULES: dict[type[Any], _Rule] = {}
_OWN: set[str] = set()
"""Names that cannot be taken: those of the package's own optimisers."""


def register(
    name: str,
    config: type[Any],
    init: Callable[..., Any],
    coefficients: Callable[..., tuple[ArrayLike, ...]],
    rule: Callable[..., tuple[Array, Any]],
    limits: Mapping[str, Range | Flag],
    *,
    rule_of: Callable[[Any], Callable[..., tuple[Array, Any]]] | None = None,
    replace: bool = False,
) -> None:
    """Add an optimiser, for `optimizer`, `init`, `update`, `train` and the command line.

    Parameters
    ----------
    name : str
        What users call it.
    config : NamedTuple class
        The hyper-parameters, all with defaults, one of them `lr`.
    init : callable
        ``init(config, theta) -> state``: the state before the first update, a NamedTuple of arrays of the
        shape of `theta`, before them perhaps `step`, the number of updates.
    coefficients : callable
        ``coefficients(config, k) -> NamedTuple``: the numbers of update k = 0, 1, … in double precision,
        or arrays where the hyper-parameters are; ``config.lr`` is the rate of this step, schedule included.
    rule : callable
        ``rule(ops, coefficients, gradient, memory, theta) -> (theta, memory)``: pure and elementwise, without
        branches on the data, so that it runs on arrays and, compiled as it stands, on single numbers.
        `memory` is the tuple of the state's arrays; `ops` has what operators do not say: ``where``, ``sqrt``.
    limits : mapping of str to Range or Flag
        What each hyper-parameter may be (`gradflow.descent.optimisers.hyper`).
    rule_of : callable, optional
        ``rule_of(config) -> rule``, where flags choose among several.
    replace : bool
        Let the name be taken from an optimiser that was added before, so that a notebook's cell may run
        again; not from one of the package's own. Configs of the one before keep their rule.

    Raises
    ------
    ValueError
        If the name is taken, or the limits do not cover the hyper-parameters.

    Notes
    -----
    ``tests/descent/test_every_optimiser_keeps_the_contract.py`` checks whatever is registered.
    """
    if name in OPTIMIZERS and not (replace and name not in _OWN):
        hint = "" if name in _OWN else "; write replace=True to put this in its place"
        raise ValueError(f"optimizer: the name {name!r} is taken by {OPTIMIZERS[name].__name__}{hint}")
    fields = config._fields
    if set(fields) != set(limits) or "lr" not in fields:
        raise ValueError(
            f"limits: expected one for each of {', '.join(fields)} (lr among them), got {', '.join(limits)}"
        )
    OPTIMIZERS[name] = config
    _RULES[config] = _Rule(init, coefficients, rule_of or (lambda config: rule), limits)


for _name, _config, _module in (
    ("gd", gd.GD, gd),
    ("heavy_ball", heavy_ball.HeavyBall, heavy_ball),
    ("nesterov", nesterov.Nesterov, nesterov),
    ("rmsprop", rmsprop.RMSProp, rmsprop),
    ("adam", adam.Adam, adam),
    ("adamw", adamw.AdamW, adamw),
    ("sign", sign.Sign, sign),
):
    _own: Any = _module
    _rule_of = getattr(_own, "rule_of", None)
    register(_name, _config, _own.init, _own.coefficients, _own.rule, _own.LIMITS, rule_of=_rule_of)
    _OWN.add(_name)


def optimizer(name: str, **hyper: Any) -> Any:
    """Return the config of the optimiser called `name`, with the given hyper-parameters.

    Parameters
    ----------
    name : str
        A key of `OPTIMIZERS`, or another spelling (`optimizer_name`).
    **hyper : number or array
        The fields of its config class; the others keep their defaults.

    Raises
    ------
    ValueError
        If there is no such optimiser or hyper-parameter, or a value is not allowed.
    TypeError
        If a value is not a number or an array of numbers.
    """
    name = optimizer_name(name)
    known = OPTIMIZERS[name]._fields
    for key in hyper:
        if key not in known:
            others = [other for other, config in OPTIMIZERS.items() if key in config._fields]
            elsewhere = f"; {', '.join(others)} {'have' if len(others) > 1 else 'has'} it" if others else ""
            raise ValueError(
                f"{key}: {name} has no such hyper-parameter; it has {', '.join(known)}{elsewhere}"
            )
    return check(OPTIMIZERS[name](**hyper))


def is_switch(name: str) -> bool:
    """Whether a hyper-parameter of this name is True or False, for the whole batch."""
    return any(isinstance(config._field_defaults.get(name), bool) for config in OPTIMIZERS.values())


# What other libraries call these, without case, hyphens, underscores and spaces.
_ELSEWHERE = {
    "sgd": "without mini-batches it is gd; with momentum heavy_ball, or nesterov",
    "momentum": "write heavy_ball, or nesterov",
    "polyak": "write heavy_ball",
    "nag": "write nesterov",
    "amsgrad": "write adam with amsgrad=True (--hyper amsgrad=true)",
    "signsgd": "write sign",
    "signgd": "write sign",
    "gradientdescent": "write gd",
}


def optimizer_name(name: object, argument: str = "optimizer", besides: Sequence[str] = ()) -> str:
    """Return the key of `OPTIMIZERS`, or one of the names `besides` them, that a name stands for.

    Case, hyphens, underscores and spaces do not matter: "RMSprop" and "adam_w" are rmsprop and adamw.

    Raises
    ------
    ValueError
        If there is no such optimiser; one line that calls the argument `argument` and says what to write.
    """
    names = {_folded(known): known for known in (*besides, *OPTIMIZERS)}
    folded = _folded(name) if isinstance(name, str) else ""
    if folded in names:
        return names[folded]
    hint = f": {_ELSEWHERE[folded]}" if folded in _ELSEWHERE else ""
    raise ValueError(f"{argument}: expected one of {', '.join(names.values())}, got {shown(name)}{hint}")


def _folded(name: str) -> str:
    return name.strip().lower().translate(str.maketrans("", "", "-_ "))


def check(config: C) -> C:
    """Return `config` if every hyper-parameter is allowed.

    Raises
    ------
    ValueError, TypeError
        As `optimizer`.
    """
    for key, limit in _rule(config).limits.items():
        limit.check(key, getattr(config, key))
    return config


def init(config: Config, theta: Array) -> Any:
    """Return the optimiser's state before its first update.

    Parameters
    ----------
    config : one of the config classes
        The optimiser and its hyper-parameters, which broadcast against `theta`.
    theta : array, shape (4, …)
        The parameters (any shape will do).
    """
    return _rule(config).init(config, theta)


def update(
    config: Config, gradient: Array, state: Any, theta: Array, lr: ArrayLike | None = None, k: int = 0
) -> tuple[Array, Any]:
    """Return the parameters and the state after one update. Nothing is changed in place.

    Parameters
    ----------
    config : one of the config classes
        The optimiser and its hyper-parameters, which broadcast against `theta`.
    gradient : array, shape of `theta`
        The gradient at `theta`.
    state : NamedTuple of arrays
        From `init` or the update before.
    theta : array, shape (4, …)
        The parameters.
    lr : number or array, optional
        The rate of this update where a schedule makes it differ from ``config.lr``.
    k : int
        How many updates came before, of an optimiser whose state does not say so.
    """
    rated: Any = config if lr is None else _at(config, lr)
    values = coefficients(rated, int(state.step) if counts(state) else k)
    numbers = type(values)(*(rounded(value, theta) for value in values)) if values else values
    found: Any = rule_of(config)(operations(theta), numbers, gradient, remembered(state), theta)
    if not (isinstance(found, tuple) and len(found) == 2 and isinstance(found[1], tuple)):
        name = type(config).__name__
        raise TypeError(f"rule: that of {name} must return theta and a tuple of what it remembers")
    new, memory = found
    parts = (state.step + 1.0, *memory) if counts(state) else memory
    return new, type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)


def coefficients(config: Config, k: int) -> Any:
    """Return the numbers of update k = 0, 1, … in double precision."""
    return _rule(config).coefficients(config, k)


def rule_of(config: Config) -> Callable[..., tuple[Array, Any]]:
    """Return the elementwise rule of an update."""
    return _rule(config).rule_of(config)


def counts(state: Any) -> bool:
    """Whether a state begins with the number of updates."""
    return getattr(state, "_fields", ())[:1] == ("step",)


def remembered(state: Any) -> tuple[Array, ...]:
    """Return the arrays of a state that have the shape of θ."""
    return tuple(state)[1:] if counts(state) else tuple(state)


def joined(config: Config, theta: Array, updates: int, memory: Sequence[tuple[Array, ...]]) -> Any:
    """Return the state of all trajectories after so many updates.

    Parameters
    ----------
    theta : array
        The parameters, whose shape the state's arrays have.
    memory : sequence of tuples of arrays, shape (P, some)
        What is remembered of some trajectories after the others.
    """
    first = init(config, theta)
    xp = namespace(theta)
    arrays = [xp.reshape(xp.concat(parts, axis=-1), theta.shape) for parts in zip(*memory, strict=True)]
    parts = (first.step + float(updates), *arrays) if counts(first) else tuple(arrays)
    return type(first)(*parts) if hasattr(first, "_fields") else parts


def _at(config: Config, lr: ArrayLike) -> Any:
    some: Any = config
    return some._replace(lr=lr)


def _rule(config: object) -> _Rule:
    rule = _RULES.get(type(config))
    if rule is None:
        kinds = ", ".join(dict.fromkeys(kind.__name__ for kind in _RULES))
        hint = ""
        if isinstance(config, str):
            hint = f"; write gradflow.descent.optimizer({shown(config)})"
        elif isinstance(config, type) and config in _RULES:
            hint = f"; write {config.__name__}()"
        elif type(config).__name__ in {kind.__name__ for kind in _RULES}:
            hint = "; its class was defined anew: register it again, with replace=True"
        raise TypeError(f"optimizer: expected one of {kinds}, got {shown(config)}{hint}")
    return rule
