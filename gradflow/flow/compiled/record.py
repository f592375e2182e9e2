"""The array code of a flow's step, recorded cell by cell on one trajectory's scalars.

`gradflow.flow.lanes.velocity`, `loss` and the error control of `gradflow.flow.batch_step` are run on
`Rows` of traced values with the cell held fixed. What a cell's signs make constant is folded away: a
product with 0, a sum with 0, a choice that is made. That keeps every bit of finite numbers but the sign
of a zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from gradflow.base.error_free import splitter
from gradflow.compiled.host import FUNCTIONS, ordered
from gradflow.compiled.program import Program, program, shared
from gradflow.compiled.traced import TRUTH, Compound, Traced, astype, record, slot
from gradflow.field import formulas
from gradflow.flow import batch_step
from gradflow.flow import lanes as batch
from gradflow.flow.compiled import layout as at
from gradflow.flow.dying import NEGLIGIBLE
from gradflow.flow.lanes import Lanes, Setting, Terms
from gradflow.flow.status import RUNNING
from gradflow.flow.tableau import DENSE, EXTRA, FIFTH, STAGES, STEP, THIRD

SHARED = 1000
"""Slots from here on are not rows but what all trajectories share."""

Cell = tuple[bool, bool, bool]


class Rows(Compound):
    """A few values that array code sees as an array's first axis."""

    def __init__(self, entries: Iterable[Any]) -> None:
        self.entries = tuple(entries)

    def __getitem__(self, key: Any) -> Any:
        chosen = self.entries[key[0] if isinstance(key, tuple) else key]
        return Rows(chosen) if isinstance(chosen, tuple) else chosen

    def __iter__(self) -> Iterator[Any]:
        return iter(self.entries)

    def __add__(self, other: Any) -> Any:
        return _each(lambda a, b: a + b, self, other)

    def __sub__(self, other: Any) -> Any:
        return _each(lambda a, b: a - b, self, other)

    def __mul__(self, other: Any) -> Any:
        return _each(lambda a, b: a * b, self, other)

    def __truediv__(self, other: Any) -> Any:
        return _each(lambda a, b: a / b, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _each(lambda a, b: b / a, self, other)

    def __radd__(self, other: Any) -> Any:
        return _each(lambda a, b: b + a, self, other)

    def __rmul__(self, other: Any) -> Any:
        return _each(lambda a, b: b * a, self, other)

    def __abs__(self) -> Any:
        return _each(abs, self)


def _each(function: Callable[..., Any], *values: Any) -> Any:
    """Apply a function entry by entry; what is no `Rows` goes with every entry."""
    if not any(isinstance(v, Rows) for v in values):
        return function(*values)
    n = max(len(v.entries) for v in values if isinstance(v, Rows))
    return Rows(function(*(v.entries[i] if isinstance(v, Rows) else v for v in values)) for i in range(n))


def _where(condition: Any, a: Any, b: Any) -> Any:
    def choose(condition: Any, a: Any, b: Any) -> Any:
        if isinstance(condition, bool):
            return a if condition else b
        return record("select", condition, a, b)

    return _each(choose, condition, a, b)


def _larger(a: Any, b: Any) -> Any:
    return _each(lambda a, b: record("select", record("gt", a, b), a, b), a, b)


def _smaller(a: Any, b: Any) -> Any:
    return _each(lambda a, b: record("select", record("lt", a, b), a, b), a, b)


NAMESPACE = SimpleNamespace(
    stack=Rows,
    where=_where,
    maximum=_larger,
    minimum=_smaller,
    abs=abs,
    sqrt=lambda value: record("sqrt", value),
    isfinite=lambda value: abs(value) <= float(np.finfo(np.float64).max),
    ones_like=lambda value: True if value.dtype == TRUTH else 1.0,
    inf=math.inf,
    int32=np.dtype(np.int32),
    astype=astype,
)


def _shared(index: int) -> Any:
    return slot(SHARED + index, np.float64)


def _rows(first: int, n: int) -> Rows:
    return Rows(slot(first + i, np.float64) for i in range(n))


def _slope(value: float, index: int) -> Any:
    """Return 0 and 1 as they are: they make code shorter, and they are the common ones."""
    return value if value in (0.0, 1.0) else _shared(index)


def _setting(slopes: tuple[float, float]) -> Setting:
    kind = np.finfo(np.float64)
    operations = formulas.Operations(_where, lambda value: value > 0.0, splitter(np.float64))
    shared_slopes: Any = (_slope(slopes[0], at.SLOPE_MINUS), _slope(slopes[1], at.SLOPE_PLUS))
    tiny = 1e8 * float(kind.smallest_normal)
    t_end, rtol, most, resting, pace = map(_shared, (at.T_END, at.RTOL, at.MAX_STEPS, at.RESTING, at.PACE))
    return Setting(
        NAMESPACE, operations, shared_slopes, t_end, rtol, most, resting, float(kind.eps), tiny, pace
    )


def _terms() -> Terms:
    columns = _rows(at.TERMS, at.PLAIN_TERMS).entries
    terms = Terms(*columns)
    return terms._replace(has_kink=terms.has_kink != 0.0)


def _lanes(cell: Any) -> Lanes:
    return Lanes(
        index=None, t=slot(at.T, np.float64), h=slot(at.H, np.float64), y=_rows(at.Y, 5), f=_rows(at.K, 5),
        cell=cell, floor=_rows(at.FLOOR, 5), rejected=slot(at.REJECTED, np.float64) != 0.0,
        steps=slot(at.STEPS, np.float64), crossings=None, first_time=None, first_event=None, status=RUNNING,
        waiting_t=None, waiting_y=None, terms=_terms(), due=None, wait=None,
    )  # fmt: skip


def _any_cell() -> Rows:
    """Return the lane's own cell, as truth values."""
    return Rows(side > 0.0 for side in _rows(at.SIDES, 3))


def velocity(slopes: tuple[float, float], cell: Cell) -> Program:
    """Return the velocity at a stage's state, in one cell; also the lowest pre-activations so far."""
    setting, terms, y = _setting(slopes), _terms(), _rows(at.STATE, 4)
    z = batch.preactivations(terms, y)
    side = batch_step.sides(setting, Rows(cell))
    stores: dict[int, Any] = dict(enumerate(batch.velocity(setting, terms, Rows(cell), y, z), at.VELOCITY))
    for i in range(3):
        stores[at.LOWEST + i] = _smaller(slot(at.LOWEST + i, np.float64), side[i, ...] * z[i])
    return printable(stores)


def summed_velocity(slopes: tuple[float, float]) -> Program:
    """Return the velocity at a stage's state from a gradient that has been added up (`lanes.velocity`)."""
    setting, terms, y, g = _setting(slopes), _terms(), _rows(at.STATE, 4), _rows(at.GRADIENT, 4)
    z, side = batch.preactivations(terms, y), batch_step.sides(setting, _any_cell())
    squared = g[0] * g[0] + g[1] * g[1] + g[2] * g[2] + g[3] * g[3]
    found = (-(g[0] * terms.lo + g[1]), -(g[0] * terms.hi + g[1]), -g[2], -g[3], squared)
    stores: dict[int, Any] = dict(enumerate(found, at.VELOCITY))
    for i in range(3):
        stores[at.LOWEST + i] = _smaller(slot(at.LOWEST + i, np.float64), side[i, ...] * z[i])
    return printable(stores)


def loss(slopes: tuple[float, float]) -> Program:
    """Return the loss of the new state, in any cell."""
    after = _lanes(_any_cell())._replace(y=_rows(at.NEW + at.Y, 5))
    return printable({at.LOSS: batch.loss(_setting(slopes), after)})


def stage(k: int) -> Program:
    """Return one coordinate of the state at stage k = 1, …, 11; the velocity before joins the stages."""
    h, state = slot(at.TRIAL_H, np.float64), slot(at.Y, np.float64)
    before = {} if k == 1 else latest(k - 1)
    y = state + h * batch_step.combine(STAGES[k - 1], _stages(k))
    return printable({**before, at.STATE: y})


def latest(k: int) -> dict[int, Any]:
    """Return what makes the latest velocity stage k."""
    return {at.K + 5 * k: slot(at.VELOCITY, np.float64)}


def path(k: int) -> Program:
    """Return what makes |∇L|² part of stage k; its coordinate has no states at the stages."""
    return printable({at.K + 5 * k + 4: slot(at.VELOCITY + 4, np.float64)})


def step() -> Program:
    """Return one coordinate of the state at the end of the step."""
    h, state = slot(at.TRIAL_H, np.float64), slot(at.Y, np.float64)
    total = batch_step.combine(STEP, _stages(12))
    return printable({**latest(11), at.TOTAL: total, at.NEW + at.Y: state + h * total})


def error() -> Program:
    """Return one coordinate's part of both error estimates."""
    h, total, stages = slot(at.TRIAL_H, np.float64), slot(at.TOTAL, np.float64), _stages(13)
    floor, before, after = (slot(row, np.float64) for row in (at.FLOOR, at.Y, at.NEW + at.Y))
    fifth, third = batch_step.combine(FIFTH, stages), total - batch_step.combine(THIRD, stages)
    squares = batch_step.squares(_setting((0.0, 1.0)), floor, before, after, h, fifth, third)
    return printable({**latest(12), at.SQUARES: squares[0], at.SQUARES + 5: squares[1]})


def extra(k: int) -> Program:
    """Return one coordinate of the state at one of the stages that only the dense output needs."""
    h, state = slot(at.TRIAL_H, np.float64), slot(at.Y, np.float64)
    return printable({at.STATE: state + h * batch_step.combine(EXTRA[k], _stages(13 + k, False))})


def dense(k: int) -> Program:
    """Return one coordinate of one of the last four terms of the dense output."""
    return printable(
        {at.TOTAL: slot(at.TRIAL_H, np.float64) * batch_step.combine(DENSE[k], _stages(16, False))}
    )


def _stages(n: int, latest: bool = True) -> list[Any]:
    """Return one coordinate of the first n stages; the last may still be where velocities are computed."""
    stages = [slot(at.K + 5 * j, np.float64) for j in range(n)]
    if latest and n > 1:
        stages[-1] = slot(at.VELOCITY, np.float64)
    return stages


def begin(slopes: tuple[float, float]) -> Program:
    """Return the step to try and the pre-activations that it starts from."""
    setting, lanes = _setting(slopes), _lanes(_any_cell())
    z, sides = batch.preactivations(lanes.terms, lanes.y), _rows(at.SIDES, 3)
    stores = {at.LOWEST + i: sides[i, ...] * z[i] for i in range(3)}
    h = batch_step.trial_step(setting, lanes)
    return printable({**stores, **{at.TRIAL_H + i: h for i in range(5)}})


NEAR, SMALL, ENDLESS, OVER = 1.0, 2.0, 4.0, 8.0
"""Reasons for a closer look: a wall is near; the step is too small, its error infinite; it may be over."""


def finish(slopes: tuple[float, float]) -> Program:
    """Return what a step makes of the state: accepted or rejected, and what needs a closer look."""
    setting, lanes, xp = _setting(slopes), _lanes(_any_cell()), NAMESPACE
    stages = [_rows(at.K, 5), _rows(at.K + 5 * 12, 5)]
    h, y = slot(at.TRIAL_H, np.float64), _rows(at.NEW + at.Y, 5)
    error = batch_step.norm(setting, _rows(at.SQUARES, 5), _rows(at.SQUARES + 5, 5))
    attempt = batch_step.Trial(h, y, error, _rows(at.LOWEST, 3), tuple(stages))
    after, moved, small = batch_step.decided(setting, lanes, attempt)
    near = moved & batch_step.near_wall(setting, lanes, attempt)
    over = (after.t >= setting.t_end) | (xp.sqrt(after.f[4, ...]) <= setting.resting)
    over = over | batch.is_spent(setting, after)
    if slopes[0] == 0.0:
        z_lo, z_hi = abs(after.y[0, ...]), abs(after.y[1, ...])
        over = over | (xp.minimum(z_lo, z_hi) <= NEGLIGIBLE * xp.maximum(z_lo, z_hi))
    over = over | batch.is_stale(setting, after)
    attention = _where(near, NEAR, 0.0) + _where(small, SMALL, 0.0)
    attention = attention + _where(small & (error == math.inf), ENDLESS, 0.0) + _where(over, OVER, 0.0)
    new = {at.T: after.t, at.H: after.h, at.STEPS: after.steps, at.REJECTED: _where(moved, 0.0, 1.0)}
    new.update(enumerate(after.y, at.Y))
    new.update(enumerate(after.f, at.K))
    return printable({**{at.NEW + row: value for row, value in new.items()}, at.ATTENTION: attention})


def kept() -> Program:
    """Return what makes the new rows the kept ones; those that a step does not compute stay."""
    rows = [*range(at.FLOOR), at.REJECTED, at.STEPS, at.DUE, *range(at.K, at.KEPT)]
    return printable({row: slot(at.NEW + row, np.float64) for row in rows})


def printable(stores: dict[int, Any]) -> Program:
    """Return recorded values as a program, with what is constant folded."""
    values = folded(list(stores.values()))
    traced = shared([value for value in values if isinstance(value, Traced)])
    remaining = iter(traced)
    written: dict[int, Any] = {
        row: next(remaining) if isinstance(value, Traced) else value
        for row, value in zip(stores, values, strict=True)
    }
    return program("float64", 0, written)[0]


def folded(outputs: Sequence[Any]) -> list[Any]:
    """Return values with constants folded: the same bits for finite numbers, but for the sign of a zero."""
    known: dict[int, Any] = {}
    for value in ordered(outputs):
        args = tuple(known[id(a)] if isinstance(a, Traced) else a for a in value.args)
        known[id(value)] = value if value.op == "slot" else _folded(value, args)
    return [known[id(value)] if isinstance(value, Traced) else value for value in outputs]


def _folded(value: Traced, args: tuple[Any, ...]) -> Any:
    if not any(isinstance(a, Traced) for a in args):
        result = FUNCTIONS[value.op](*args)
        return bool(result) if value.dtype == bool else float(result)
    rule = _RULES.get(value.op)
    simple = rule(*args) if rule is not None else None
    return Traced(value.op, args, value.dtype, True) if simple is None else simple


def _is(value: Any, number: float) -> bool:
    return not isinstance(value, Traced) and value == number


def _negated(value: Any) -> Any:
    return value.args[0] if isinstance(value, Traced) and value.op == "neg" else None


def _sum(a: Any, b: Any) -> Any:
    if _is(a, 0.0) or _is(b, 0.0):
        return b if _is(a, 0.0) else a
    return record("sub", a, _negated(b)) if _negated(b) is not None else None


def _difference(a: Any, b: Any) -> Any:
    if _is(b, 0.0):
        return a
    if _is(a, 0.0):
        return record("neg", b)
    return record("add", a, _negated(b)) if _negated(b) is not None else None


def _product(a: Any, b: Any) -> Any:
    if _is(a, 0.0) or _is(b, 0.0):
        return 0.0
    if _is(a, 1.0) or _is(b, 1.0):
        return b if _is(a, 1.0) else a
    if _is(a, -1.0) or _is(b, -1.0):
        return record("neg", b if _is(a, -1.0) else a)
    return None


def _quotient(a: Any, b: Any) -> Any:
    if _is(a, 0.0):
        return 0.0
    if isinstance(b, Traced):
        return None
    mantissa, _ = math.frexp(b)
    return (a if b == 1.0 else record("mul", a, 1.0 / b)) if abs(mantissa) == 0.5 else None


def _both(a: Any, b: Any) -> Any:
    if isinstance(a, bool) or isinstance(b, bool):
        constant, other = (a, b) if isinstance(a, bool) else (b, a)
        return other if constant else False
    return None


def _either(a: Any, b: Any) -> Any:
    if isinstance(a, bool) or isinstance(b, bool):
        constant, other = (a, b) if isinstance(a, bool) else (b, a)
        return True if constant else other
    return None


def _choice(condition: Any, a: Any, b: Any) -> Any:
    if isinstance(condition, bool):
        return a if condition else b
    return a if a is b else None


_RULES: dict[str, Callable[..., Any]] = {
    "add": _sum,
    "sub": _difference,
    "mul": _product,
    "div": _quotient,
    "neg": _negated,
    "and": _both,
    "or": _either,
    "select": _choice,
}
