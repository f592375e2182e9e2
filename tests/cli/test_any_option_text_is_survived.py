"""Whatever an option is given: a result and 0, or one line and 2; never a traceback, never a warning."""

from __future__ import annotations

import contextlib
import functools
import io
import json
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradflow.cli import run
from gradflow.cli.app import program
from gradflow.networks.either import gradient_flow

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBER = st.one_of(
    st.floats().map(repr),
    st.floats(-3, 3).map(repr),
    st.integers(-5, 5).map(str),
    st.sampled_from(["-0.5", "1e200", "1e308", "-1e30", "1e-308", "5e-324", "1_0", "nan", "inf", "٣", "0x1"]),
)
VALUE = st.one_of(NUMBER, TEXT)
SHORT = st.sampled_from(["0", "1", "7"])
LINE = ["--neurons", "--seed", "--start", "--target", "--law", "--network", "--loss", "--frozen"]
NAMES = st.sampled_from(
    ["he", "uniform", "normal", "abs", "step", "hat", "sine", "huber", "w2,b2", "none.csv", ".csv", "1", "3"]
)
OPTIONS = {
    "flow": ["--w1", "--b1", "--w2", "--b2", "--rtol", *LINE],
    "train": [
        "--w1",
        "--b1",
        "--w2",
        "--b2",
        "--lr",
        "--samples",
        "--dtype",
        "--optimizer",
        "--hyper",
        "--batch",
        *LINE,
    ],
}
# The time a run takes grows with these, so their valid values are small.
LENGTH = {"flow": ("--t-end", st.sampled_from(["0", "1e-9", "nan", "-1"])), "train": ("--steps", SHORT)}


@pytest.fixture(autouse=True, scope="module")
def _few_steps() -> Iterator[None]:
    """Let the flow of huge weights, which is stiff, give up early."""
    from gradflow.cli import simulate

    with pytest.MonkeyPatch.context() as patch:
        brief = functools.partial(gradient_flow, max_steps=30)
        patch.setattr(simulate, "gradient_flow", brief)
        yield


def survives(arguments: list[str]) -> None:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(arguments)
    if code == 0:
        assert err.getvalue() == ""
        if "--json" in arguments:
            json.loads(out.getvalue(), parse_constant=lambda name: 1 / 0)
    else:
        assert code == 2
        assert out.getvalue() == ""
        assert len(err.getvalue().splitlines()) == 1


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), st.sampled_from(["flow", "train"]))
def test_of_flow_and_train(data: st.DataObject, command: str) -> None:
    names = data.draw(st.lists(st.sampled_from(OPTIONS[command]), max_size=3, unique=True))
    arguments = [command, "--json"]
    for name in names:
        if name == "--samples":
            value = data.draw(st.one_of(st.sampled_from(["-1", "0", "2", "nan", "1e-9"]), TEXT))
        elif name == "--hyper":
            value = data.draw(st.sampled_from(["beta1", "eps", "x", ""])) + "=" + data.draw(VALUE)
        elif name in LINE:
            value = data.draw(st.one_of(NAMES, VALUE))
        else:
            value = data.draw(VALUE)
        arguments += [f"{name}={value}"] if data.draw(st.booleans()) else [name, value]
    if data.draw(st.booleans()):
        arguments += ["--teacher", *(data.draw(NUMBER) for _ in range(4))]
    if data.draw(st.booleans()):
        arguments += ["--interval", data.draw(NUMBER), data.draw(NUMBER)]
    name, values = LENGTH[command]
    survives([*arguments, name, data.draw(values)])


@settings(max_examples=100)
@given(st.lists(TEXT.filter(lambda text: text not in program().commands), max_size=4))
def test_of_the_program(arguments: list[str]) -> None:
    # Commands have tests of their own: "reproduce", which hypothesis finds in these files, runs a study.
    survives(arguments)


@settings(max_examples=25)
@given(TEXT.filter(lambda text: not text.strip().isdecimal()))
def test_of_ids(text: str) -> None:
    survives(["reproduce", "--list", "--json", f"--only={text}"])
    survives(["derive", "--json", "--", text])
