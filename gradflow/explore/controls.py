"""Fields of the explorer in Bokeh: a text or a choice each, sliders beside it, a place for its error."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from typing import Any, NamedTuple

from bokeh.layouts import column
from bokeh.models import Div, Select, Slider, TextInput

from gradflow.descent import OPTIMIZERS
from gradflow.explore.state import BACKDROPS, LAWS, SAME, SHOWN, TEACHER, text_of
from gradflow.neuron.activations import SMOOTH
from gradflow.neuron.targets import NAMED

OWN = "knots"
"""The choice of a target of one's own."""

ACTIVATIONS = ("relu", "leaky-relu=0.1", "leaky-relu=0.01", *SMOOTH, "abs", "linear")
PLANES = ("b1,b2", "w1,b1", "w2,b2", "w1,w2", "b1,w2", "w1,b2")

Changed = Callable[[str, str], None]
"""Called with a field's name and its new text."""


class Scale(NamedTuple):
    """A slider of one number of a field: its ends, its step, and whether it runs in powers of ten."""

    lo: float
    hi: float
    step: float
    title: str = ""
    log: bool = False

    def value(self, place: float) -> float:
        """Return the number at a place of the slider."""
        return float(f"{10.0**place:.3g}") if self.log else round(place, 10)

    def place(self, value: float) -> float:
        """Return the place of a number, the nearest one that the slider has."""
        place = math.log10(value) if self.log and value > 0 else self.lo if self.log else value
        return min(max(place, self.lo), self.hi)


class Row(NamedTuple):
    """A field: what stands above it, what may be chosen (a text if nothing), and its sliders."""

    title: str
    choices: tuple[str, ...] = ()
    scales: tuple[Scale, ...] = ()
    help: str = ""


_WEIGHT = Scale(-3.0, 3.0, 0.01)

SECTIONS: dict[str, dict[str, Row]] = {
    "start": {
        "w1": Row("w1", scales=(_WEIGHT,), help="of several neurons: numbers with commas between them"),
        "b1": Row("b1", scales=(_WEIGHT,)),
        "w2": Row("w2", scales=(_WEIGHT,)),
        "b2": Row("b2", scales=(_WEIGHT,)),
        "activation": Row("activation φ", ACTIVATIONS),
    },
    "target": {
        "target": Row("target", (TEACHER, *NAMED, OWN)),
        OWN: Row("knots x,y;x,y;…", help="or drag them in the panel of target and student"),
        "teacher": Row(
            "teacher w1,b1,w2,b2",
            scales=tuple(_WEIGHT._replace(title=name) for name in ("w1", "b1", "w2", "b2")),
        ),
        "teacher_activation": Row("the teacher's activation", (SAME, *ACTIVATIONS)),
        "law": Row("law of the inputs", LAWS),
        "interval": Row(
            "interval lo,hi", scales=(Scale(-5.0, 5.0, 0.05, "lo"), Scale(-5.0, 5.0, 0.05, "hi"))
        ),
    },
    "training": {
        "lr": Row("rate η of GD and the optimiser", scales=(Scale(-3.0, 1.0, 0.01, log=True),)),
        "optimizer": Row("optimiser", tuple(name for name in OPTIMIZERS if name != "gd")),
        "hyper": Row("its other hyper-parameters", help="such as beta2=0.99,eps=1e-3"),
        "t_end": Row("end of the axis η·step", scales=(Scale(-1.0, 4.0, 0.01, log=True),)),
    },
    "view": {
        "backdrop": Row("behind the trajectories", BACKDROPS),
        "plane": Row("plane of the diagram", PLANES),
        "shown": Row("fourth panel", SHOWN),
    },
}
"""The fields by the sections of the page."""


@dataclass
class Control:
    """A field's models."""

    name: str
    row: Row
    text: Any
    error: Div
    sliders: list[Slider] = field(default_factory=list)

    @property
    def models(self) -> list[Any]:
        """All of them, from top to bottom."""
        return [self.text, *self.sliders, self.error]


def build(changed: Changed, is_quiet: Callable[[], bool]) -> dict[str, Control]:
    """Return every field's models; a change by the user is told unless all is quiet."""
    return {
        name: _control(name, row, changed, is_quiet)
        for rows in SECTIONS.values()
        for name, row in rows.items()
    }


def _control(name: str, row: Row, changed: Changed, is_quiet: Callable[[], bool]) -> Control:
    options: dict[str, Any] = {"title": row.title, "name": name, "sizing_mode": "stretch_width"}
    if row.help:
        options["description"] = row.help
    text: Any = Select(options=list(row.choices), **options) if row.choices else TextInput(**options)
    error = Div(text="", visible=False, name=f"{name}-error", sizing_mode="stretch_width")
    made = Control(name, row, text, error)

    def typed(attribute: str, old: object, new: str) -> None:
        if not is_quiet():
            changed(name, str(new))

    text.on_change("value", typed)
    for i, scale in enumerate(row.scales):
        slider = Slider(
            start=scale.lo, end=scale.hi, step=scale.step, value=scale.lo, show_value=False,
            title=scale.title or None, name=f"{name}-slider-{i}", sizing_mode="stretch_width",
            bar_color="#0072b2",
        )  # fmt: skip

        def slid(attribute: str, old: object, new: float, i: int = i, scale: Scale = scale) -> None:
            if not is_quiet():
                parts = made.text.value.split(",")
                if i < len(parts):
                    parts[i] = text_of(scale.value(float(new)))
                    changed(name, ",".join(parts))

        slider.on_change("value", slid)
        made.sliders.append(slider)
    return made


def layout(section: str, controls: dict[str, Control]) -> Any:
    """Return a section's fields below one another."""
    models = [model for name in SECTIONS[section] for model in controls[name].models]
    return column(*models, name=f"{section}_fields", sizing_mode="stretch_width")


def show(control: Control, text: str, error: str = "") -> None:
    """Show a field's text and what is wrong with it."""
    if control.row.choices and text not in control.text.options:
        control.text.options = [*control.text.options, text]
    if control.text.value != text:
        control.text.value = text
    say(control, error)
    if error:
        return
    parts = text.split(",")
    for i, (slider, scale) in enumerate(zip(control.sliders, control.row.scales, strict=True)):
        # One slider would move the first of several neurons only.
        slider.visible = len(parts) == len(control.sliders)
        if slider.visible and scale.value(slider.value) != float(parts[i]):
            slider.value = scale.place(float(parts[i]))


def say(control: Control, error: str) -> None:
    """Say beside a field what is wrong with it; "" if nothing is."""
    told = escape(error, quote=False)
    control.error.text = f'<span style="color:#b00020" role="alert">{told}</span>' if error else ""
    control.error.visible = bool(error)
    control.text.styles = {"outline": "2px solid #b00020"} if error else {}
