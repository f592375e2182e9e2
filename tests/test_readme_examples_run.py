"""The README's Python runs as it stands, and its commands are the ones that CI calls."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("example", [EXAMPLES[1], pytest.param(EXAMPLES[2], marks=pytest.mark.slow)])
def test_example_runs(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(example, "README.md", "exec"), names)
    assert "gf" in names


def test_first_example_is_five_lines_and_says_what_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(EXAMPLES) == 3
    example = EXAMPLES[0]
    assert len([line for line in example.splitlines() if line.strip()]) <= 5
    names: dict[str, object] = {}
    exec(compile(example, "README.md", "exec"), names)
    flow, adam, event = capsys.readouterr().out.split(maxsplit=2)
    assert float(flow) < 1e-12
    assert 0.02 < float(adam) < 0.022
    assert "balanced -> hyperactive" in event


def test_each_command_is_one_line_that_makes_its_environment() -> None:
    commands = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    assert len(commands) == 3
    assert "gradflow reproduce" in commands[0]
    assert "pytest" in commands[1]
    assert "sphinx -W" in commands[2]
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for command in commands:
        environment = command.split()[3]
        assert f"readme {environment})" in script
