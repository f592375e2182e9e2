"""Whatever a visitor does, the page shows the state, and what is wrong beside its field."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("bokeh")

from gradflow.explore import trajectories
from gradflow.explore.controls import SECTIONS
from gradflow.explore.diagram import diagram
from gradflow.explore.frames import Picture, picture
from gradflow.explore.presets import PRESETS
from gradflow.explore.state import FIELDS, State, query, read_query, texts
from gradflow.explore.tasks import check
from gradflow.explore.trajectories import runs
from tests.explore.visitor import Visitor


def drawn(visitor: Visitor, source: Any) -> dict[str, Any]:
    """Return the columns with which the page fills a source."""
    view = visitor.session.view
    columns: dict[str, Any] = view.inbox.args["sets"][view.sources.index(source)]
    return columns


class Place:
    """An event at a place of a figure."""

    def __init__(self, x: float | None, y: float | None) -> None:
        self.x, self.y = x, y


@pytest.fixture(scope="module", autouse=True)
def _not_compiled() -> Iterator[None]:
    """What is compiled, and takes long, has tests of its own: here are pages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trajectories, "BACKEND", None)
        patch.setattr(
            "gradflow.explore.session.diagram", lambda state: diagram(replace(state, backdrop="loss"))
        )
        yield


@pytest.fixture(scope="module")
def visitor(_not_compiled: None) -> Visitor:
    return Visitor()


@pytest.fixture(autouse=True)
def _anew(request: pytest.FixtureRequest) -> None:
    if "visitor" in request.fixturenames:
        found: Visitor = request.getfixturevalue("visitor")
        found.session.errors.clear()
        found.session._take(State(t_end=1.0))
        found.settle()


def test_a_click_moves_the_start(visitor: Visitor) -> None:
    visitor.session._tap(Place(0.5, -1.25))
    visitor.settle()
    assert visitor.session.state == State(b1=(0.5,), b2=-1.25, t_end=1.0)
    assert visitor.find("address").text == "b1=0.5&b2=-1.25&t_end=1"
    assert (visitor.find("b1").value, visitor.find("b2").value) == ("0.5", "-1.25")
    assert visitor.find("b2-slider-0").value == -1.25
    shown = drawn(visitor, visitor.session.view.curves[0])
    np.testing.assert_array_equal(shown["loss"], runs(visitor.session.state)[0].loss)
    assert "Neuron(w1=1.0, b1=0.5, w2=1.0, b2=-1.25)" in visitor.find("python").value
    assert "--b1 0.5" in visitor.find("command").value


def test_the_page_can_be_sent(visitor: Visitor) -> None:
    assert "inbox" in str(visitor.document.to_json())
    assert visitor.find("inbox").args["sets"]


def test_a_click_beside_the_axes_is_none(visitor: Visitor) -> None:
    visitor.session._tap(Place(None, None))
    assert visitor.session.state == State(t_end=1.0)


def test_keys_move_the_start(visitor: Visitor) -> None:
    for k, keys in enumerate(("1,0", "0,-10", "x,y", "", "nan,0", "inf,0")):
        visitor.find("keys").text = f"{keys},{k}"
    visitor.settle()
    assert visitor.session.state == State(b1=(0.05,), b2=0.9, t_end=1.0)


@pytest.mark.some(6)
@pytest.mark.parametrize("name", [name for rows in SECTIONS.values() for name in rows if name != "knots"])
def test_a_field_and_its_sliders_are_one(visitor: Visitor, name: str) -> None:
    row = next(rows[name] for rows in SECTIONS.values() if name in rows)
    control = visitor.session.controls[name]
    share = 0.55
    for slider in control.sliders:
        slider.value = slider.start + share * (slider.end - slider.start)
        share += 0.1
    if row.choices:
        control.text.value = next(c for c in row.choices if c not in (control.text.value, "knots"))
    elif not row.scales:
        control.text.value = "eps=0.001"
    visitor.settle()
    assert visitor.session.state != State(t_end=1.0)
    assert read_query(visitor.find("address").text).state == visitor.session.state
    assert visitor.error(name) == ""


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("lr", "fast", "expected a number above 0"),
        ("w1", "1,2", "as many numbers as w1"),
        ("interval", "1,-1", "the lower end below"),
        ("hyper", "beta9=1", "beta9"),
        ("t_end", "100000", "at most 50000 steps"),
        ("teacher", "<b>", "expected 4 numbers"),
    ],
)
def test_an_error_is_said_beside_its_field(visitor: Visitor, name: str, text: str, told: str) -> None:
    before = drawn(visitor, visitor.session.view.curves[0])["loss"]
    control = visitor.session.controls[name]
    good = control.text.value
    control.text.value = text
    visitor.settle()
    beside = "b1" if name == "w1" else name
    assert told in visitor.error(beside)
    assert "<b>" not in visitor.find(f"{beside}-error").text
    # Nothing is broken: what was drawn stays, other fields work, and the field can be mended.
    np.testing.assert_array_equal(drawn(visitor, visitor.session.view.curves[0])["loss"], before)
    assert control.text.value == text
    control.text.value = good
    visitor.settle()
    assert visitor.error(beside) == ""
    assert visitor.session.state == State(t_end=1.0)


def test_what_a_url_leaves_out_is_as_on_the_page_without_one() -> None:
    plain = Visitor("")
    assert plain.find("address").text == query(plain.session.state) == ""
    other = Visitor("b2=-1.2")
    assert other.session.state == replace(plain.session.state, b2=-1.2)
    # Back at the first state, the URL is empty again and says so.
    other.session.change("b2", texts(plain.session.state)["b2"])
    assert other.find("address").text == ""


def test_that_it_computes_is_said_while_it_does(visitor: Visitor) -> None:
    assert visitor.find("busy").text == ""
    visitor.session._tap(Place(0.25, 1.0))
    assert "computing" in visitor.find("busy").text
    visitor.settle()
    assert visitor.find("busy").text == ""
    visitor.session.change("t_end", "100000")
    assert visitor.find("busy").text == ""


def test_that_nothing_could_be_computed_ends_the_waiting(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(state: State) -> Picture:
        raise ValueError("no picture today")

    monkeypatch.setattr("gradflow.explore.session.picture_at_once", fails)
    visitor.session._tap(Place(0.75, 1.0))
    visitor.settle()
    assert "no picture today" in visitor.find("status").text
    assert visitor.find("busy").text == ""


def test_an_error_in_the_url_is_said_beside_its_field() -> None:
    other = Visitor("t_end=1&lr=fast&b9=1")
    assert "got 'fast'" in other.error("lr")
    assert other.find("lr").value == "fast"
    assert "b9" in other.find("status").text
    assert other.session.state == State(t_end=1.0)


def test_knots_are_dragged(visitor: Visitor) -> None:
    visitor.session.controls["target"].text.value = "knots"
    visitor.settle()
    points = visitor.session.view.knots
    assert visitor.session.view.draw.renderers[0].visible
    assert points.data["x"] == [-1.0, -0.5, 0.0, 0.5, 1.0]
    points.data = {"x": [-0.9, -0.5, 0.75, 0.5, 1.0], "y": [0.0, 0.0, 2.0, 0.5, 1.0]}
    visitor.settle()
    assert visitor.session.state.target == "-1,0;-0.5,0;0.5,0.5;0.75,2;1,1"
    assert points.data["x"] == [-1.0, -0.5, 0.5, 0.75, 1.0]
    # With the interval the outer knots move, and inner ones that are left outside go.
    visitor.session.controls["interval"].text.value = "-1,0.6"
    visitor.settle()
    assert visitor.session.state.target == "-1,0;-0.5,0;0.5,0.5;0.6,1"
    assert check(visitor.session.state) == {}


def test_several_neurons_are_drawn(visitor: Visitor) -> None:
    visitor.find("neurons").value, visitor.find("seed").value = 3, 5
    visitor.session._draw()
    visitor.settle()
    assert visitor.session.state.m == 3
    assert drawn(visitor, visitor.session.view.shown[0])["neuron"] == [1, 2, 3]
    assert not visitor.find("w1-slider-0").visible
    assert visitor.find("diagram").title.text.startswith("loss")


def test_a_preset_tells_its_story_and_is_saved(visitor: Visitor) -> None:
    one = PRESETS[4]
    visitor.find("preset").value = one.key
    visitor.settle()
    assert visitor.session.state == one.state
    assert "derivation 12" in visitor.find("story").text
    visitor.session._take(visitor.session._preset.saved)
    assert visitor.find("address").text == query(one.saved)


@pytest.mark.slow
def test_the_figure_is_a_file(visitor: Visitor) -> None:
    import base64

    for kind, begin in (("pdf", b"%PDF"), ("svg", b"<?xml"), ("png", b"\x89PNG")):
        visitor.session._print(kind)
        visitor.settle()
        name, content = visitor.find("file").text.split(" ")
        assert name == f"gradflow.{kind}"
        assert base64.b64decode(content).startswith(begin)


def test_a_breakpoint_at_infinity_leaves_the_others_to_be_seen() -> None:
    other = Visitor("b2=1.5&lr=0.2&t_end=4&backdrop=loss")
    values = np.concatenate([np.ravel(drawn(other, source)["ys"]) for source in other.session.view.shown])
    assert np.any(np.isnan(values))
    assert np.nanmax(np.abs(values)) <= 3.0


def test_only_the_last_wish_is_computed(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[State] = []

    def noted(state: State) -> Picture:
        computed.append(state)
        return picture(state)

    monkeypatch.setattr("gradflow.explore.session.picture_at_once", noted)
    for k in range(20):
        visitor.session._tap(Place(0.01 * k, 1.0))
    visitor.settle()
    assert computed == [visitor.session.state]


def event(draw: random.Random, visitor: Visitor) -> None:
    """Do something at random."""
    session_ = visitor.session
    what = draw.randrange(9)
    if what == 0:
        session_._tap(Place(draw.gauss(0.0, 3.0), draw.gauss(0.0, 3.0)))
    elif what == 1:
        visitor.find("keys").text = f"{draw.randint(-10, 10)},{draw.randint(-10, 10)},{draw.random()}"
    elif what == 2:
        control = draw.choice(list(session_.controls.values()))
        if control.row.choices:
            control.text.value = draw.choice(control.text.options)
        else:
            texts = [
                "",
                "x",
                "1",
                "-2,1",
                "1,1",
                "0.1",
                "1,0,1,0",
                "beta2=0.9",
                "-1,1;0,0;1,1",
                "1e300",
                "😀",
            ]
            control.text.value = draw.choice(texts)
    elif what == 3:
        sliders = [slider for control in session_.controls.values() for slider in control.sliders]
        slider = draw.choice(sliders)
        slider.value = draw.uniform(slider.start, slider.end)
    elif what == 4 and session_.view.knots.data["x"]:
        n = len(session_.view.knots.data["x"])
        session_.view.knots.data = {axis: [draw.gauss(0.0, 1.0) for _ in range(n)] for axis in ("x", "y")}
    elif what == 5:
        visitor.find("preset").value = draw.choice(["", *(one.key for one in PRESETS)])
    elif what == 6:
        visitor.find("neurons").value = draw.choice([1, 1, 1, 2, 3])
        session_._draw()
    elif what == 7:
        session_._moment("value_throttled", 0.0, draw.random())
    else:
        session_.change("t_end", draw.choice(["1", "2", "0.5"]))


def play(events: int, every: int) -> Visitor:
    """Do so many things at random; compute after every so many."""
    draw, visitor = random.Random(1), Visitor()
    for k in range(events):
        event(draw, visitor)
        if k % every == 0:
            # Long pictures have tests of their own.
            if visitor.session.state.t_end > 2.0 or visitor.session.state.lr < 0.01:
                visitor.session.change("lr", "0.05")
                visitor.session.change("t_end", "1")
            visitor.settle()
        told: Any = read_query(visitor.find("address").text)
        assert told.errors == {}
        assert told.state == visitor.session.state
    visitor.settle()
    return visitor


def test_random_events_break_nothing(caplog: pytest.LogCaptureFixture) -> None:
    visitor = play(40, 20)
    assert caplog.records == []
    assert set(FIELDS) >= set(visitor.session.errors)


@pytest.mark.slow
def test_a_thousand_random_events_break_nothing_and_leak_nothing(caplog: pytest.LogCaptureFixture) -> None:
    visitor = play(1000, 25)
    assert caplog.records == []
    assert visitor.later.jobs == []
    assert len(list(visitor.document.models)) <= len(list(Visitor().document.models)) + 5
