"""Pieces of the page: what runs in the browser, and the table of ends."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from gradflow.explore.frames import Picture
from gradflow.explore.look import GROUND, LINES
from gradflow.explore.tasks import label

TITLE = "gradflow: what training does to a ReLU neuron"

PLAY = """
// Plays from where it is, or anew from the start; without motion it shows the end at once.
const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
if (button.tags.length && button.tags[0]) {
  cancelAnimationFrame(button.tags[0]); button.tags = [0]; button.label = '▶ play';
  return;
}
if (still) { moment.value = moment.value < 1 ? 1 : 0; return; }
const from = moment.value >= 1 ? 0 : moment.value, began = performance.now(), whole = 5000;
const step = (when) => {
  const place = Math.min(1, from + Math.max(0, when - began) / whole);
  moment.value = place;
  if (place < 1) { button.tags = [requestAnimationFrame(step)]; }
  else { button.tags = [0]; button.label = '▶ play'; }
};
button.label = '⏸ pause';
button.tags = [requestAnimationFrame(step)];
"""

TOGGLE = "toggle.text = `button ${performance.now()}`;"

REWIND = "moment.value = 0;"

COPY = """
const old = button.label;
const done = () => { button.label = 'copied'; setTimeout(() => { button.label = old; }, 1500); };
if (navigator.clipboard && window.isSecureContext) { navigator.clipboard.writeText(text.value).then(done); }
else {
  const area = document.createElement('textarea');
  area.value = text.value; document.body.append(area); area.select();
  document.execCommand('copy'); area.remove(); done();
}
"""

DOWNLOAD = """
const [name, data] = cb_obj.text.split(' ');
if (data) {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([bytes])); link.download = name;
  document.body.append(link); link.click(); link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  // The same figure may be asked for again.
  cb_obj.text = '';
}
"""

# What is there at once is not announced.
BUSY = (
    "<style>@keyframes late { to { visibility: visible; } }"
    " p { margin: 0; padding: 2px 8px; background: #fff3bf; border: 1px solid #8a8a8a; font-size: 15px;"
    " visibility: hidden; animation: late 0s 0.3s forwards; }</style><p>computing …</p>"
)
"""The words shown while a picture is computed."""

ENDS_LABEL = "where they are at the end of the axis"

# Models have their own styles: those of the page do not reach them.
_TABLE = (
    "<style>table { border-collapse: collapse; font-size: 15px; } th { text-align: left; font-weight: 500; }"
    " caption { text-align: left; font-weight: 600; white-space: nowrap; }"
    " td, th { padding: 3px 16px 3px 0; }</style>"
)


@cache
def template() -> Any:
    """Return the page's template, of Jinja."""
    from bokeh.core.templates import get_env

    return get_env().from_string((files("gradflow.explore") / "page.html").read_text(encoding="utf-8"))


def ends_table(picture: Picture) -> str:
    """Return where the runs end, as a table of HTML."""
    rows = []
    for run, look in zip(picture.runs, LINES, strict=True):
        ended = f"{run.outcome}, proved to last ({run.decided_by})" if run.decided_by else run.outcome
        line = (
            f'<svg width="44" height="10" aria-hidden="true"><line x1="0" y1="5" x2="44" y2="5" '
            f'stroke="{look.color}" stroke-width="{look.width}" '
            f'stroke-dasharray="{look.dash.replace("solid", "")}"/></svg>'
        )
        rows.append(
            f"<tr><th>{line} {escape(label(run.name))}</th><td>{run.loss[-1]:.4g}</td>"
            f"<td>{escape(ended)}</td></tr>"
        )
    head = f"<caption>{ENDS_LABEL}</caption><tr><th>run</th><th>loss</th><th>outcome</th></tr>"
    return f'{_TABLE}<table class="ends">{head}{"".join(rows)}</table>'


def legend() -> str:
    """Return what the colours behind the trajectories mean, as HTML."""
    return (
        '<p class="legend">'
        + " ".join(
            f'<span><i style="background:{color}"></i>{escape(name)}</span>' for name, color in GROUND.items()
        )
        + "</p>"
    )
