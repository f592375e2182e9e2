"""The source distribution and the wheel are built, are well described, and the wheel works by itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

from gradflow import __version__

ROOT = Path(__file__).parents[2]


def test_what_is_cited_is_this_version() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["cff-version"] == "1.2.0"
    assert {"message", "title", "authors", "license"} <= set(cited)
    assert str(cited["version"]) == __version__
    assert f"\n## {__version__}\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("BSD 3-Clause License")


@pytest.mark.slow
def test_a_wheel_is_built_from_the_source_distribution_and_works(tmp_path: Path) -> None:
    pytest.importorskip("build", reason="install .[dev]")
    pytest.importorskip("twine", reason="install .[dev]")
    dist = tmp_path / "dist"
    _run(sys.executable, "-m", "build", "--outdir", str(dist), str(ROOT))
    source, wheel = sorted(dist.iterdir(), key=lambda path: path.suffix)
    assert source.name == f"gradflow_sim-{__version__}.tar.gz"
    _run(sys.executable, "-m", "twine", "check", "--strict", str(source), str(wheel))
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "CITATION.cff", "CHANGELOG.md", "README.md", "examples/01_one_neuron.py"} <= names
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
        names = set(archive.namelist())
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any(name.startswith(("tests/", "examples/")) for name in names)
    code = "import gradflow; print(gradflow.__file__); from gradflow.cli import main; main(['derive'])"
    told = _run(sys.executable, "-c", code, cwd=tmp_path, path=tmp_path / "installed")
    assert str(tmp_path / "installed") in told
    assert "population_loss" in told
    example = ROOT / "examples" / "01_one_neuron.py"
    assert "flow: global" in _run(sys.executable, str(example), cwd=tmp_path, path=tmp_path / "installed")


def _run(*command: str, cwd: Path | None = None, path: Path | None = None) -> str:
    environment = os.environ | ({"PYTHONPATH": str(path)} if path else {})
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout
