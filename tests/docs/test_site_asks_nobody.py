"""The built site: no page loads anything from elsewhere, links in it lead somewhere, claims have numbers.

`GRADFLOW_SITE` names the folder of a built site, as `.ci/run` does; without it there is nothing to look at.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from gradflow.study.claims import LEDGER

SITE = Path(os.environ.get("GRADFLOW_SITE", ""))
LOADS = {
    ("script", "src"),
    ("img", "src"),
    ("iframe", "src"),
    ("source", "src"),
    ("video", "src"),
    ("link", "href"),
}
"""Tags and attributes by which a page has something loaded."""

pytestmark = pytest.mark.skipif("GRADFLOW_SITE" not in os.environ, reason="no site was built")


class Page(HTMLParser):
    """What a page loads, what it links to, and the names in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.names: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        self.names |= {given[key] for key in ("id", "name") if key in given}
        for key, value in given.items():
            # A page's own address, for search engines, is not loaded.
            if (tag, key) in LOADS and given.get("rel") != "canonical":
                self.loaded.append(value)
        if tag == "a" and "href" in given:
            self.links.append(given["href"])


@functools.cache
def page(path: Path) -> Page:
    return Page(path)


def pages() -> list[Path]:
    found = sorted(SITE.rglob("*.html"))
    assert len(found) > 80
    return found


def test_no_page_loads_anything_from_elsewhere() -> None:
    for path in pages():
        away = [
            url
            for url in page(path).loaded
            if urlsplit(url).netloc or urlsplit(url).scheme not in ("", "data")
        ]
        assert not away, f"{path.name}: {away}"


def test_no_style_loads_anything_from_elsewhere() -> None:
    for path in sorted(SITE.rglob("*.css")):
        text = path.read_text(encoding="utf-8")
        assert not re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", text), path.name


def test_mathematics_is_beside_the_pages() -> None:
    assert (SITE / "_static" / "mathjax" / "tex-chtml.js").exists()
    assert list((SITE / "_static" / "mathjax" / "output" / "chtml" / "fonts" / "woff-v2").glob("*.woff"))
    text = (SITE / "theorems" / "10_the_flow_cannot_kill.html").read_text(encoding="utf-8")
    assert 'src="../_static/mathjax/tex-chtml.js' in text
    assert r"\sqrt{w_{1}^{2} + b_{1}^{2}}" in text


def test_each_link_inside_the_site_leads_somewhere() -> None:
    for path in pages():
        for link in page(path).links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or not (parts.path or parts.fragment):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.exists(), f"{path.name}: {link}"
            if parts.fragment and target.suffix == ".html":
                assert unquote(parts.fragment) in page(target).names, f"{path.name}: {link}"


def test_every_claim_says_what_is_said_and_what_is_computed() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in sorted((SITE / "claims").glob("*.html")))
    _, *boxes = text.split('<div class="claim ')
    assert len(boxes) == len(LEDGER)
    for box in boxes:
        assert "<strong>Says:</strong>" in box
        computed = box.partition("<strong>Computed:</strong>")[2]
        assert re.search(r"\d", computed), box


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromedriver") is None, reason="there is no browser")
def test_a_browser_asks_for_nothing_but_files() -> None:
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    for argument in ("--headless", "--no-sandbox", "--disable-gpu"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        for name in (
            "index",
            "theorems/10_the_flow_cannot_kill",
            "claims/index",
            "tutorials/index",
            "gallery/index",
        ):
            driver.get((SITE / f"{name}.html").resolve().as_uri())
            if name.startswith("theorems"):
                driver.set_script_timeout(60)
                driver.execute_async_script("MathJax.startup.promise.then(arguments[0])")
                assert driver.execute_script("return document.querySelectorAll('mjx-container').length") > 50
            entries = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
            sent = [
                e["params"]["request"]["url"] for e in entries if e["method"] == "Network.requestWillBeSent"
            ]
            assert sent
            assert not [url for url in sent if urlsplit(url).scheme not in ("file", "data", "blob")]
    finally:
        driver.quit()
