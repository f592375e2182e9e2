"""A program as NumPy calls on a block of lanes: every operation writes into memory that is reused."""

from __future__ import annotations

from gradflow.compiled.program import Program, Statement

UFUNCS = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "div": "divide",
    "neg": "negative",
    "abs": "absolute",
    "sqrt": "sqrt",
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "eq": "equal",
    "ne": "not_equal",
    "and": "logical_and",
    "or": "logical_or",
    "not": "logical_not",
}

SOURCE = '''"""Printed by gradflow.compiled; not meant to be edited."""

from numpy import copyto, where, {ufuncs}


def advance(slots, fixed, table, numbers, truths):
{head}
    for {row} in table:
{body}
'''


def numpy_source(program: Program) -> tuple[str, int, int]:
    """Return a module whose ``advance`` takes a block through the rows of a table, and the scratch it needs.

    Returns
    -------
    source : str
        ``advance(slots, fixed, table, numbers, truths)`` changes the rows of `slots`, one for each slot.
        `fixed` and the rows of `table` are tuples of scalars in the program's dtype.
    numbers, truths : int
        How many scratch rows of numbers and of truth values it takes.
    """
    uses = _last_uses(program)
    direct = _written_directly(program, uses)
    late = [(slot, name) for slot, name in program.stores if slot not in direct.values()]
    free: dict[bool, list[str]] = {False: [], True: []}
    made = {False: 0, True: 0}
    place: dict[str, str] = {name: name for _, name in program.loads}
    body: list[str] = []
    for slot, name in late:
        if isinstance(name, str) and name.startswith("s"):
            # The slot it is read from may be overwritten before.
            place[f"old {slot}"] = f"kept{slot}"
            body.append(f"kept{slot} = {name}.copy()")
    for i, statement in enumerate(program.statements):
        operands = [place.get(a, a) if isinstance(a, str) else repr(a) for a in statement.args]
        ended = {a for a in statement.args if isinstance(a, str) and a.startswith("v") and uses[a] == i}
        for name in sorted(ended):
            kind = _is_truth(place[name])
            if kind is not None:
                free[kind].append(place[name])
        if statement.name in direct:
            out = f"s{direct[statement.name]}"
        else:
            kind = statement.truth
            if not free[kind]:
                free[kind].append(f"{'t' if kind else 'n'}{made[kind]}")
                made[kind] += 1
            out = free[kind].pop()
        place[statement.name] = out
        body.append(_line(statement, operands, out))
    for slot, name in late:
        value = place.get(f"old {slot}") or (place.get(name, name) if isinstance(name, str) else repr(name))
        body.append(f"copyto(s{slot}, {value})")
    used = {slot for slot, _ in (*program.loads, *program.stores)}
    head = [f"s{slot} = slots[{slot}]" for slot in sorted(used)]
    head += [f"f{i} = fixed[{i}]" for i in range(program.fixed)]
    head += [f"n{i} = numbers[{i}]" for i in range(made[False])]
    head += [f"t{i} = truths[{i}]" for i in range(made[True])]
    source = SOURCE.format(
        ufuncs=", ".join(sorted(set(UFUNCS.values()))),
        head="\n".join(f"    {line}" for line in head),
        row="".join(f"c{i}, " for i in range(program.columns)).strip() or "_",
        body="\n".join(f"        {line}" for line in body or ["pass"]),
    )
    return source, made[False], made[True]


def _line(statement: Statement, operands: list[str], out: str) -> str:
    if statement.op != "select":
        return f"{UFUNCS[statement.op]}({', '.join(operands)}, {out})"
    condition, yes, no = operands
    if no == out and yes != out:
        return f"copyto({out}, {yes}, where={condition})"
    if statement.args[1:] == (1.0, 0.0):
        return f"copyto({out}, {condition})"
    chosen = f"where({condition}, {yes}, {no})"
    is_array = any(value[0] in "snt" for value in (yes, no))
    # A new row in place of the scratch row saves a copy; a slot keeps its place.
    return f"{out} = {chosen}" if is_array and out[0] != "s" else f"copyto({out}, {chosen})"


def _last_uses(program: Program) -> dict[str, int]:
    """Return the number of the statement that reads each name last; those that are stored, none."""
    uses: dict[str, int] = {}
    for i, statement in enumerate(program.statements):
        for name in statement.args:
            if isinstance(name, str):
                uses[name] = i
    for _, name in program.stores:
        if isinstance(name, str):
            uses[name] = len(program.statements)
    return uses


def _written_directly(program: Program, uses: dict[str, int]) -> dict[str, int]:
    """Return which statements may write into the slot they are stored in: nothing reads it afterwards."""
    position = {statement.name: i for i, statement in enumerate(program.statements)}
    names = [name for _, name in program.stores]
    return {
        name: slot
        for slot, name in program.stores
        if isinstance(name, str)
        and name in position
        and names.count(name) == 1
        and uses.get(f"s{slot}", -1) <= position[name]
    }


def _is_truth(place: str) -> bool | None:
    """Return whether a scratch row holds truth values; None for a slot's own."""
    return {"t": True, "n": False}.get(place[0])
