"""A shell is told how to complete, and is answered; a file that a command will replace is named."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from gradflow.cli import run
from tests.cli.command import PROGRAM


def completed(words: str) -> list[str]:
    asked = {"_GRADFLOW_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    done = subprocess.run(PROGRAM, env=os.environ | asked, capture_output=True, text=True, check=False)
    return done.stdout.split()


@pytest.mark.slow
def test_commands_and_options_are_completed() -> None:
    assert completed("gradflow tr") == ["train"]
    assert "--optimizer" in completed("gradflow train --op")


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
