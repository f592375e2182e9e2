"""A headless Chromium and an explorer for it, in this process: what it asks for, says and shows."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from bokeh.server.server import Server
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from gradflow.explore.server import make_server

PROGRAMS = ("chromium", "chromium-browser", "google-chrome"), ("chromedriver",)


DRAWN = """
if (!window.Bokeh || !Bokeh.documents.length || !Bokeh.documents[0].is_idle) return false;
const busy = Bokeh.documents[0].get_model_by_name('busy');
return !(busy && busy.text);
"""
"""Whether a page is drawn, and no picture is computed for it."""

TOOLTIPS = """
const inside = (root) => [...root.querySelectorAll('*')].flatMap(
  (one) => [one, ...(one.shadowRoot ? inside(one.shadowRoot) : [])]);
const shown = (one) => one.classList.contains('bk-Tooltip') && one.getBoundingClientRect().width;
return inside(document).filter(shown)
  .map((one) => one.shadowRoot ? one.shadowRoot.textContent : one.textContent).join(' ');
"""


def programs() -> tuple[str | None, str | None]:
    """Return where Chromium and its driver are, None for one that is not there."""
    browser, driver = (next(filter(None, map(shutil.which, names)), None) for names in PROGRAMS)
    return browser, driver


@contextmanager
def served(**options: Any) -> Iterator[Server]:
    """Serve the explorer from a thread of its own, on a free port."""
    ready: list[Server] = []
    begun = threading.Event()

    def serve() -> None:
        asyncio.set_event_loop(asyncio.new_event_loop())
        with ThreadPoolExecutor(2) as workers:
            server = make_server(0, "127.0.0.1", workers, **options)
            ready.append(server)
            server.start()
            server.io_loop.add_callback(begun.set)
            server.io_loop.start()
            server.stop()
            server.io_loop.close(all_fds=True)

    thread = threading.Thread(target=serve)
    thread.start()
    assert begun.wait(60.0)
    try:
        yield ready[0]
    finally:
        ready[0].io_loop.add_callback(ready[0].io_loop.stop)
        thread.join(60.0)
    assert not thread.is_alive()


@contextmanager
def opened(width: int = 1400, height: int = 1000, **features: str) -> Iterator[Browser]:
    """Open a browser of this size; its media features as given, with underscores."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(programs()[0])
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", f"--window-size={width},{height}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(programs()[1]))
    try:
        driver.set_script_timeout(60)
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        if features:
            given = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": given})
        yield Browser(driver)
    finally:
        driver.quit()


class Browser:
    """A browser, and what a test does with it.

    Parameters
    ----------
    driver : WebDriver
        Selenium's.
    """

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def go(self, url: str) -> None:
        """Open a page and wait until it is drawn."""
        self.driver.get(url)
        self.wait(lambda: self.driver.execute_script(DRAWN))

    def leave(self) -> None:
        """Close the page, and be on an empty one.

        A page that another one follows in its tab may stay alive for the way back, its connection with it.
        """
        page = self.driver.current_window_handle
        self.driver.switch_to.new_window("tab")
        empty = self.driver.current_window_handle
        self.driver.switch_to.window(page)
        self.driver.close()
        self.driver.switch_to.window(empty)

    def js(self, code: str, *arguments: Any) -> Any:
        """Run a script in the page; `model(name)` finds a model there."""
        finds = "const model = (name) => Bokeh.documents[0].get_model_by_name(name);"
        return self.driver.execute_script(finds + code, *arguments)

    def wait(self, condition: Callable[[], object], limit: float = 60.0) -> None:
        """Wait for a condition, or fail with what the page says."""
        end = time.monotonic() + limit
        while not condition():
            assert time.monotonic() < end, f"waited in vain at {self.driver.current_url}: {self.complaints()}"
            time.sleep(0.02)

    def query(self) -> str:
        """Return the query string of the URL, as it stands there."""
        return str(self.driver.current_url).partition("?")[2]

    def complaints(self) -> list[str]:
        """Return the warnings and errors of the console since the last look."""
        entries = self.driver.get_log("browser")
        return [entry["message"] for entry in entries if entry["level"] in ("WARNING", "SEVERE")]

    def requested(self) -> set[str]:
        """Return the addresses that were asked for since the last look, but for data in the address."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        urls = {
            event["params"]["request"]["url"]
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        }
        urls |= {e["params"]["url"] for e in events if e["method"] == "Network.webSocketCreated"}
        return {url for url in urls if not url.startswith(("data:", "blob:"))}

    def at(self, name: str, x: float, y: float) -> tuple[float, float]:
        """Return where in the window a place of a figure's axes is."""
        found = self.js(
            """
            const [name, x, y] = arguments, plot = Bokeh.index.find_one_by_id(model(name).id);
            const box = plot.canvas_view.el.getBoundingClientRect(), frame = plot.frame;
            return [box.left + frame.x_scale.compute(x), box.top + frame.y_scale.compute(y)];
            """,
            name, x, y,
        )  # fmt: skip
        return float(found[0]), float(found[1])

    def mouse(self, kind: str, place: tuple[float, float]) -> None:
        """Move, press or release the mouse at a place of the window."""
        press = {} if kind == "Moved" else {"button": "left", "clickCount": 1}
        event = {"type": f"mouse{kind}", "x": place[0], "y": place[1], **press}
        self.driver.execute_cdp_cmd("Input.dispatchMouseEvent", event)

    def click(self, name: str, x: float, y: float) -> None:
        """Click a figure at a place of its axes."""
        self.drag(name, (x, y), (x, y))

    def drag(self, name: str, begin: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag from one place of a figure's axes to another."""
        places = [self.at(name, *place) for place in (begin, end)]
        self.mouse("Moved", places[0])
        self.mouse("Pressed", places[0])
        if begin != end:
            middle = tuple(0.5 * (a + b) for a, b in zip(*places, strict=True))
            event = {"type": "mouseMoved", "button": "left", "buttons": 1}
            for x, y in (middle, places[1]):
                self.driver.execute_cdp_cmd("Input.dispatchMouseEvent", {**event, "x": x, "y": y})
        self.mouse("Released", places[1])

    def tooltip(self) -> str:
        """Return what is said beside the mouse."""
        return str(self.js(TOOLTIPS)).replace("\N{MINUS SIGN}", "-")

    def allow_the_clipboard(self) -> None:
        """Let pages write the clipboard, and `clipboard` read it."""
        allowed = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
        self.driver.execute_cdp_cmd("Browser.grantPermissions", allowed)

    def clipboard(self) -> str:
        """Return what is in the clipboard."""
        read = "navigator.clipboard.readText().then(arguments[0], (error) => arguments[0](`${error}`))"
        return str(self.driver.execute_async_script(read))

    def key(self, *keys: str) -> None:
        """Press keys one after the other, as they are called in JavaScript; "Shift+…" holds that one."""
        codes = {
            "ArrowLeft": 37,
            "ArrowUp": 38,
            "ArrowRight": 39,
            "ArrowDown": 40,
            " ": 32,
            "Home": 36,
            "Enter": 13,
            "Tab": 9,
        }
        for key in keys:
            name = key.removeprefix("Shift+")
            shared = {"key": name, "modifiers": 8 if key != name else 0, "windowsVirtualKeyCode": codes[name]}
            self.driver.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "rawKeyDown", **shared})
            self.driver.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "keyUp", **shared})


class Complaints(logging.Handler):
    """Warnings and errors of the server."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one; that a page is gone while it is told something is no fault."""
        if record.getMessage() != "Failed sending message as connection was closed":
            self.told.append(self.format(record))
