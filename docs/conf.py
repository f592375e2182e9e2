"""How the documentation is built: `python -m sphinx -W -b html docs docs/_build/html`, in an environment with `.[docs]`.

Nothing is asked of another machine, neither by the build nor by a page: the theme's fonts are those of the
reader's system, MathJax comes from a package and is copied beside the pages (`_ext/mathematics.py`), and links are
checked only inside the site: whatever a page links to elsewhere cannot be reached here.
"""

from __future__ import annotations

import os
import sys
import warnings
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))
os.environ.setdefault("MPLBACKEND", "agg")

from gradflow import __version__  # noqa: E402

# Figures of gradflow are no pyplot's, which is all that sphinx-gallery sees by itself.
SCRAPER = "gradflow.study.figures.gallery"
scraper = import_module(SCRAPER).scraper if find_spec(SCRAPER) else "matplotlib"

project = "gradflow"
author = "The gradflow developers"
copyright = author
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "numpydoc",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "mathematics",
    "reference",
    "theorems",
    "claims",
    "pages",
    # After the pages above, whose mistakes are found at once.
    "sphinx_gallery.gen_gallery",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = [
    "_build",
    "_ext",
    "lessons",
    "**/*.ipynb",
    "**/README.*",
    "sg_execution_times.rst",
    "**/sg_execution_times.rst",
]
default_role = "py:obj"
nitpicky = False
# |x| in prose is an absolute value.
rst_prolog = r".. |x| replace:: \|x\|"
# numpydoc's references are entries of a list; not every one is cited by its number.
suppress_warnings = ["config.cache", "ref.citation"]

myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "deflist", "attrs_block"]
myst_heading_anchors = 3
myst_dmath_double_inline = True

autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
numpydoc_show_class_members = False

html_theme = "furo"
html_title = f"gradflow {__version__}"
html_static_path = ["_static"]
html_css_files = ["gradflow.css"]
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
templates_path = ["_templates"]
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b5394", "color-brand-content": "#0b5394"},
    "dark_css_variables": {"color-brand-primary": "#7fb2e5", "color-brand-content": "#7fb2e5"},
}

# Links to other sites cannot be followed here; `-b linkcheck` looks at the ones inside the site.
linkcheck_ignore = [r"https?://.*"]

sphinx_gallery_conf = {
    "examples_dirs": ["lessons", *(["../examples"] if any((HERE / "../examples").glob("*.py")) else [])],
    "gallery_dirs": ["tutorials", *(["gallery"] if any((HERE / "../examples").glob("*.py")) else [])],
    "filename_pattern": r"\.py$",
    "ignore_pattern": r"__init__\.py",
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": True,
    "show_memory": False,
    "show_signature": False,
    "remove_config_comments": True,
    "plot_gallery": "True",
    "abort_on_example_error": True,
    "default_thumb_file": None,
    "min_reported_time": 10_000,
    "copyfile_regex": r".*\.csv",
    # A figure is shown as a picture.
    "ignore_repr_types": r".*Figure.*",
    "image_scrapers": (scraper,),
    "matplotlib_animations": False,
}
warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"sphinx_gallery.*")
