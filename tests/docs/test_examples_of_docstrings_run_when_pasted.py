"""Examples in the docstrings of public names need nothing but `import gradflow as gf`."""

from __future__ import annotations

import doctest
from types import ModuleType

import pytest

import gradflow as gf

PUBLIC = {
    f"{prefix}{name}": getattr(home, name)
    for prefix, home in (("gf.", gf), ("gf.figures.", gf.figures), ("gf.symbolic.", gf.symbolic))
    for name in dir(home)
    if not name.startswith("_") and not isinstance(getattr(home, name), ModuleType)
}
EXAMPLES = {
    name: found
    for name, thing in PUBLIC.items()
    if callable(thing) and str(getattr(thing, "__module__", "")).startswith("gradflow.")
    # Modules have the names that they import, too.
    if name.count(".") == 1 or thing is not getattr(gf, name.rpartition(".")[2], None)
    for found in doctest.DocTestFinder(recurse=False).find(thing, name, module=False, globs={"gf": gf})
    if found.examples
}
SHORT = ("gf.Neuron", "gf.Problem", "gf.Sample", "gf.Network", "gf.Knots", "gf.explain", "gf.symbolic.loss")


def test_what_is_used_most_has_examples() -> None:
    most = {"gf.train", "gf.gradient_flow", "gf.Neuron", "gf.Problem", "gf.Sample", "gf.Adam", "gf.basins"}
    assert most <= EXAMPLES.keys()


@pytest.mark.parametrize(
    "name", [name if name in SHORT else pytest.param(name, marks=pytest.mark.slow) for name in EXAMPLES]
)
def test_they_say_what_comes(name: str) -> None:
    told: list[str] = []
    doctest.DocTestRunner().run(EXAMPLES[name], out=told.append)
    assert told == []
