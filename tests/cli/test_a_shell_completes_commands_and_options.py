"""A shell is told how to complete, and is answered; a file that a command will replace is named."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from gradflow.cli import run
from gradflow.cli.app import program
from tests.cli.command import PROGRAM, ROOT


def completed(words: str) -> list[str]:
    asked = {"_GRADFLOW_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    done = subprocess.run(PROGRAM, env=os.environ | asked, capture_output=True, text=True, check=False)
    return done.stdout.split()


@pytest.mark.slow
def test_commands_and_options_are_completed() -> None:
    assert completed("gradflow tr") == ["train"]
    assert "--optimizer" in completed("gradflow train --op")


OFFERED = {
    "train --optimizer ad": ["adam", "adamw"],
    "threshold --method f": ["flow"],
    "flow --activation si": ["silu"],
    "flow --teacher-activation leaky": ["leaky-relu="],
    "basins --backend num": ["numpy", "numba"],
    "train --loss log": ["logistic"],
    "align --method l": ["limit"],
    "align --data two": ["two-points"],
    "align --loss sq": ["squared"],
    "align --start g": ["gaussian"],
    "flow --law n": ["normal"],
    "flow --target st": ["step"],
    "threshold --vary b": ["b1", "b2"],
    "reproduce --only obs0.h": ["obs0.hyperactive"],
    "derive bal": ["balancedness"],
    "derive 35": ["35"],
    "train --out no-such": [],
}


@pytest.mark.parametrize("words", OFFERED)
def test_names_are_completed(words: str) -> None:
    name, *_, incomplete = words.split()
    option = words.split()[1] if words.count(" ") > 1 else ""
    command = program().commands[name]
    (parameter,) = (
        one for one in command.params if (option in one.opts if option else one.param_type_name == "argument")
    )
    context = command.make_context(name, [], resilient_parsing=True)
    offered = parameter.shell_complete(context, incomplete)
    assert [item.value for item in offered if item.type != "file"] == OFFERED[words]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes_once_it_is_told_to(tmp_path: Path) -> None:
    """As a user does: install, open another shell, and press Tab."""
    program_ = tmp_path / "bin" / "gradflow"
    program_.parent.mkdir()
    program_.write_text(f'#!/bin/sh\nexec {shlex.join(PROGRAM)} "$@"\n')
    program_.chmod(0o755)
    home = os.environ | {
        "HOME": str(tmp_path),
        "PATH": f"{program_.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }

    def bash(script: str) -> str:
        line = ["bash", "-c", script]
        done = subprocess.run(line, env=home, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    # The program asks which shell called it: one that ends with it is replaced by it.
    bash("gradflow --install-completion && :")
    found = bash(
        "source ~/.bashrc; COMP_WORDS=(gradflow train --optimizer ad); COMP_CWORD=3;"
        " _gradflow_completion gradflow ad --optimizer; echo ${COMPREPLY[*]}"
    )
    assert found.split() == ["adam", "adamw"]


@pytest.mark.slow
def test_the_script_for_a_shell_is_printed() -> None:
    asked = os.environ | {"_GRADFLOW_COMPLETE": "source_bash"}
    done = subprocess.run(PROGRAM, env=asked, capture_output=True, text=True, check=False)
    assert "complete -o default -F _gradflow_completion gradflow" in done.stdout


def test_a_file_that_will_be_replaced_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = ["train", "--steps", "1", "--b2", "1", "--out", str(tmp_path / "run.nc")]
    assert run(line) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert run(line) == 0
    assert f"--out: {str(tmp_path / 'run.nc')!r} is there and will be replaced" in capsys.readouterr().err
