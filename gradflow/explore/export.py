"""The explorer as one page that opens from a file: the famous failures, computed beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from bokeh.embed import file_html
from bokeh.layouts import column, row
from bokeh.models import Button, ColumnDataSource, CustomJS, Div, RadioButtonGroup, Select
from bokeh.resources import INLINE
from bokeh.themes import Theme

from gradflow.base.files import whole_file
from gradflow.explore import view as panels
from gradflow.explore.diagram import diagram
from gradflow.explore.frames import picture
from gradflow.explore.look import THEME
from gradflow.explore.page import PLAY, REWIND, TITLE, TOGGLE, ends_table, legend, template
from gradflow.explore.presets import PRESETS, Preset

NAME = "explorer.html"

WAYS = ("the failure", "saved")

SHOW = """
const k = 2 * keys.indexOf(preset.value) + way.active;
told.forEach((one, i) => { one.text = texts[k][i]; });
axes.forEach((one, i) => { one.axis_label = labels[k][i]; });
diagram.title.text = labels[k][axes.length];
shown.title.text = labels[k][axes.length + 1];
ranges.forEach((one, i) => { [one.start, one.end] = reach[k][i]; });
moment.value = 1;
sources.forEach((one, i) => { one.data = sets[k][i].data; });
location.replace('#' + preset.value + (way.active ? '!' : ''));
"""


def write_page(folder: Path, presets: Sequence[Preset] = PRESETS) -> Path:
    """Write the page into a folder, which is made if it is not there, and return its path.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    folder.mkdir(exist_ok=True)
    path = folder / NAME
    with whole_file(path) as temporary:
        temporary.write_text(page(presets), encoding="utf-8")
    return path


def page(presets: Sequence[Preset] = PRESETS) -> str:
    """Return the page as text, everything in it."""
    return str(
        file_html(
            models(presets),
            resources=INLINE,
            title=TITLE,
            template=template(),
            template_variables={"live": False, "legend": legend()},
            theme=Theme(json=THEME),
        )
    )


def models(presets: Sequence[Preset] = PRESETS) -> list[Any]:
    """Return what stands on the page."""
    view = panels.build()
    states = [state for preset in presets for state in (preset.state, preset.saved)]
    pictures, grounds = [picture(state) for state in states], [diagram(state) for state in states]
    sets = []
    for found, ground in zip(pictures, grounds, strict=True):
        columns = panels.data(found)
        at = [view.sources.index(source) for source in (view.ground, view.losses)]
        for i, data in zip(at, panels.ground_data(ground), strict=True):
            columns[i] = data
        sets.append([ColumnDataSource(_light(one)) for one in columns])
    panels.fill(view, pictures[0], at_first=True)
    panels.fill_ground(view, grounds[0])
    ends, status, toggle = (Div(text="", name=name) for name in ("ends", "status", "toggle"))
    ends.text, toggle.visible = ends_table(pictures[0]), False
    story = Div(text=presets[0].html, name="story", sizing_mode="stretch_width")
    choice = Select(
        title="famous failures", name="preset", sizing_mode="stretch_width", value=presets[0].key,
        options=[(preset.key, preset.title) for preset in presets],
    )  # fmt: skip
    way = RadioButtonGroup(labels=list(WAYS), active=0, name="way")
    play, rewind = (Button(label=text, name=text.split()[-1]) for text in ("▶ play", "rewind"))
    play.js_on_click(CustomJS(args={"toggle": toggle}, code=TOGGLE))
    toggle.js_on_change("text", CustomJS(args={"moment": view.moment, "button": play}, code=PLAY))
    rewind.js_on_click(CustomJS(args={"moment": view.moment}, code=REWIND))
    figures = view.figures
    show = CustomJS(
        args={
            "preset": choice, "way": way, "keys": [preset.key for preset in presets],
            "told": [story, ends], "moment": view.moment, "sources": view.sources, "sets": sets,
            "texts": [[presets[k // len(WAYS)].html, ends_table(found)] for k, found in enumerate(pictures)],
            "diagram": figures["diagram"], "shown": figures["shown"],
            "axes": [figures["diagram"].xaxis[0], figures["diagram"].yaxis[0], figures["shown"].yaxis[0]],
            "labels": [
                [*panels.labels(found.state), panels.title_of(ground), found.state.shown]
                for found, ground in zip(pictures, grounds, strict=True)
            ],
            "ranges": [figures["diagram"].x_range, figures["diagram"].y_range],
            "reach": [[list(end) for end in panels.ranges(state)] for state in states],
        },
        code=SHOW,
    )  # fmt: skip
    choice.js_on_change("value", show)
    way.js_on_change("active", show)
    return [
        *figures.values(),
        row(play, rewind, view.moment, name="moments", sizing_mode="stretch_width"),
        column(choice, way, story, name="presets", sizing_mode="stretch_width"),
        ends,
        status,
        toggle,
    ]


def _light(columns: dict[str, Any]) -> dict[str, Any]:
    """Return columns in single precision, which is more than a screen shows."""

    def light(values: Any) -> Any:
        if isinstance(values, np.ndarray) and values.dtype == np.float64:
            return values.astype(np.float32)
        return [light(value) for value in values] if isinstance(values, list) else values

    return {name: light(values) for name, values in columns.items()}
