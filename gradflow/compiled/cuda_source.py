"""A program as a CUDA kernel: one trajectory per thread, in registers from the first step to the last.

The text is C++ but for the launch's built-in variables, so that a host's compiler can run it too and tests
can compare it where there is no GPU. Whoever compiles it must not contract products and sums
(``--fmad=false``, ``-ffp-contract=off``).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gradflow.compiled.integral import PROBLEM, TAUGHT
from gradflow.compiled.integral_source import constants, in_c
from gradflow.compiled.program import Program, Statement, Summed
from gradflow.compiled.to_c import Translator
from gradflow.field.ranges import COLUMNS

TEMPLATES = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "neg": "-{0}",
    "abs": "fabs{f}({0})",
    "sqrt": "sqrt{f}({0})",
    "lt": "{0} < {1}",
    "le": "{0} <= {1}",
    "gt": "{0} > {1}",
    "ge": "{0} >= {1}",
    "eq": "{0} == {1}",
    "ne": "{0} != {1}",
    "and": "{0} & {1}",
    "or": "{0} | {1}",
    "not": "!{0}",
    "select": "{0} ? {1} : {2}",
}

NUMBERS = {"float32": "float", "float64": "double"}

# The numbers of slot k lie n apart from those of slot k + 1, so that neighbouring threads read side by side.
SOURCE = """\
{before}extern "C" __global__ void gradflow_advance({number} *slots, long long n, const {number} *fixed,
    const {number} *table, long long steps, const {given} *inputs, long long count, const {given} *sums)
{{
{fixed}
    const long long first = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    const long long stride = (long long)gridDim.x * blockDim.x;
    for (long long i = first; i < n; i += stride) {{
{loads}
        for (long long step = 0; step < steps; ++step) {{
            const {number} *row = table + step * {columns};
{body}
        }}
{stores}
    }}
}}
"""


# The search of `gradflow.compiled.python_source`.
SEARCH = """\
static __device__ double search(const double *inputs, long long count, double w1, double b1, double row)
{
    const int rising = w1 >= 0.0;
    long long low = 0, high = count, guess = (long long)row;
    if (guess < high && (w1 * inputs[guess] + b1 > 0.0) == rising) {
        high = guess;
        if (guess > 0 && (w1 * inputs[guess - 1] + b1 > 0.0) != rising)
            return row;
    } else if (guess < high) {
        low = guess + 1;
    }
    while (low < high) {
        const long long middle = (low + high) / 2;
        if ((w1 * inputs[middle] + b1 > 0.0) == rising)
            high = middle;
        else
            low = middle + 1;
    }
    return (double)low;
}

"""


def cuda_source(program: Program) -> str:
    """Return a kernel ``gradflow_advance`` that takes n trajectories through a table's rows in one launch."""
    number = "float" if program.dtype == "float32" else "double"
    suffix = "f" if program.dtype == "float32" else ""

    def operand(value: str | float) -> str:
        if isinstance(value, str):
            return value
        written = repr(float(np.dtype(program.dtype).type(value))) + suffix
        return f"({written})" if value < 0 else written

    used = sorted({slot for slot, _ in program.loads} | {slot for slot, _ in program.stores})
    body = [f"const {number} c{i} = row[{i}];" for i in range(program.columns)]
    if (row := program.search) is not None:
        body.append(f"r{row} = search(inputs, count, r0, r1, r{row});")
    before = "" if program.search is None else SEARCH
    scratch: list[str] = []
    if program.summed is not None:
        before = summed_source(program.summed)
        scratch, lines = _summed(program.summed, number)
        body += lines
        used = sorted({*used, *range(program.summed.slot, program.summed.slot + 4)})
    body += [f"const {number} {name} = r{slot};" for slot, name in program.loads]
    for s in program.statements:
        right = _right_side(s, operand, suffix)
        body.append(f"const {'int' if s.truth else number} {s.name} = {right};")
    body += [f"r{slot} = {operand(name)};" for slot, name in program.stores]
    return SOURCE.format(
        before=before,
        number=number,
        given=number if program.summed is None else NUMBERS[program.summed.dtype],
        columns=program.columns,
        fixed=_lines(4, [f"const {number} f{i} = fixed[{i}];" for i in range(program.fixed)]),
        loads=_lines(8, [f"{number} r{slot} = slots[{slot} * n + i];" for slot in used] + scratch),
        body=_lines(12, body),
        stores=_lines(8, [f"slots[{slot} * n + i] = r{slot};" for slot, _ in program.stores]),
    )


def summed_source(summed: Summed) -> str:
    """Return the functions that add up a gradient."""
    prefix = "static __device__"
    return Translator({}, prefix).helpers() + in_c(summed.pair, 4, prefix, NUMBERS[summed.dtype])


def _summed(summed: Summed, number: str) -> tuple[list[str], list[str]]:
    """Return what comes before all steps, and what comes before every step's statements."""
    given = NUMBERS[summed.dtype]
    scratch, problem = [f"{given} q[{constants(summed.pair, 4)['SCRATCH']}];"], "inputs"
    if summed.own >= 0:
        problem = "own"
        scratch += [f"{given} own[{PROBLEM}];", f"for (int k = 0; k < {PROBLEM}; ++k) own[k] = inputs[k];"]
        scratch += [f"own[{k}] = slots[{summed.own + k} * n + i];" for k in range(TAUGHT)]
    call = "sample" if summed.pair.is_sample else "population"
    results = [f"r{summed.slot + k} = ({number})q[{k}];" for k in range(4)]
    lines = [f"{call}(q, {problem}, sums, r0, r1, r2, r3);", *results]
    return scratch, [f"if (r{summed.alive} != 0) {{", *(f"    {line}" for line in lines), "}"]


def _right_side(statement: Statement, operand: Callable[[str | float], str], suffix: str) -> str:
    if statement.op == "gather":
        row, column = statement.args
        return f"sums[(long long){row} * {2 * COLUMNS} + {column:.0f}]"
    return TEMPLATES[statement.op].format(*(operand(a) for a in statement.args), f=suffix)


def _lines(indent: int, lines: list[str]) -> str:
    return "\n".join(" " * indent + line for line in lines)
