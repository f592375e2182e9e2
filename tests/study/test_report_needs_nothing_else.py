"""The report is one well-formed file without a reference to another, and says what claims.json says."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from gradflow.cli import run
from gradflow.study.claims import VERDICTS
from gradflow.study.report import report
from gradflow.study.report_story import STORY
from tests.cli.command import files_below, strict
from tests.study.claims.sources import VERDICT, compare

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
        self.style = self.script = ""
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
        elif self.open and self.open[-1] == "script":
            self.script += data
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        """The text, with plain hyphens for minus signs."""
        return re.sub(r"\s+", " ", " ".join(self.words).replace("−", "-"))


def alone(page: Page) -> None:
    """Check that a page refers to nothing outside, and asks for nothing."""
    assert not {"link", "iframe", "object", "embed", "base"} & set(page.tags)
    assert page.tags.count("script") == 1
    assert not re.search(r"fetch|XMLHttp|import|innerHTML|eval|https?:|document\.write", page.script)
    for reference in page.references:
        assert reference.startswith(("#", "data:image/svg+xml;base64,", "data:image/png;base64,")), reference[
            :60
        ]
        if reference.startswith("#"):
            assert reference[1:] in page.ids
            continue
        data = base64.b64decode(reference.split(",", 1)[1], validate=True)
        if reference.startswith("data:image/png"):
            assert data.startswith(b"\x89PNG")
            continue
        svg = data.decode()
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
    assert NASTY not in page.script


def test_a_report_without_figures_or_numbers() -> None:
    page = Page(report(document(), []))
    alone(page)
    assert "Further figures" not in page.words
    assert "The numbers" not in page.words
    assert "figure" not in page.tags


def entry(name: str, verdict: str) -> dict[str, Any]:
    return {
        "id": name, "source": "Dying ReLU", "claim": f"Says {name}.", "verdict": verdict,
        "evidence": {"summary": f"Found of {name}."}, "seconds": 0.1,
    }  # fmt: skip


def test_the_story_quotes_claims_and_answers_only_what_they_found() -> None:
    whole = [entry(name, verdict) for question in STORY for name, verdict in question.claims.items()]
    made = {"claims": whole, "quick": False, "source": "gradflow", "seconds": 1.0}
    page = Page(report(made, []))
    alone(page)
    assert len(STORY) == 10
    for question in STORY:
        assert question.answer in page.words
        assert f"Found of {next(iter(question.claims))}." in page.text
    assert {f"#{record['id']}" for record in whole} <= set(page.references)
    changed = [{**record, "verdict": "open"} if record["id"] == "align.time" else record for record in whole]
    page = Page(report(made | {"claims": changed}, []))
    assert sum(question.answer in page.words for question in STORY) == 9
    assert "This run does not settle it as the full study does: see align.time." in page.words
    assert "Left open: 1" in page.words


def test_a_quick_report_promises_no_verdict_on_what_stays_open() -> None:
    # Those of remedies come with tables.
    left = [
        name
        for name, verdict in VERDICT[True].items()
        if verdict == "open" and not name.startswith("remedies.")
    ]
    assert any(VERDICT[False][name] == "open" for name in left)
    claims = [entry(name, "open") for name in left]
    page = Page(report({"claims": claims, "quick": True, "source": "gradflow", "seconds": 1.0}, []))
    assert f"Left open: {len(left)}" in page.words
    assert "A quick run has too few cases for most of these, which are decided without " in page.words


def test_what_the_story_expects_is_what_the_table_says() -> None:
    for question in STORY:
        for name, verdict in question.claims.items():
            assert VERDICT[False][name] == verdict, name


def test_large_figures_are_small_pictures_shown_once_where_they_belong(tmp_path: Path) -> None:
    figures: list[Any] = []
    for stem, size in (("09_steps_that_kill", 200_000), ("13_dying", 10), ("77_other", 10)):
        paths = [tmp_path / f"{stem}.svg", tmp_path / f"{stem}.png"]
        paths[0].write_text(
            f'<svg width="234pt" xmlns="http://www.w3.org/2000/svg"><!--{"x" * size}--></svg>'
        )
        Image.new("RGB", (400, 300), (200, 30, 30)).save(paths[1])
        figures.append(SimpleNamespace(title=stem, caption="", files=paths))
    made = document() | {"claims": [entry("theory.large-b2", "conditional")]}
    text = report(made, figures)
    page = Page(text)
    alone(page)
    pictures = [reference for reference in page.references if reference.startswith("data:")]
    assert [reference[:15] for reference in pictures] == [
        "data:image/png;",
        "data:image/svg+",
        "data:image/svg+",
    ]
    assert len(pictures[0]) < 10_000
    order = [
        text.index(part)
        for part in ('id="story"', 'id="figure-1"', 'id="part-1"', 'id="figure-2"', 'id="figures"')
    ]
    assert order == sorted(order)


@pytest.mark.slow
def test_words_and_verdicts_filter_the_claims_in_a_browser(tmp_path: Path) -> None:
    browser = shutil.which("chromium") or pytest.skip("install chromium")
    names = {"a.one": "reproduced", "a.two": "refuted", "b.three": "reproduced"}
    made = {"claims": [entry(*pair) for pair in names.items()], "quick": False, "source": "", "seconds": 1.0}
    asks = """<script>const form = document.querySelector("form"); form.elements.words.value = "SAYS a.";
    form.querySelector("input[value=refuted]").checked = false;
    form.dispatchEvent(new Event("input"));</script>"""
    path = tmp_path / "report.html"
    path.write_text(report(made, []).replace("</body>", f"{asks}</body>"), encoding="utf-8")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", path.as_uri()]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    seen = {
        found[1]
        for found in re.finditer(r'<article data-id="([^"]*)"[^>]*>', told)
        if "hidden" not in found[0]
    }
    assert seen == {"a.one"}
    assert "1 of 3 claims" in told


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
    assert page.tags.count("article") == 2


@pytest.mark.slow
def test_the_whole_report(study: Path) -> None:
    page = agrees(study)
    figures = {name for name in files_below(study) if name.startswith("figures")}
    stems = {name.rsplit(".", 1)[0] for name in figures}
    assert figures == {f"{stem}.{kind}" for stem in stems for kind in ("pdf", "svg", "png")}
    assert page.tags.count("img") == len(stems) >= 3
    assert (study / "report.html").stat().st_size <= 5_000_000
    assert files_below(study) == sorted(["claims.json", "report.html", *figures])
    assert compare(strict((study / "claims.json").read_text(encoding="utf-8"))) == []
