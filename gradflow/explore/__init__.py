"""The explorer: pictures of flow and optimisers from the same start, in a browser.

Pure functions beneath, which need no browser: `state` (what is shown, as a URL), `tasks` (its problem and
methods), `trajectories`, `diagram`, `frames` (what is drawn), `edits`, `presets`, `recipe` (Python and
commands that give the same). On top a thin layer of Bokeh, the extra `explore`.
"""

from gradflow.explore.presets import PRESETS, Preset
from gradflow.explore.recipe import as_command, as_python
from gradflow.explore.state import State, query, read, read_query
from gradflow.explore.trajectories import Run, runs

__all__ = [
    "PRESETS",
    "Preset",
    "Run",
    "State",
    "as_command",
    "as_python",
    "query",
    "read",
    "read_query",
    "runs",
]
