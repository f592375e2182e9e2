"""One visitor's explorer: a state, the page's models, and what a change of either does to the other."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from html import escape
from typing import Any
from urllib.parse import parse_qsl

from bokeh.document import Document
from bokeh.events import DocumentReady, DoubleTap, Tap
from bokeh.layouts import column, row
from bokeh.models import Button, CustomJS, Div, Select, Spinner, TextAreaInput
from tornado.ioloop import IOLoop

from gradflow.explore import controls as fields
from gradflow.explore import view as panels
from gradflow.explore.ahead import picture_at_once
from gradflow.explore.diagram import REACH, Diagram, depends_on, diagram
from gradflow.explore.edits import dragged, drawn, moved, with_choice
from gradflow.explore.frames import Picture, beginning
from gradflow.explore.page import BUSY, COPY, DOWNLOAD, PLAY, REWIND, TOGGLE, ends_table
from gradflow.explore.presets import PRESETS
from gradflow.explore.print import figure_bytes
from gradflow.explore.recipe import as_command, as_python
from gradflow.explore.state import State, query, read, read_query, texts
from gradflow.explore.tasks import check
from gradflow.networks.line.starts import STARTS

LOG = logging.getLogger(__name__)


ALERT = 'style="color:#b00020;margin:0" role="alert"'


class Session:
    """One visitor's explorer on one document.

    Parameters
    ----------
    document : Document
        Bokeh's; it is filled here.
    address : str
        The URL's query string.
    executor : Executor
        Computes pictures and diagrams, so that no visitor waits for another's.
    """

    def __init__(self, document: Document, address: str, executor: Executor) -> None:
        self.document, self.executor = document, executor
        self.context, self.loop = document.session_context, IOLoop.current(instance=False)
        found = read_query(address)
        self.state, self.errors = found.state, dict(found.errors)
        given = dict(parse_qsl(address, keep_blank_values=True))
        self.quiet, self.asked, self.ground_of = 0, 0, ()
        self.view = panels.build()
        self.controls = fields.build(self.change, lambda: self.quiet > 0)
        self._build()
        with _Quiet(self):
            for name in self.errors.keys() & self.controls.keys():
                # What was typed stands beside what is wrong with it.
                fields.show(self.controls[name], texts(self.state)[name])
                fields.show(self.controls[name], given[name], self.errors[name])
        # The page is shown with the start, and what takes time follows.
        if not self._tell():
            with _Quiet(self):
                panels.fill(self.view, beginning(self.state), at_first=True)
        self.busy.text = BUSY
        document.add_next_tick_callback(self.update)

    @property
    def gone(self) -> bool:
        """Whether the visitor has left, and the document is no more."""
        return self.context is not None and bool(self.context.destroyed)

    def _build(self) -> None:
        """Put the models on the page."""
        view = self.view
        self.ends = Div(text="", name="ends", sizing_mode="stretch_width")
        self.status = Div(text="", name="status", sizing_mode="stretch_width")
        self.busy = Div(text="", name="busy")
        self.address = Div(text=query(self.state), visible=False, name="address")
        self.keys = Div(text="", visible=False, name="keys")
        self.file = Div(text="", visible=False, name="file")
        self.address.js_on_change("text", CustomJS(code=_REPLACE))
        self.file.js_on_change("text", CustomJS(code=DOWNLOAD))
        self.keys.on_change("text", self._key)
        play, rewind = (
            Button(label=text, name=name) for text, name in (("▶ play", "play"), ("rewind", "rewind"))
        )
        self.toggle = Div(text="", visible=False, name="toggle")
        play.js_on_click(CustomJS(args={"toggle": self.toggle}, code=TOGGLE))
        self.toggle.js_on_change("text", CustomJS(args={"moment": view.moment, "button": play}, code=PLAY))
        rewind.js_on_click(CustomJS(args={"moment": view.moment}, code=REWIND))
        view.moment.on_change("value_throttled", self._moment)
        # Of two clicks within a third of a second the second is a double one.
        for click in (Tap, DoubleTap):
            view.figures["diagram"].on_event(click, self._tap)
        view.knots.on_change("data", self._knots)
        self.preset = Select(
            title="famous failures", name="preset", sizing_mode="stretch_width",
            options=[("", "choose one of ten …"), *((p.key, p.title) for p in PRESETS)],
        )  # fmt: skip
        self.story = Div(text="", name="story", sizing_mode="stretch_width")
        self.save = Button(label="what saves it", name="save", visible=False)
        self.fail = Button(label="the failure again", name="fail", visible=False)
        self.preset.on_change("value", self._choose)
        self.save.on_click(lambda: self._take(self._preset.saved))
        self.fail.on_click(lambda: self._take(self._preset.state))
        self.python, self.command = (
            TextAreaInput(title=title, rows=8, name=name, sizing_mode="stretch_width", max_length=100_000)
            for title, name in (("Python", "python"), ("commands", "command"))
        )
        copies = []
        for model in (self.python, self.command):
            copy = Button(
                label=f"copy as {'Python' if model is self.python else 'command'}", name=f"copy-{model.name}"
            )
            copy.js_on_click(CustomJS(args={"text": model, "button": copy}, code=COPY))
            copies.append(copy)
        printed = []
        for kind in ("pdf", "svg", "png"):
            button = Button(label=kind.upper(), name=f"print-{kind}")
            button.on_click(self._printer(kind))
            printed.append(button)
        self.count = Spinner(title="neurons", low=1, high=20, step=1, value=2, name="neurons", width=90)
        self.rule = Select(title="drawn as", options=list(STARTS), value="uniform", name="rule", width=110)
        self.seed = Spinner(title="seed", low=0, high=10**6, step=1, value=0, name="seed", width=90)
        draw = Button(label="draw a start", name="draw")
        draw.on_click(self._draw)
        roots: list[Any] = [
            *view.figures.values(),
            row(play, rewind, view.moment, name="moments", sizing_mode="stretch_width"),
            *(fields.layout(section, self.controls) for section in fields.SECTIONS),
            column(
                row(self.count, self.rule, self.seed), draw, name="network", sizing_mode="stretch_width"
            ),
            column(
                self.preset, self.story, row(self.save, self.fail),
                name="presets", sizing_mode="stretch_width",
            ),
            column(
                self.python, copies[0], self.command, copies[1], row(*printed),
                name="recipes", sizing_mode="stretch_width",
            ),
            self.ends,
            self.status,
            self.busy,
            self.address,
            self.keys,
            self.toggle,
            self.file,
        ]  # fmt: skip
        for root in roots:
            self.document.add_root(root)
        # A picture may have come before the page was there.
        self.document.js_on_event(DocumentReady, view.unpack)

    def change(self, name: str, text: str) -> None:
        """Take a field's new text."""
        base, name, text = with_choice(self.state, name, text)
        found = read({name: text}, base)
        self.errors.pop(name, None)
        self.errors |= found.errors
        if found.errors:
            self._tell()
            return
        self._take(found.state)

    def _take(self, state: State) -> None:
        """Take another state."""
        if state != self.state:
            self.state = state
            self.update()
        else:
            self._tell()

    def update(self) -> None:
        """Have the picture of the state computed and shown, unless another is asked for meanwhile."""
        if self._tell():
            self.busy.text = ""
            return
        state = self.state
        self.asked += 1
        asked = self.asked
        self.busy.text = BUSY
        self._compute(
            lambda: picture_at_once(state),
            lambda found: self._show(asked, found),
            lambda: asked == self.asked,
        )
        if depends_on(state) != self.ground_of:
            self.ground_of = depends_on(state)
            wanted = self.ground_of
            self.view.figures["diagram"].title.text = "computing …"
            self._compute(
                lambda: diagram(state),
                lambda found: self._show_ground(wanted, found),
                lambda: wanted == self.ground_of,
            )

    def _compute(
        self, work: Callable[[], Any], then: Callable[[Any], None], wanted: Callable[[], bool] = lambda: True
    ) -> None:
        """Compute something aside, if it is still wanted, and do something with it in this visitor's turn."""

        def worked() -> Any:
            return work() if wanted() and not self.gone else None

        def finish(future: Any) -> None:
            if self.gone or future.cancelled():
                return
            error = future.exception()
            if error is None and future.result() is None:
                return

            def shown() -> None:
                if self.gone:
                    return
                if error is None:
                    then(future.result())
                else:
                    self._failed(error)

            self.document.add_next_tick_callback(shown)

        def done(future: Any) -> None:
            # In the server's own thread, where alone the visitor's document may come to its end.
            if self.loop is None:
                finish(future)
            else:
                self.loop.add_callback(finish, future)

        self.executor.submit(worked).add_done_callback(done)

    def _failed(self, error: BaseException) -> None:
        """Say that nothing could be computed; what was drawn stays."""
        if not isinstance(error, (ValueError, TypeError)):
            LOG.error("explorer: %s", query(self.state), exc_info=error)
        self.status.text = f"<p {ALERT}>{escape(str(error) or type(error).__name__)}</p>"
        self.busy.text = ""

    def _show(self, asked: int, found: Picture) -> None:
        if asked != self.asked:
            return
        with _Quiet(self):
            panels.fill(self.view, found)
        self.ends.text = ends_table(found)
        self.busy.text = ""

    def _show_ground(self, wanted: tuple[Any, ...], found: Diagram) -> None:
        if wanted == self.ground_of:
            panels.fill_ground(self.view, found)

    def _tell(self) -> bool:
        """Show the state in fields, URL and recipes, errors beside the fields; say whether there are any."""
        wrong = check(self.state)
        told = texts(self.state)
        with _Quiet(self):
            for name, control in self.controls.items():
                error = self.errors.get(name) or wrong.get(name, "")
                if name in self.errors:
                    fields.say(control, error)
                    continue
                own = ";" in self.state.target
                text = {
                    "target": fields.OWN if own else told["target"],
                    fields.OWN: told["target"] if own else "",
                }
                fields.show(control, text.get(name, told.get(name, "")), error)
            self.view.moment.value = self.state.at
        self.address.text = query(self.state)
        unknown = [f"{name}: {error}" for name, error in self.errors.items() if name not in self.controls]
        self.status.text = "".join(f"<p {ALERT}>{escape(text)}</p>" for text in unknown)
        if not wrong:
            self.python.value, self.command.value = as_python(self.state), as_command(self.state)
        return bool(wrong)

    def _tap(self, event: Any) -> None:
        if event.x is not None and event.y is not None:
            self._take(moved(self.state, event.x, event.y))

    def _key(self, attribute: str, old: object, new: str) -> None:
        """Move the start by a key: a step of the plane, ten with shift."""
        across, up, *_ = (*new.split(","), "0", "0")
        names = self.state.axes
        try:
            steps = [float(part) for part in (across, up)]
        except ValueError:
            return
        sizes = [(REACH[name][1] - REACH[name][0]) / 100 for name in names]
        now = [getattr(self.state, name) if name == "b2" else getattr(self.state, name)[0] for name in names]
        place = [value + size * step for value, size, step in zip(now, sizes, steps, strict=True)]
        self._take(moved(self.state, *place))

    def _moment(self, attribute: str, old: object, new: float) -> None:
        self.change("at", repr(float(new)))

    def _knots(self, attribute: str, old: object, new: Mapping[str, Any]) -> None:
        if not self.quiet and ";" in self.state.target:
            self.change("target", dragged(self.state, new["x"], new["y"]))

    def _draw(self) -> None:
        count, seed = int(self.count.value or 1), int(self.seed.value or 0)
        self._take(drawn(self.state, str(self.rule.value), min(max(count, 1), 20), max(seed, 0)))

    @property
    def _preset(self) -> Any:
        return next(preset for preset in PRESETS if preset.key == self.preset.value)

    def _choose(self, attribute: str, old: object, new: str) -> None:
        self.save.visible = self.fail.visible = bool(new)
        if not new:
            self.story.text = ""
            return
        self.story.text = self._preset.html
        self.errors.clear()
        self._take(self._preset.state)

    def _printer(self, kind: str) -> Callable[[], None]:
        # Not a function with a default: Bokeh would give it the event.
        return lambda: self._print(kind)

    def _print(self, kind: str) -> None:
        state = self.state

        def shown(content: bytes) -> None:
            text = base64.b64encode(content).decode()
            self.file.text = f"gradflow.{kind} {text}"

        if not check(state):
            self._compute(lambda: figure_bytes(state, kind), shown)


class _Quiet:
    """A while in which changes of the models are no wishes of the visitor's."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def __enter__(self) -> None:
        self.session.quiet += 1

    def __exit__(self, *error: object) -> None:
        self.session.quiet -= 1


_REPLACE = """
// A little later: browsers refuse more than some changes a second, and a slider makes them.
clearTimeout(window.gradflowAddress);
window.gradflowAddress = setTimeout(() => {
  history.replaceState(null, '', cb_obj.text ? '?' + cb_obj.text : location.pathname);
}, 150);
"""
