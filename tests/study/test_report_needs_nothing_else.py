"""The report is one well-formed file without a reference to another, and says what claims.json says."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gradflow.cli import run
from gradflow.study.claims import VERDICTS
from gradflow.study.report import report
from tests.cli.command import files_below, strict
from tests.study.claims.sources import compare

VOID = {"meta", "img", "br", "hr", "input", "link"}
REFERRING = {"src", "href", "srcset", "data", "action", "poster", "background", "cite", "formaction"}
NASTY = """<script>alert("1 & 2")</script> "quoted" 'single' </p><img src=x onerror=y>"""


class Page(HTMLParser):
    """What is in a page; fails where its tags do not match."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.references: list[str] = []
        self.ids: list[str] = []
        self.words: list[str] = []
        self.style = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            assert not name.startswith("on")
            if name in REFERRING:
                self.references.append(value or "")
            if name == "id":
                self.ids.append(value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.style += data
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        """The text, with plain hyphens for minus signs."""
        return re.sub(r"\s+", " ", " ".join(self.words).replace("−", "-"))


def alone(page: Page) -> None:
    """Check that a page refers to nothing outside."""
    assert not {"script", "link", "iframe", "object", "embed", "base"} & set(page.tags)
    for reference in page.references:
        assert reference.startswith(("#", "data:image/svg+xml;base64,")), reference[:60]
        if reference.startswith("#"):
            assert reference[1:] in page.ids
        else:
            svg = base64.b64decode(reference.split(",", 1)[1], validate=True).decode()
            assert svg.lstrip().startswith("<?xml") or "<svg" in svg[:200]
            assert not re.search(r"""(?:href|src)\s*=\s*["'](?!#|data:)""", svg)
            assert "url(http" not in svg
            assert "<script" not in svg
    assert "url(" not in page.style
    assert "@import" not in page.style
    assert len(page.ids) == len(set(page.ids))


def document(**evidence: Any) -> dict[str, Any]:
    claims = [
        {
            "id": f"c.{verdict}",
            "source": f"Source {i % 2} <b>",
            "claim": f"{NASTY} {verdict}",
            "verdict": verdict,
            "evidence": {"summary": f"Found {i}: {NASTY}", **evidence},
            "seconds": 0.1,
        }
        for i, verdict in enumerate(VERDICTS)
    ]
    return {"claims": claims, "quick": True, "source": "gradflow <0>", "seconds": 1.0}


def figure(tmp_path: Path) -> Any:
    path = tmp_path / "f.svg"
    path.write_text('<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0h9"/></svg>')
    return SimpleNamespace(
        title=f"Title {NASTY}", caption=f"Caption {NASTY}", files=[tmp_path / "f.pdf", path]
    )


def test_whatever_the_claims_say_is_text(tmp_path: Path) -> None:
    values = {NASTY: NASTY, "nested": {"a_b": [1.5, None, NASTY], "empty": []}, "number": 0.1 + 0.2}
    page = Page(report(document(**values), [figure(tmp_path)]))
    alone(page)
    plain = re.sub(r"\s+", " ", NASTY)
    assert page.text.count(plain) >= 4 * 5 + 2
    for verdict in VERDICTS:
        assert f"c.{verdict}" in page.ids
        assert page.text.count(verdict) >= 3
    assert "nested · a b" in page.text
    assert "0.3" in page.text
    assert page.tags.count("img") == 1
    assert page.tags.count("script") == 0


def test_a_report_without_figures_or_numbers() -> None:
    page = Page(report(document(), []))
    alone(page)
    assert "Figures" not in page.words
    assert "details" not in page.tags


def leaves(value: Any) -> list[str]:
    """Return the numbers at the ends of nested data as the report prints them."""
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in leaves(item)]
    if isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        return [leaf for item in value for leaf in leaves(item)]
    if isinstance(value, list):
        return [", ".join(leaf for item in value for leaf in leaves(item)) or "none"]
    if value is None:
        return ["none"]
    return [f"{value:.10g}" if isinstance(value, float) else str(value)]


def agrees(folder: Path) -> Page:
    """Check a written report against the claims.json beside it."""
    claims = strict((folder / "claims.json").read_text(encoding="utf-8"))["claims"]
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    alone(page)
    text = page.text
    for claim in claims:
        assert claim["id"] in page.ids
        for part in (claim["claim"], claim["evidence"]["summary"], claim["source"], claim["verdict"]):
            assert re.sub(r"\s+", " ", part.replace("−", "-")) in text
    printed = {cell.replace("−", "-") for cell in page.words}
    # The remedies' table is printed as one.
    aside = {"summary", "table"}
    expected = [
        leaf for c in claims for k, v in c["evidence"].items() if k not in aside for leaf in leaves(v)
    ]
    assert all(leaf in printed for leaf in expected)
    return page


@pytest.fixture
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all tasks be done here."""
    monkeypatch.setattr("gradflow.cli.workers.cores", lambda: 1)


@pytest.mark.usefixtures("one_process")
def test_a_report_of_two_claims(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    only = ("--only", "obs1.kink", "--only", "obs2.gd")
    assert run(["reproduce", "--quick", *only, "--out", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert all(text in out for text in ("report.html", "obs1.kink", "obs2.gd"))
    page = agrees(tmp_path)
    assert page.tags.count("img") == 0
    assert page.tags.count("h3") == 2


@pytest.mark.slow
def test_the_whole_report(study: Path) -> None:
    page = agrees(study)
    figures = {name for name in files_below(study) if name.startswith("figures")}
    stems = {name.rsplit(".", 1)[0] for name in figures}
    assert figures == {f"{stem}.{kind}" for stem in stems for kind in ("pdf", "svg", "png")}
    assert page.tags.count("img") == len(stems) >= 3
    assert files_below(study) == sorted(["claims.json", "report.html", *figures])
    assert compare(strict((study / "claims.json").read_text(encoding="utf-8"))) == []
