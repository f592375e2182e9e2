"""Pages that stand elsewhere in the repository: the changelog, and the gallery where there are examples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reference import keep

NONE = "# Changelog\n\nThere is none yet.\n"


def write(app: Any) -> None:
    """Write the changelog as it stands in the repository."""
    source = Path(app.srcdir)
    changes = source.parent / "CHANGELOG.md"
    keep(source / "changelog.md", changes.read_text(encoding="utf-8") if changes.exists() else NONE)


def gallery(app: Any, name: str, source: list[str]) -> None:
    """Put the gallery in its place in the index."""
    if name == "index":
        there = "gallery" in app.config.sphinx_gallery_conf["gallery_dirs"]
        source[0] = source[0].replace("EXAMPLES\n", "gallery/index\n" if there else "")


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("builder-inited", write)
    app.connect("source-read", gallery)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
