"""Recipes: Python and commands that give the runs of a state."""

from __future__ import annotations

from collections.abc import Iterator

from gradflow.explore.state import SAME, TEACHER, State, hyper_of, knots_of, text_of
from gradflow.explore.tasks import config, is_general, names, steps
from gradflow.neuron.problem import PARAMETERS
from gradflow.neuron.targets import NAMED

USUAL = State()


def as_python(state: State) -> str:
    """Return a script that computes the runs of a state, as `runs`, and prints where they end."""
    methods = {name: config(state, name) for name in names(state)[1:]}
    lines = [
        "import gradflow as gf",
        "",
        f"start = {_start(state)}",
        f"problem = gf.Problem({', '.join(_problem(state))})",
        "runs = {",
        f'    "flow": gf.gradient_flow(start, problem, t_end={state.t_end!r}),',
    ]
    for name, method in methods.items():
        given = {"lr": state.lr, **(hyper_of(state.hyper) if name != "gd" else {})}
        made = f"gf.{type(method).__name__}({', '.join(f'{key}={value!r}' for key, value in given.items())})"
        lines.append(f'    "{name}": gf.train(start, problem, {made}, steps={steps(state)}),')
    return "\n".join(
        [
            *lines,
            "}",
            "for name, run in runs.items():",
            "    print(name, float(run.loss[-1]), run.outcome_name.item())",
            "",
        ]
    )


def _start(state: State) -> str:
    if state.m == 1:
        values = (state.w1[0], state.b1[0], state.w2[0], state.b2)
        return f"gf.Neuron({', '.join(f'{n}={v!r}' for n, v in zip(PARAMETERS, values, strict=True))})"
    lists = ", ".join(f"{name}={list(getattr(state, name))!r}" for name in PARAMETERS[:3])
    return f"gf.Network({lists}, b2={state.b2!r})"


def _problem(state: State) -> Iterator[str]:
    """Give the arguments of the problem that are not the default."""
    if state.target in NAMED:
        yield f'target="{state.target}"'
    elif state.target != TEACHER:
        x, y = knots_of(state.target)
        yield f"target=gf.Knots({list(x)!r}, {list(y)!r})"
    elif state.teacher != USUAL.teacher:
        yield f"teacher=gf.Neuron{state.teacher!r}"
    if state.law == "normal":
        yield "law=gf.Normal()"
    elif state.interval != USUAL.interval:
        yield f"inputs=gf.Uniform{state.interval!r}"
    if state.activation != USUAL.activation:
        yield f'activation="{state.activation}"'
    if state.target == TEACHER and state.teacher_activation != SAME:
        yield f'teacher_activation="{state.teacher_activation}"'


def as_command(state: State) -> str:
    """Return a shell's commands that compute the runs of a state; files that they read come first."""
    lines = [*_files(state)]
    given = " ".join(_options(state))
    lines.append(f"gradflow flow {given} --t-end {text_of(state.t_end)}")
    for name in names(state)[1:]:
        hyper = hyper_of(state.hyper) if name != "gd" else {}
        more = "".join(
            f" --hyper {key}={str(value).lower() if isinstance(value, bool) else text_of(value)}"
            for key, value in hyper.items()
        )
        rate = f"--lr {text_of(state.lr)} --steps {steps(state)}"
        lines.append(f"gradflow train {given} --optimizer {name} {rate}{more}")
    return "\n".join([*lines, ""])


def _options(state: State) -> Iterator[str]:
    """Give the options of start and problem."""
    if state.m == 1:
        for name in PARAMETERS[:3]:
            yield f"--{name} {text_of(getattr(state, name)[0])}"
    else:
        yield "--network start.csv"
    yield f"--b2 {text_of(state.b2)}"
    if state.target != TEACHER:
        yield f"--target {state.target if state.target in NAMED else 'target.csv'}"
    else:
        if state.teacher != USUAL.teacher:
            yield "--teacher " + " ".join(map(text_of, state.teacher))
        if state.teacher_activation != SAME:
            yield f"--teacher-activation {state.teacher_activation}"
    if state.law != USUAL.law:
        yield f"--law {state.law}"
    elif state.interval != USUAL.interval:
        yield "--interval " + " ".join(map(text_of, state.interval))
    if state.activation != USUAL.activation:
        yield f"--activation {state.activation}"


def _files(state: State) -> Iterator[str]:
    """Give the lines that write the files which the commands read."""
    if state.m > 1:
        rows = zip(*(getattr(state, name) for name in PARAMETERS[:3]), strict=True)
        yield from _file("start.csv", ",".join(PARAMETERS[:3]), rows)
    if is_general(state) and ";" in state.target:
        yield from _file("target.csv", "x,y", zip(*knots_of(state.target), strict=True))


def _file(name: str, header: str, rows: Iterator[tuple[float, ...]]) -> Iterator[str]:
    yield f"cat > {name} <<'END'"
    yield header
    yield from (",".join(map(text_of, row)) for row in rows)
    yield "END"
