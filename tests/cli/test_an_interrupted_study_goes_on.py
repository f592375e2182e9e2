"""After an interrupt `reproduce` runs only what had not finished; in the end nothing tells of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from gradflow.cli import resume, run
from gradflow.study.claims.ledger import Claim, Finding
from gradflow.study.figures.save import save
from tests.cli.command import files_below, refused

RAN: list[str] = []
STOPS: set[str] = set()


def claim(name: str) -> Claim:
    def check(quick: bool) -> Finding:
        if name in STOPS:
            raise KeyboardInterrupt
        RAN.append(name)
        return Finding("reproduced", f"Claim {name}.", {"quick": quick, "number": 0.1})

    return Claim(name, "Test", f"That {name} holds.", check)


@pytest.fixture(autouse=True)
def _three_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    RAN.clear()
    STOPS.clear()
    monkeypatch.setattr("gradflow.study.claims.LEDGER", tuple(map(claim, ("a.one", "a.two", "b.three"))))
    monkeypatch.setattr("gradflow.base.scripts.script_paths", lambda folder: [])
    # In this process, so that what ran can be counted.
    monkeypatch.setattr("gradflow.cli.workers.cores", lambda: 1)


def interrupted(out: Path, *options: str) -> None:
    STOPS.add("a.two")
    assert run(["reproduce", "--out", str(out), *options]) == 130
    STOPS.clear()


def claims(out: Path) -> list[dict[str, Any]]:
    found = json.loads((out / "claims.json").read_text())["claims"]
    return [{key: value for key, value in entry.items() if key != "seconds"} for entry in found]


def test_finished_claims_are_not_run_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    interrupted(tmp_path / "study")
    assert RAN == ["a.one"]
    assert files_below(tmp_path / "study") == ["unfinished/a.one.json"]
    capsys.readouterr()
    assert run(["reproduce", "--out", str(tmp_path / "study")]) == 0
    assert capsys.readouterr().err == f"{tmp_path / 'study'}: found 1 of 3 results\n"
    assert RAN == ["a.one", "a.two", "b.three"]
    assert run(["reproduce", "--out", str(tmp_path / "other")]) == 0
    assert claims(tmp_path / "study") == claims(tmp_path / "other")
    assert (
        files_below(tmp_path / "study") == files_below(tmp_path / "other") == ["claims.json", "report.html"]
    )


def test_a_finished_study_is_run_anew(tmp_path: Path) -> None:
    for _ in range(2):
        assert run(["reproduce", "--out", str(tmp_path / "study")]) == 0
    assert RAN == ["a.one", "a.two", "b.three"] * 2


def test_some_claims_alone_do_not_replace_a_study_of_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "study")]
    assert run(["reproduce", *out]) == 0
    before = {name: (tmp_path / "study" / name).read_bytes() for name in files_below(tmp_path / "study")}
    capsys.readouterr()
    message = refused(capsys, "reproduce", "--only", "a.one", *out)
    assert message.startswith(f"--out: '{tmp_path / 'study'}' holds a study of 2 more, a.two among them, ")
    assert RAN == ["a.one", "a.two", "b.three"]
    assert {name: (tmp_path / "study" / name).read_bytes() for name in before} == before
    # All of them, by name, is the same study; and one of fewer claims may become larger.
    assert run(["reproduce", *out, "--only", "a.one", "--only", "a.two", "--only", "b.three"]) == 0
    small = ["--out", str(tmp_path / "small")]
    for options in (["--only", "a.one"], ["--only", "a.one"], ["--only", "a.one", "--only", "a.two"], []):
        assert run(["reproduce", *options, *small]) == 0
    assert len(claims(tmp_path / "small")) == 3


def test_an_unfinished_study_of_others_is_not_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted(tmp_path / "study")
    out = ["--out", str(tmp_path / "study")]
    capsys.readouterr()
    assert "holds a study of 1 more, a.one among them" in refused(
        capsys, "reproduce", "--only", "b.three", *out
    )
    assert files_below(tmp_path / "study") == ["unfinished/a.one.json"]
    assert run(["reproduce", "--only", "a.one", *out]) == 0
    assert RAN == ["a.one"]


@pytest.mark.parametrize("options", [[], ["--only", "a.one"]])
@pytest.mark.parametrize(
    "text", ["{}", "mine", "[1]", '{"claims": [2]}', '{"source": "a court", "claims": [{"id": 1}]}']
)
def test_a_file_that_is_no_study_is_not_replaced(
    text: str, options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "claims.json").write_text(text)
    message = refused(capsys, "reproduce", *options, "--out", str(tmp_path))
    assert message.endswith("claims.json' is no study of gradflow, and would be replaced")
    assert (tmp_path / "claims.json").read_text() == text


@pytest.mark.parametrize("name", ["report.html", "figures/01_mine.png"])
def test_a_report_or_figure_of_others_is_not_replaced(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("gradflow.base.scripts.script_paths", lambda folder: [Path("01_mine.py")])
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("<p>what gradflow found</p>" if name == "report.html" else "mine")
    before = (tmp_path / name).read_bytes()
    message = refused(capsys, "reproduce", "--out", str(tmp_path))
    assert message == f"--out: {str(tmp_path / name)!r} is not of gradflow, and would be replaced"
    assert (files_below(tmp_path), (tmp_path / name).read_bytes(), RAN) == ([name], before, [])


def test_a_report_and_figures_of_gradflow_are_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["reproduce", "--out", str(tmp_path)]) == 0
    before = (tmp_path / "report.html").read_bytes()
    (tmp_path / "claims.json").unlink()
    figure = Path(save(Figure(), tmp_path / "figures" / "01_mine", "png")[0])
    resume.keep_foreign(tmp_path, ["01_mine"])
    assert run(["reproduce", "--only", "a.one", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "report.html").read_bytes() != before
    # Beside its claims a study's report is its own, by whatever version it was written.
    (tmp_path / "report.html").write_text("an old one")
    figure.write_text("an old one")
    resume.keep_foreign(tmp_path, ["01_mine"])
    assert run(["reproduce", "--out", str(tmp_path)]) == 0


def test_what_others_keep_in_a_folder_of_that_name_stays(tmp_path: Path) -> None:
    (tmp_path / resume.FOLDER).mkdir()
    for name in ("novel.txt", "novel.json"):
        (tmp_path / resume.FOLDER / name).write_text("mine")
    (tmp_path / resume.FOLDER / ".gradflow-0.json").write_text("half")
    assert run(["reproduce", "--out", str(tmp_path)]) == 0
    kept = [f"{resume.FOLDER}/novel.{kind}" for kind in ("json", "txt")]
    assert files_below(tmp_path) == sorted(["claims.json", "report.html", *kept])


def test_one_claim_is_counted_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    for names, told in ((["a.one"], "\n1 claim: 1 reproduced; "), (["a.one", "a.two"], "\n2 claims: 2 ")):
        assert run(["reproduce", *(f"--only={name}" for name in names)]) == 0
        assert told in capsys.readouterr().out


@pytest.mark.parametrize("change", ["options", "code", "damage"])
def test_what_does_not_fit_is_not_used(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted(tmp_path / "study")
    options = ["--quick"] if change == "options" else []
    if change == "code":
        monkeypatch.setattr(resume, "digest", lambda: "another")
    if change == "damage":
        (tmp_path / "study" / resume.FOLDER / "a.one.json").write_text('{"header": ')
    capsys.readouterr()
    assert run(["reproduce", "--out", str(tmp_path / "study"), *options]) == 0
    assert capsys.readouterr().err == ""
    assert RAN == ["a.one", "a.one", "a.two", "b.three"]


def test_the_digest_is_that_of_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resume.digest() == resume.digest()
    package = tmp_path / "gradflow" / "cli"
    package.mkdir(parents=True)
    (package / "resume.py").write_text("x = 1\n")
    monkeypatch.setattr(resume, "__file__", str(package / "resume.py"))
    before = resume.digest()
    (package / "resume.py").write_text("x = 2\n")
    assert resume.digest() != before
