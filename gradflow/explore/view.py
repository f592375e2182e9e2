"""The four panels in Bokeh, and what fills them: a thin layer on `gradflow.explore.frames`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from bokeh.core.properties import value
from bokeh.models import (
    ColumnDataSource,
    CustomJS,
    CustomJSHover,
    HoverTool,
    LinearColorMapper,
    PointDrawTool,
    Slider,
    Span,
)
from bokeh.plotting import figure

from gradflow.ends.outcome import OUTCOMES
from gradflow.explore.diagram import REACH, Diagram
from gradflow.explore.frames import LOWEST, Picture, knots, near
from gradflow.explore.look import GROUND, LINES, LOSSES, TARGET, Line
from gradflow.explore.state import State
from gradflow.explore.tasks import label, reach

HEIGHT = 330

TOOLS = "pan,wheel_zoom,box_zoom,reset"

UNPACK = """
// All that a picture fills, in one go: what is drawn is drawn once.
const sets = inbox.args.sets ?? [];
sets.forEach((set, i) => { if (set) sources[i].data = set instanceof Map ? Object.fromEntries(set) : set; });
"""
"""Takes a picture out of the inbox."""

ADVANCE = """
// The state at the moment of the slider, of every run.
for (let i = 0; i < curves.length; i++) {
  const c = curves[i].data, n = c.t.length;
  if (n === 0) continue;
  const when = moment.value * horizon.data.t[0];
  let k = 0;
  while (k + 1 < n && c.t[k + 1] <= when * (1 + 1e-9)) k++;
  const f = frames[i].data, size = f.x.length / n;
  students[i].data = {x: Array.from(f.x.slice(k * size, (k + 1) * size)),
                      y: Array.from(f.y.slice(k * size, (k + 1) * size))};
  dots[i].data = {t: [c.t[k]], loss: [c.loss[k]], across: [c.across[k]], up: [c.up[k]]};
}
now.location = moment.value * horizon.data.t[0];
later.location = now.location;
"""
"""Moves everything to the moment of the slider; the page needs no server for it."""


@dataclass
class View:
    """Figures and the sources that fill them; lists have an entry a run."""

    figures: dict[str, Any]
    curves: list[ColumnDataSource]
    shown: list[ColumnDataSource]
    frames: list[ColumnDataSource]
    target: ColumnDataSource
    knots: ColumnDataSource
    ground: ColumnDataSource
    losses: ColumnDataSource
    levels: ColumnDataSource
    horizon: ColumnDataSource
    students: list[ColumnDataSource]
    dots: list[ColumnDataSource]
    moment: Slider
    draw: PointDrawTool
    inbox: CustomJS
    unpack: CustomJS

    @property
    def sources(self) -> list[ColumnDataSource]:
        """All sources that a picture fills, in a fixed order."""
        one = [self.target, self.knots, self.ground, self.losses, self.levels, self.horizon]
        # What moves the moment is told last, when all else is there.
        return [*one, *self.shown, *self.frames, *self.students, *self.dots, *self.curves]


def build() -> View:
    """Return the four panels, empty."""
    runs = range(len(LINES))
    curves = [ColumnDataSource({"t": [], "loss": [], "across": [], "up": [], "name": []}) for _ in runs]
    shown = [ColumnDataSource({"xs": [], "ys": [], "name": [], "neuron": []}) for _ in runs]
    frames = [ColumnDataSource({"x": [], "y": []}) for _ in runs]
    students = [ColumnDataSource({"x": [], "y": []}) for _ in runs]
    dots = [ColumnDataSource({"t": [], "loss": [], "across": [], "up": []}) for _ in runs]
    target, points = ColumnDataSource({"x": [], "y": []}), ColumnDataSource({"x": [], "y": []})
    empty: dict[str, Any] = {name: [] for name in ("image", "x", "y", "dw", "dh")}
    ground, losses = ColumnDataSource(dict(empty)), ColumnDataSource(dict(empty))
    levels = ColumnDataSource({"x": [], "y": [], "text": [], "base": []})
    horizon = ColumnDataSource({"begin": [0.0], "t": [1.0], "lo": [-1.0], "hi": [1.0]})
    moment = Slider(
        start=0.0, end=1.0, step=0.005, value=1.0, title="moment, as a part of the axis", name="moment",
        sizing_mode="stretch_width",
    )  # fmt: skip
    now, later = (
        Span(dimension="height", line_color="#555555", line_dash="dotted", line_width=1.5) for _ in range(2)
    )
    figures = {
        "diagram": _diagram(ground, losses, curves, dots),
        "function": _function(target, points, students),
        "loss": _loss(curves, dots, levels, now),
        "shown": _shown(shown, horizon, later),
    }
    advance = CustomJS(
        args={
            "curves": curves, "frames": frames, "students": students, "dots": dots,
            "moment": moment, "horizon": horizon, "now": now, "later": later,
        },
        code=ADVANCE,
    )  # fmt: skip
    moment.js_on_change("value", advance)
    curves[-1].js_on_change("data", advance)
    draw = next(tool for tool in figures["function"].tools if isinstance(tool, PointDrawTool))
    inbox = CustomJS(args={"sets": []}, code="", name="inbox")
    unpack = CustomJS(args={"inbox": inbox}, code=UNPACK)
    inbox.js_on_change("args", unpack)
    view = View(
        figures,
        curves,
        shown,
        frames,
        target,
        points,
        ground,
        losses,
        levels,
        horizon,
        students,
        dots,
        moment,
        draw,
        inbox,
        unpack,
    )
    unpack.args = {"inbox": inbox, "sources": view.sources}
    # Nothing that is drawn has it, and yet it belongs to the page.
    moment.tags = [inbox]
    for source in view.sources:
        # The page fills them by itself; only knots, which are dragged, the server wants to know of.
        source.syncable = source is points
    return view


def _figure(title: str, **options: Any) -> Any:
    made = figure(
        title=title, tools=TOOLS, height=HEIGHT, sizing_mode="stretch_width", toolbar_location="above",
        output_backend="canvas", **options,
    )  # fmt: skip
    made.toolbar.logo = None
    made.toolbar.autohide = True
    return made


def _diagram(ground: Any, losses: Any, curves: list[Any], dots: list[Any]) -> Any:
    made = _figure("where starts end", x_range=REACH["b1"], y_range=REACH["b2"], name="diagram")
    colors = LinearColorMapper(palette=tuple(GROUND.values()), low=-0.5, high=len(OUTCOMES) - 0.5)
    grey = LinearColorMapper(palette=LOSSES)
    one = made.image("image", "x", "y", "dw", "dh", source=ground, color_mapper=colors, level="image")
    two = made.image("image", "x", "y", "dw", "dh", source=losses, color_mapper=grey, level="image")
    names = CustomJSHover(code=f"return {list(OUTCOMES)!r}[Math.round(value)];")
    place = [("start", "$x{0.00}, $y{0.00}")]
    made.add_tools(
        HoverTool(
            renderers=[one], tooltips=[*place, ("ends", "@image{custom}")], formatters={"@image": names}
        ),
        HoverTool(renderers=[two], tooltips=[*place, ("log10 of the loss", "@image{0.00}")]),
    )
    made.grid.visible = False
    for look, curve, dot in zip(LINES, curves, dots, strict=True):
        # A pale edge keeps a line apart from dark ground.
        made.line("across", "up", source=curve, color="#ffffff", width=look.width + 2.4, alpha=0.8)
        made.line("across", "up", source=curve, color=look.color, width=look.width, line_dash=look.dash)
        _moment(made, "across", "up", dot, look)
    return made


def _moment(made: Any, x: str, y: str, dot: Any, look: Line) -> None:
    """Mark where a run is at the moment; the smaller marks lie in the larger ones."""
    made.scatter(
        x, y, source=dot, marker=look.marker, size=look.size, line_color=look.color, line_width=2.5,
        fill_color="#ffffff",
    )  # fmt: skip


def _function(target: Any, points: Any, students: list[Any]) -> Any:
    made = _figure("target and student", name="function")
    made.xaxis.axis_label, made.yaxis.axis_label = "input x", "output"
    made.line("x", "y", source=target, color=TARGET, width=7, alpha=0.45, legend_label="target")
    for look, student, name in zip(LINES, students, ("flow", "GD", "optimiser"), strict=True):
        made.line(
            "x",
            "y",
            source=student,
            color=look.color,
            width=look.width,
            line_dash=look.dash,
            legend_label=name,
        )
    dragged = made.scatter(
        "x", "y", source=points, size=14, color="#ffffff", line_color="#111111", line_width=2
    )
    dragged.visible = False
    made.add_tools(
        PointDrawTool(renderers=[dragged], add=False, drag=True, description="drag knots"),
        HoverTool(tooltips=[("x", "$x{0.000}"), ("y", "$y{0.000}")], line_policy="interp"),
    )
    legend = made.legend[0]
    legend.orientation, legend.click_policy, legend.border_line_color = "horizontal", "hide", None
    legend.spacing, legend.padding, legend.margin, legend.location = 14, 0, 2, "left"
    made.add_layout(legend, "above")
    return made


def _loss(curves: list[Any], dots: list[Any], levels: Any, now: Span) -> Any:
    made = _figure("loss", y_axis_type="log", name="loss")
    made.xaxis.axis_label, made.yaxis.axis_label = "η · step = time of the flow", "loss"
    made.hspan("y", source=levels, line_color="#8a8a8a", line_width=1.5)
    made.text(
        "x", "y", "text", source=levels, text_font_size="12px", text_color="#444444", text_baseline="base",
        text_align="right", x_offset=-4,
    )  # fmt: skip
    for look, curve, dot in zip(LINES, curves, dots, strict=True):
        drawn = made.line("t", "loss", source=curve, color=look.color, width=look.width, line_dash=look.dash)
        _moment(made, "t", "loss", dot, look)
        made.add_tools(
            HoverTool(
                renderers=[drawn], tooltips=[("", "@name"), ("η·step", "@t{0.000}"), ("loss", "@loss{0.00e}")]
            )
        )
    made.add_layout(now)
    return made


def _shown(shown: list[Any], horizon: Any, later: Span) -> Any:
    made = _figure("breakpoint", name="course")
    made.xaxis.axis_label, made.yaxis.axis_label = "η · step = time of the flow", "breakpoint −b1/w1"
    for wall in ("lo", "hi"):
        made.segment("begin", wall, "t", wall, source=horizon, line_color="#8a8a8a", line_width=1.5)
    for look, curve in zip(LINES, shown, strict=True):
        drawn = made.multi_line(
            "xs", "ys", source=curve, color=look.color, line_width=look.width, line_dash=look.dash
        )
        made.add_tools(
            HoverTool(
                renderers=[drawn],
                tooltips=[("", "@name, neuron @neuron"), ("η·step", "$x{0.000}"), ("value", "$y{0.0000}")],
            )
        )
    made.add_layout(later)
    return made


def data(picture: Picture) -> list[dict[str, Any]]:
    """Return the data of a picture for `View.sources` but the two grounds, which stay None there."""
    state, (x, y) = picture.state, picture.target
    across, up = state.axes
    dragged = knots(state) if ";" in state.target else ((), ())
    named = {
        "x": [state.t_end] * len(picture.levels),
        "y": list(picture.levels.values()),
        "text": list(picture.levels),
        "base": ["top", "bottom"][-len(picture.levels) :] if picture.levels else [],
    }
    # The ends of the input, between which a breakpoint matters; also where none is near.
    ends = reach(state) if state.shown == "breakpoint" else (np.nan, np.nan)
    one: list[Any] = [
        {"x": x, "y": y},
        {"x": list(dragged[0]), "y": list(dragged[1])},
        None,
        None,
        named,
        {"begin": [0.0], "t": [state.t_end], "lo": [ends[0]], "hi": [ends[1]]},
    ]
    shown, frames, students, dots, curves = [], [], [], [], []
    for run, frame in zip(picture.runs, picture.frames, strict=True):
        values = near(state, run)
        count = values.shape[0]
        name = label(run.name)
        shown.append(
            {
                "xs": [run.t] * count,
                "ys": list(values),
                "name": [name] * count,
                "neuron": list(range(1, count + 1)),
            }
        )
        # More digits than a screen shows, and most of what is sent.
        frames.append({axis: np.ravel(part).astype(np.float32) for axis, part in frame._asdict().items()})
        curves.append(
            {
                "t": run.t,
                "loss": np.maximum(run.loss, LOWEST),
                "across": run.parameter(across)[0],
                "up": run.parameter(up)[0],
                "name": [name] * run.t.size,
            }
        )
        k = int(np.searchsorted(run.t, state.at * state.t_end * (1.0 + 1e-9), side="right")) - 1
        students.append({"x": frame.x[k], "y": frame.y[k]})
        dots.append({column: curves[-1][column][k : k + 1] for column in ("t", "loss", "across", "up")})
    return [*one, *shown, *frames, *students, *dots, *curves]


def labels(state: State) -> tuple[str, str, str]:
    """Return what stands at the axes that change: the plane's two, and the fourth panel's vertical one."""
    of = " of neuron 1" if state.m > 1 else ""
    across, up = (name + (of if name != "b2" else "") for name in state.axes)
    return across, up, "breakpoint −b1/w1" if state.shown == "breakpoint" else state.shown


def ranges(state: State) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the part of the plane that is drawn."""
    across, up = state.axes
    return REACH[across], REACH[up]


def fill(view: View, picture: Picture, *, at_first: bool = False) -> None:
    """Show a picture, in one message, or put it `at_first` on a page that no browser has yet."""
    state = picture.state
    diagram, function, shown = (view.figures[name] for name in ("diagram", "function", "shown"))
    axes = (*diagram.xaxis, *diagram.yaxis, *shown.yaxis)
    for axis, text in zip(axes, labels(state), strict=True):
        axis.axis_label = text
    for drawn, ends in zip((diagram.x_range, diagram.y_range), ranges(state), strict=True):
        if (drawn.reset_start, drawn.reset_end) != ends:
            drawn.start, drawn.end = drawn.reset_start, drawn.reset_end = ends
    shown.title.text = state.shown
    last, name = function.legend.items[-1], label(state.optimizer)
    if last.label != {"value": name} and last.label != value(name):
        last.label = value(name)
    view.draw.renderers[0].visible = ";" in state.target
    columns: list[Any] = data(picture)
    at = view.sources.index(view.knots)
    if view.knots.data != columns[at]:
        view.knots.data = columns[at]
    columns[at] = None
    if at_first:
        for source, one in zip(view.sources, columns, strict=True):
            if one is not None:
                source.data = one
        return
    # What is at the moment the page finds by itself.
    for source in (*view.students, *view.dots):
        columns[view.sources.index(source)] = None
    view.inbox.args = {"sets": columns}


def ground_data(found: Diagram) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the data of the two grounds, outcomes and losses; one of them is empty."""
    dx, dy = found.x[1] - found.x[0], found.y[1] - found.y[0]
    # A pixel is about a start, not between two.
    columns = {
        "image": [found.values.astype(np.float32)],
        "x": [found.x[0] - dx / 2],
        "y": [found.y[0] - dy / 2],
        "dw": [found.x[-1] - found.x[0] + dx],
        "dh": [found.y[-1] - found.y[0] + dy],
    }
    empty: dict[str, Any] = {name: [] for name in columns}
    return (empty, columns) if found.of == "loss" else (columns, empty)


def title_of(found: Diagram) -> str:
    """Return what stands above the diagram."""
    return (
        "loss of every start: light is low"
        if found.of == "loss"
        else f"where starts end under {label(found.of)}"
    )


def fill_ground(view: View, found: Diagram) -> None:
    """Show what lies behind the trajectories."""
    view.ground.data, view.losses.data = ground_data(found)
    view.figures["diagram"].title.text = title_of(found)
