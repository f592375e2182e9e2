"""The URL is the whole state, and no URL breaks anything."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflow.explore.state import FIELDS, State, query, read, read_query, texts
from gradflow.explore.tasks import check
from tests.explore.strategies import states

WRONG = {
    "w1": ("", "1,,2", "nan", "inf", "1e7", ",".join(["1"] * 21)),
    "b2": ("x", "1,2", "--1"),
    "teacher": ("1,0,1", "1,0,1,0,0"),
    "interval": ("1", "a,b"),
    "activation": ("rellu", "leaky-relu"),
    "teacher_activation": ("other",),
    "target": ("", "1,2", "1;2", "1,2;", "nan,1;2,3"),
    "law": ("cauchy",),
    "optimizer": ("gd", "Adam2"),
    "hyper": ("lr=1", "beta2", "beta2=1,beta2=2", "=3", "beta2=x"),
    "lr": ("0", "-1", "1e9", "fast"),
    "t_end": ("0", "inf"),
    "plane": ("b1", "b1,b1", "b1,b2,w1", "b1,x"),
    "backdrop": ("",),
    "shown": ("loss",),
    "at": ("1.1", "-0.1"),
}


@given(states())
@settings(max_examples=50, deadline=None)
def test_what_is_written_is_read(state: State) -> None:
    found = read_query(query(state))
    assert found.errors == {}
    assert found.state == state
    assert read(texts(state)).state == state


def test_the_default_is_the_empty_url() -> None:
    assert query(State()) == ""
    assert read_query("") == (State(), {})


def test_every_field_is_in_the_url() -> None:
    assert set(FIELDS) == {*vars(State())}
    assert {*WRONG, "b1", "w2"} == set(FIELDS)


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_wrong_field_is_told_and_keeps_its_value(name: str) -> None:
    base = State(b2=-1.5)
    for text in WRONG[name]:
        found = read({name: text, "lr" if name != "lr" else "b2": "0.5"}, base)
        assert set(found.errors) == {name}, text
        assert "\n" not in found.errors[name]
        assert getattr(found.state, name) == getattr(base, name)
        assert (found.state.lr if name != "lr" else found.state.b2) == 0.5


def test_an_unknown_field_is_told() -> None:
    assert set(read_query("b2=1&b3=1").errors) == {"b3"}


@given(st.dictionaries(st.sampled_from([*FIELDS, "other"]), st.text(max_size=30)))
@settings(max_examples=100, deadline=None)
def test_no_url_breaks_anything(given_: dict[str, str]) -> None:
    text = urlencode(given_)
    found = read_query(text)
    assert set(found.errors) <= {name for name, _ in parse_qsl(text, keep_blank_values=True)}
    # What could be read can be judged, and written again.
    check(found.state)
    assert read_query(query(found.state)).state == found.state


@given(states())
@settings(max_examples=30, deadline=None)
def test_what_is_wrong_together_is_told_beside_a_field(state: State) -> None:
    wrong = check(state)
    assert set(wrong) <= set(FIELDS)
    assert all("\n" not in line for line in wrong.values())


@pytest.mark.parametrize(
    ("state", "field"),
    [
        (State(interval=(1.0, 1.0)), "interval"),
        (State(b1=(0.0, 1.0)), "b1"),
        (State(t_end=1e5, lr=0.01), "t_end"),
        (State(hyper="beta9=1"), "hyper"),
        (State(hyper="beta2=2"), "hyper"),
        (State(target="-1,0;0.5,1"), "target"),
        (State(target="-1,0;0,1;0,2;0,3;1,1"), "target"),
    ],
)
def test_examples_of_what_does_not_go_together(state: State, field: str) -> None:
    assert set(check(state)) == {field}
