"""Importing gradflow and simulating loads neither SymPy nor Matplotlib."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("sympy", "matplotlib", "torch", "numba", "cupy", "typer", "rich", "zarr", "distributed")


def loaded(code: str) -> set[str]:
    """Return the names of all modules that a fresh interpreter has loaded after running some code."""
    code = f"import sys\n{code}\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


SIMULATING = """
import gradflow as g; g.loss(g.Neuron())
g.gradient_flow(t_end=1.0); g.descend(steps=3); g.hessian(g.Neuron())
g.train(g.Neuron(), g.Problem(), g.Adam(), 3); import gradflow.ends
import gradflow.store, gradflow.cluster, gradflow.field
"""


def test_of_modules() -> None:
    modules = loaded(SIMULATING)
    assert "gradflow.field" in modules
    assert modules.isdisjoint(HEAVY)


def test_the_package_alone_loads_nothing_of_itself() -> None:
    modules = loaded("import gradflow; gradflow.__version__; dir(gradflow)")
    assert {name for name in modules if name.startswith("gradflow")} == {"gradflow"}
    assert modules.isdisjoint({"numpy", "scipy", "xarray", *HEAVY})


def test_the_command_line_simulates_without_them() -> None:
    commands = [["--help"], ["flow", "--t-end", "0"], ["train", "--steps", "1"]]
    modules = loaded(f"import gradflow.cli; assert not any([gradflow.cli.run(c) for c in {commands!r}])")
    assert "gradflow.cli.app" in modules
    assert modules.isdisjoint({"sympy", "matplotlib", "torch"})


def test_every_public_name_is_there() -> None:
    import gradflow

    for name in gradflow.__all__:
        assert getattr(gradflow, name).__name__ == name
        assert name in dir(gradflow)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = gradflow.nothing
