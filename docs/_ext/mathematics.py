"""MathJax beside the pages: copied from a package, so that no page asks another machine for it."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PARTS = ("tex-chtml.js", "output/chtml/fonts/woff-v2")
"""The component that sets TeX in HTML, and the fonts that it asks for."""

# The menu would offer to load what is not here; assistive MathML is there without it.
CONFIGURATION = {
    "options": {"enableMenu": False},
    "chtml": {"mtextInheritFont": True},
    "tex": {"packages": {"[-]": ["require", "autoload"]}},
}


def copy(app: Any, error: Exception | None = None) -> None:
    """Copy MathJax into the pages' folder."""
    if error or app.builder.format != "html":
        return
    package = find_spec("mathjax")
    assert package is not None
    assert package.submodule_search_locations
    source = Path(next(iter(package.submodule_search_locations))) / "static" / "mathjax" / "es5"
    for part in PARTS:
        target = Path(app.outdir) / "_static" / "mathjax" / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if (source / part).is_dir():
            shutil.copytree(source / part, target, dirs_exist_ok=True)
        else:
            shutil.copyfile(source / part, target)


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.config.mathjax_path = "mathjax/tex-chtml.js"
    app.config.mathjax3_config = CONFIGURATION
    app.connect("build-finished", copy)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
