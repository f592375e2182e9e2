"""Figures of examples for sphinx-gallery, which by itself sees those of pyplot only."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from gradflow.study.figures.style import style

DPI = 160
"""Dots an inch of a picture in the gallery."""

_DRAWN = "_gradflow_in_gallery"


def scraper(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Save the figures that a cell has left under a name, each once, and return their reStructuredText.

    Parameters
    ----------
    block, block_vars, gallery_conf
        As sphinx-gallery gives them to an entry of ``image_scrapers``.
    """
    from sphinx_gallery.scrapers import figure_rst

    paths = []
    for value in block_vars["example_globals"].values():
        if isinstance(value, Figure) and not hasattr(value, _DRAWN):
            setattr(value, _DRAWN, True)
            path = next(block_vars["image_path_iterator"])
            with style():
                value.savefig(path, format="png", dpi=DPI)
            paths.append(path)
    told: str = figure_rst(paths, gallery_conf["src_dir"])
    return told
