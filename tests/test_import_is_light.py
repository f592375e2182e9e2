"""Importing gradflow and simulating loads neither SymPy nor Matplotlib."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gradflow.__main__ import main
from tests.cli.test_figures_are_drawn_where_asked import LINES

HEAVY = ("sympy", "matplotlib", "torch", "numba", "cupy", "typer", "rich", "zarr", "distributed")


ALONE = {"gradflow", "gradflow.base", "gradflow.base.version"}


def loaded(code: str) -> set[str]:
    """Return the names of all modules that a fresh interpreter has loaded after running some code."""
    code = f"import sys\n{code}\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


SIMULATING = """
import gradflow as g; g.loss(g.Neuron()); g.field.loss(g.Neuron())
g.gradient_flow(t_end=1.0); g.train(steps=3); g.hessian(g.Neuron())
g.train_arrays(g.Neuron(), g.Problem(), g.Adam(), 3); import gradflow.ends
import gradflow.sweeps.store, gradflow.sweeps.cluster, gradflow.field
"""


def test_of_modules() -> None:
    modules = loaded(SIMULATING)
    assert "gradflow.field" in modules
    assert modules.isdisjoint(HEAVY)


def test_the_package_alone_loads_nothing_of_itself() -> None:
    modules = loaded("import gradflow; gradflow.__version__; dir(gradflow); dir(gradflow)")
    assert {name for name in modules if name.startswith("gradflow")} == ALONE
    assert modules.isdisjoint({"numpy", "scipy", "xarray", *HEAVY})


def test_the_command_line_simulates_without_them() -> None:
    lines = ("--help", *(LINES[name] for name in ("a flow", "no step", "a threshold", "a plane")))
    commands = [line.split() for line in lines]
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


def test_modules_are_there_without_an_import_of_their_own() -> None:
    code = """
import gradflow as gf
assert callable(gf.study.figures.loss_curves) and callable(gf.theory.energy.barriers)
assert gf.proofs.catalogue.__name__ == "gradflow.proofs.catalogue"
assert callable(gf.networks.two_layer.gradient_flow) and callable(gf.networks.deep.train)
assert gf.ends.outcome.OUTCOMES
assert gf.descent.Adam is gf.Adam and gf.runs.crossings is gf.crossings
"""
    assert "gradflow.study.figures" in loaded(code)


def test_dir_shows_what_people_want_and_no_more() -> None:
    import gradflow

    shown = [name for name in dir(gradflow) if not name.startswith("__")]
    assert set(gradflow.__all__) <= set(shown)
    assert {"Any", "annotations", "import_module", "TYPE_CHECKING"}.isdisjoint(shown)
    assert not [name for name in shown if name.startswith("_")]
    assert "__version__" in dir(gradflow)
    for name in shown:
        assert getattr(gradflow, name) is not None
    for package in (gradflow.theory, gradflow.proofs):
        for name in dir(package):
            assert getattr(package, name).__name__ == f"{package.__name__}.{name}"
        with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
            _ = package.nothing


def test_the_package_is_a_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gradflow", "flow", "--t-end", "0", "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["outcome"] == "global"


def test_alone_it_ends_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["gradflow"])
    # The tests' own interrupt stays.
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit) as ended:
        main()
    assert (ended.value.code, capsys.readouterr().err.count("\n")) == (2, 1)


def test_no_hint_names_a_package_index() -> None:
    root = Path(__file__).parents[1]
    wrong = re.compile(r"pip install (-\w+ )*['\"]?gradflow")
    for folder in ("gradflow", "benchmarks", "docs", "examples", "plots", "derivations"):
        for path in (root / folder).rglob("*"):
            if not {"_build", "gallery"} & set(path.parts) and path.suffix in (".py", ".md"):
                assert not wrong.search(path.read_text(encoding="utf-8")), path
    assert not wrong.search((root / "README.md").read_text(encoding="utf-8"))
