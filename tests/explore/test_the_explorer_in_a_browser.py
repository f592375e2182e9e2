"""In headless Chromium every interaction does what it says, and nothing is asked of any other machine."""

from __future__ import annotations

import gc
import json
import logging
import random
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import unquote

import pytest

pytest.importorskip("bokeh")
pytest.importorskip("selenium")

from bokeh.server.server import Server

from gradflow.explore import trajectories
from gradflow.explore.diagram import diagram
from gradflow.explore.export import write_page
from gradflow.explore.presets import PRESETS
from gradflow.explore.recipe import as_command, as_python
from gradflow.explore.state import State, query, read_query
from tests.explore.chromium import Browser, Complaints, opened, programs, served

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(None in programs(), reason="needs Chromium and its driver"),
]

QUICK = "t_end=2&backdrop=loss"
"""A state whose picture takes no time."""


@pytest.fixture(scope="module", autouse=True)
def _not_compiled() -> Iterator[None]:
    """Leave the compiler alone: a few steps are over before it is loaded, and this is about the page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trajectories, "BACKEND", None)
        patch.setattr(
            "gradflow.explore.export.diagram", lambda state: diagram(replace(state, backdrop="loss"))
        )
        yield


@pytest.fixture(scope="module")
def complaints() -> Iterator[Complaints]:
    found = Complaints()
    logging.getLogger().addHandler(found)
    yield found
    logging.getLogger().removeHandler(found)


@pytest.fixture(scope="module")
def server(complaints: Complaints) -> Iterator[Server]:
    with served() as found:
        yield found


@pytest.fixture(scope="module")
def one(server: Server) -> Iterator[Browser]:
    with opened() as browser:
        yield browser


@pytest.fixture
def browser(one: Browser, server: Server, complaints: Complaints) -> Iterator[Browser]:
    one.go(address(server))
    one.complaints(), one.requested()
    yield one
    assert one.complaints() == []
    assert complaints.told == []


def address(server: Server, text: str = QUICK) -> str:
    """Return the URL of a state."""
    return f"http://127.0.0.1:{server.port}/?{text}"


def state(browser: Browser) -> State:
    """Return the state that the URL says."""
    found = read_query(unquote(browser.query()))
    assert found.errors == {}
    return found.state


LAST_LOSS = """
const sources = model('loss').renderers.map((one) => one.data_source);
return sources.find((one) => one.data.loss && one.data.name).data.loss.at(-1);
"""

FOCUS = """
let found = document.activeElement;
while (found && found.shadowRoot && found.shadowRoot.activeElement) found = found.shadowRoot.activeElement;
return found ? [found.id, found.tagName, found.className, found.type].join(' ') : '';
"""

DRAGGABLE = """
const made = model('function');
const knots = made.renderers.find((one) => one.visible && one.glyph.type === 'Scatter');
if (!knots || knots.data_source.data.x.length !== 5) return false;
made.toolbar.tools.find((one) => one.type === 'PointDrawTool').active = true;
return true;
"""


def end(browser: Browser) -> float:
    """Return the last loss of the flow as it is drawn."""
    return float(browser.js(LAST_LOSS))


def press(browser: Browser, name: str) -> None:
    """Press a button, wherever on the page it is."""
    browser.js("for (const one of document.querySelectorAll('details')) one.open = true")
    view = "Bokeh.index.find_one_by_id(model(arguments[0]).id)"
    browser.wait(lambda: browser.js(f"return !!{view}?.el.shadowRoot.querySelector('button')", name))
    browser.js(f"{view}.el.shadowRoot.querySelector('button').click()", name)


def test_a_click_moves_the_start(browser: Browser) -> None:
    before = end(browser)
    browser.click("diagram", 0.5, -1.0)
    browser.wait(lambda: "b1=" in browser.query())
    found = state(browser)
    assert found.b1[0] == pytest.approx(0.5, abs=0.03)
    assert found.b2 == pytest.approx(-1.0, abs=0.04)
    browser.wait(lambda: end(browser) != before)


def test_no_click_is_lost_however_fast(browser: Browser) -> None:
    for k in range(5):
        browser.click("diagram", 0.2 * k, -1.0)
    browser.wait(lambda: "b1=" in browser.query() and abs(state(browser).b1[0] - 0.8) < 0.03)


def test_the_keyboard_moves_the_start_plays_and_rewinds(browser: Browser) -> None:
    browser.js("document.getElementById('plane').focus()")
    browser.key("ArrowRight", "ArrowRight", "Shift+ArrowDown")
    browser.wait(lambda: "b2=" in browser.query())
    assert (state(browser).b1, state(browser).b2) == ((0.1,), 0.9)
    browser.key("Home")
    assert browser.js("return model('moment').value") == 0
    browser.key(" ")
    browser.wait(lambda: 0.0 < browser.js("return model('moment').value") < 1.0)
    browser.wait(lambda: browser.js("return model('moment').value") == 1)


def test_every_kind_of_field_is_reached_by_keyboard(browser: Browser) -> None:
    browser.js("for (const one of document.querySelectorAll('details')) one.open = true")
    reached = set()
    for _ in range(140):
        browser.key("Tab")
        reached.add(str(browser.js(FOCUS)).lower())
    for part in ("plane", "summary", "input", "select", "noui-handle", "button", "textarea"):
        assert any(part in one for one in reached), part


def test_play_and_rewind_by_their_buttons(browser: Browser) -> None:
    press(browser, "rewind")
    browser.wait(lambda: browser.js("return model('moment').value") == 0)
    press(browser, "play")
    browser.wait(lambda: 0.1 < browser.js("return model('moment').value") < 1.0)
    press(browser, "play")
    paused = browser.js("return model('moment').value")
    browser.key("Tab", "Tab")
    assert browser.js("return model('moment').value") == paused


def test_a_typed_error_is_said_beside_its_field_and_goes(browser: Browser) -> None:
    browser.js("model('lr').value = 'fast'")
    browser.wait(lambda: browser.js("return model('lr-error').visible"))
    assert "got 'fast'" in browser.js("return model('lr-error').text")
    browser.js("model('lr').value = '0.1'")
    browser.wait(lambda: "lr=0.1" in browser.query())
    assert not browser.js("return model('lr-error').visible")


def test_knots_are_dragged(browser: Browser) -> None:
    browser.js("model('target').value = 'knots'")
    browser.wait(lambda: ";" in state(browser).target)
    browser.wait(lambda: browser.js(DRAGGABLE))
    before = state(browser).target
    browser.drag("function", (0.5, 0.5), (0.5, 0.9))
    browser.wait(lambda: state(browser).target != before)
    middle = state(browser).target.split(";")[3].split(",")
    assert float(middle[1]) == pytest.approx(0.9, abs=0.06)


def test_presets_are_told_and_saved(browser: Browser) -> None:
    preset = PRESETS[4]
    browser.js("model('preset').value = arguments[0]", preset.key)
    browser.wait(lambda: state(browser) == preset.state)
    assert "derivation 12" in browser.js("return model('story').text")
    press(browser, "save")
    browser.wait(lambda: state(browser) == preset.saved)


def test_the_figure_comes_as_a_file(browser: Browser, tmp_path: Path) -> None:
    allow = {"behavior": "allow", "downloadPath": str(tmp_path)}
    browser.driver.execute_cdp_cmd("Browser.setDownloadBehavior", allow)
    press(browser, "print-pdf")
    browser.wait(lambda: any(path.suffix == ".pdf" for path in tmp_path.iterdir()))
    assert next(tmp_path.glob("*.pdf")).read_bytes().startswith(b"%PDF")


def test_nothing_is_asked_of_another_machine(one: Browser, server: Server) -> None:
    one.requested()
    one.go(address(server))
    own = f"127.0.0.1:{server.port}"
    asked = one.requested()
    assert any(url.startswith("ws://") for url in asked)
    assert {url.split("/")[2] for url in asked} == {own}


def test_a_telephone_is_as_wide_as_the_page(server: Server) -> None:
    with opened(390, 844) as phone:
        phone.go(address(server))
        assert phone.js("return document.documentElement.scrollWidth") <= 390
        for name in ("diagram", "function", "loss", "course"):
            width = phone.js(
                "return Bokeh.index.find_one_by_id(model(arguments[0]).id).el.getBoundingClientRect().width",
                name,
            )
            assert 300 <= width <= 390
        assert phone.complaints() == []


PARTS = "const parts = [...document.querySelectorAll('nav details')];"
PLACE = """
const made = Bokeh.index.find_one_by_id(model(arguments[0]).id).el.getBoundingClientRect();
return [made.top + scrollY, made.height];
"""


def is_alone(browser: Browser, k: int) -> bool:
    """Whether a part of the settings is open, and no other."""
    return bool(browser.js(f"{PARTS} return parts.every((one, i) => one.open === (i === arguments[0]))", k))


def test_on_a_telephone_fields_are_above_the_figures_and_one_part_is_open(server: Server) -> None:
    with opened(390, 844) as phone:
        phone.go(address(server))
        assert phone.js(f"{PARTS} return parts.every((one) => !one.open)")
        top, _ = phone.js(PLACE, "diagram")
        # Presets and the names of all parts take half of the first screen.
        assert phone.js("return document.querySelector('nav').getBoundingClientRect().bottom") <= top < 600
        for k in (0, 1):
            phone.js(f"{PARTS} parts[{k}].querySelector('summary').click()")
            phone.wait(partial(is_alone, phone, k))
        place, height = phone.js(PLACE, "lr")
        assert 0 < place < place + height <= phone.js(PLACE, "diagram")[0]


def test_values_are_shown_where_the_mouse_is(browser: Browser) -> None:
    for name, place, words in (
        ("diagram", (0.5, -1.0), ("start", "0.5", "-1.0", "log10 of the loss")),
        ("function", (0.5, 0.5), ("x", "0.5", "y")),
    ):
        browser.mouse("Moved", browser.at(name, *place))
        browser.wait(lambda words=words: all(word in browser.tooltip() for word in words))  # type: ignore[misc]


@pytest.mark.parametrize(("name", "made"), [("python", as_python), ("command", as_command)])
def test_recipes_are_copied(browser: Browser, name: str, made: Callable[[State], str]) -> None:
    browser.allow_the_clipboard()
    browser.click("diagram", 0.5, -1.0)
    browser.wait(lambda: "b1=" in browser.query())
    wanted = made(state(browser))
    press(browser, f"copy-{name}")
    browser.wait(lambda: browser.clipboard() == wanted)


def test_what_takes_long_is_said(browser: Browser, server: Server) -> None:
    browser.driver.get(address(server))
    assert browser.js("return !!document.getElementById('loading') || !!window.Bokeh")
    browser.wait(lambda: browser.js("return !document.getElementById('loading')"))


def test_without_motion_play_shows_the_end_at_once(server: Server) -> None:
    with opened(prefers_reduced_motion="reduce") as still:
        still.go(address(server))
        still.js("model('moment').value = 0; model('toggle').text = 'now'")
        assert still.js("return model('moment').value") == 1


def test_ten_visitors_at_once_have_a_state_each(one: Browser, server: Server) -> None:
    tabs = []
    for k in range(10):
        one.driver.switch_to.new_window("tab")
        one.go(address(server, f"{QUICK}&b2={k}"))
        tabs.append(one.driver.current_window_handle)
    for k, tab in enumerate(tabs):
        one.driver.switch_to.window(tab)
        one.js("model('w1').value = arguments[0]", str(k + 0.5))
    for k, tab in enumerate(tabs):
        one.driver.switch_to.window(tab)
        one.wait(lambda k=k: state(one).w1 == (k + 0.5,))  # type: ignore[misc]
        assert state(one).b2 == k
        assert one.complaints() == []
    for tab in tabs:
        one.driver.switch_to.window(tab)
        one.driver.close()
    one.driver.switch_to.window(one.driver.window_handles[0])


def test_a_thousand_random_events_leave_no_traceback(browser: Browser) -> None:
    draw = random.Random(3)
    names = ["w1", "b1", "w2", "b2", "teacher", "interval", "lr", "hyper", "knots"]
    texts = ["", "x", "1", "-0.5", "1,2", "-1,1", "1,0,1,0", "0.1", "1e300", "-1,1;0,0;1,1"]
    for _ in range(20):
        events = [
            draw.choice(
                [
                    ("model(a).value = b", draw.choice(names), draw.choice(texts)),
                    (
                        "model('keys').text = a",
                        f"{draw.randint(-9, 9)},{draw.randint(-9, 9)},{draw.random()}",
                        "",
                    ),
                    ("model('moment').value = +a", str(draw.random()), ""),
                    ("model('shown').value = a", draw.choice(["w1", "b2", "breakpoint"]), ""),
                    ("model('plane').value = a", draw.choice(["b1,b2", "w1,b1"]), ""),
                    ("model(a + '-slider-0').value = +b", draw.choice(names[:4]), str(draw.uniform(-2, 2))),
                ]
            )
            for _ in range(50)
        ]
        browser.js("".join(f"{{ const [a, b] = {json.dumps([a, b])}; {code}; }}" for code, a, b in events))
    good = {"interval": "-1,1", "w2": "1", "w1": "1", "b1": "0.25", "teacher": "1,0,1,0", "lr": "0.05"}
    for name, text in {**good, "hyper": "", "target": "teacher"}.items():
        browser.js("model(arguments[0]).value = arguments[1]", name, text)
    browser.wait(lambda: state(browser).b1 == (0.25,) and state(browser).target == "teacher")


def test_nothing_of_a_visitor_is_kept(complaints: Complaints) -> None:
    short = {"check_unused_sessions_milliseconds": 50, "unused_session_lifetime_milliseconds": 50}
    with served(**short) as server, opened() as browser:
        browser.go(address(server))
        (found,) = server.get_sessions("/")
        document = weakref.ref(found.document)
        del found
        browser.leave()
        browser.wait(lambda: not server.get_sessions("/"))
        gc.collect()
        assert document() is None or not document().session_callbacks  # type: ignore[union-attr]
    assert complaints.told == []


def test_the_exported_page_needs_no_server(tmp_path: Path) -> None:
    some = PRESETS[3:5]
    path = write_page(tmp_path / "page", some)
    told = path.read_text(encoding="utf-8")
    assert "<p>Choose a failure and see" in told
    assert "Click a start" not in told
    assert "arrow" not in told[told.index("<header>") : told.index("<script>", told.index("<header>"))]
    with opened() as browser:
        browser.go(path.as_uri())
        for preset in some[::-1]:
            browser.js("model('preset').value = arguments[0]", preset.key)
            assert browser.js("return model('story').text") == preset.html
            assert preset.key in browser.driver.current_url
        before = end(browser)
        browser.js("model('way').active = 1")
        assert end(browser) != before
        browser.js("model('moment').value = 0.5")
        assert {url for url in browser.requested() if not url.startswith("file:")} == set()
        assert browser.complaints() == []


def test_the_url_alone_brings_the_picture_back(one: Browser, server: Server) -> None:
    wanted = State(w1=(1.0, -0.5), b1=(0.1, 0.2), w2=(0.3, 0.4), target="abs", t_end=1.0, at=0.5, shown="w2")
    one.go(address(server, query(wanted)))
    assert state(one) == wanted
    assert one.js("return model('moment').value") == 0.5
