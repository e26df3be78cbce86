"""The site as it is built: strictly, without a network, whole in both languages, and asking no server for anything."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from docs.segmentation import WORDS, segmented
from tests.docs.blocks import LANGUAGES, PAGES
from tests.style.sources import ROOT

_NO_NETWORK = """
import socket, sys

def refused(*arguments, **more):
    raise OSError("no network in this test")

socket.socket.connect = socket.create_connection = socket.getaddrinfo = refused
from mkdocs.__main__ import cli

cli(sys.argv[1:])
"""
_ADDRESS = re.compile(r"^(?:https?:)?//")


class Links(HTMLParser):
    """Collects what a page loads by itself, and where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.alternates: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the addresses of a tag."""
        given = dict(attrs)
        if tag in ("script", "img", "iframe", "source", "video"):
            self.loaded += filter(None, [given.get("src")])
        if tag == "link" and given.get("rel") != "alternate":
            self.loaded += filter(None, [given.get("href")])
        if tag == "a" and "md-select__link" in (given.get("class") or ""):
            self.alternates[given["hreflang"] or ""] = given["href"] or ""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both languages, built with every connection refused."""
    folder = tmp_path_factory.mktemp("site")
    for config, target in (("mkdocs.yml", folder), ("mkdocs.zh.yml", folder / "zh")):
        arguments = ["build", "--strict", "--quiet", "--config-file", config, "--site-dir", str(target)]
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _NO_NETWORK, *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


def built(site: Path, language: str, page: str) -> Path:
    """Where a page lies."""
    return (site if language == "en" else site / language) / f"{page}.html"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_built_whole(site: Path, language: str) -> None:
    """Each in its language, with its generated parts in it and nothing that is written for tests."""
    for page in PAGES:
        html = built(site, language, page).read_text("utf-8")
        assert f'<html lang="{language}"' in html
        assert not re.search(r"<!-- (?:check|generated)", html), page
    assert 'id="label-missing"' in built(site, language, "errors").read_text("utf-8")
    assert 'id="rung-finetune"' in built(site, language, "recipe").read_text("utf-8")
    assert "AutoModelForSequenceClassification" in built(site, language, "bert_by_hand").read_text("utf-8")
    assert built(site, language, "ladder").read_text("utf-8").count('<svg class="drawn"') == 2


def test_no_page_asks_a_server(site: Path) -> None:
    """Scripts, styles, fonts and pictures all lie in the folder."""
    pages = sorted(site.rglob("*.html"))
    assert len(pages) == 2 * (len(PAGES) + 1), "each page and that for what is not found, in both languages"
    for page in pages:
        links = Links()
        links.feed(page.read_text("utf-8"))
        assert [address for address in links.loaded if _ADDRESS.match(address)] == []
        local = [address for address in links.loaded if not address.startswith(("data:", "/"))]
        assert local
        if page.name != "404.html":  # which is asked for from anywhere
            assert [address for address in local if not (page.parent / address.partition("?")[0]).is_file()] == []
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(\s*['\"]?(?:https?:)?//", style.read_text("utf-8")), style


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_page_leads_to_its_twin(site: Path, language: str) -> None:
    """By a path that also works on a disk."""
    for page in PAGES:
        path = built(site, language, page)
        links = Links()
        links.feed(path.read_text("utf-8"))
        ends = {name: (path.parent / address).resolve() for name, address in links.alternates.items()}
        assert ends == {name: built(site, name, page).resolve() for name in LANGUAGES}


def test_the_chinese_search_knows_words(site: Path) -> None:
    """The index that the search loads has words where the text has none, and reads the same without the boundaries."""
    index = json.loads((site / "zh" / "search" / "search_index.json").read_text("utf-8"))
    text = "".join(entry["title"] + entry["text"] for entry in index["docs"])
    assert "\u200b置信区间\u200b" in text
    assert "\u200b" not in (site / "search" / "search_index.json").read_text("utf-8")
    assert "\u200b置信区间\u200b" in (site / "zh" / "search" / "search_index.js").read_text("utf-8")


def test_words_are_cut_longest_first() -> None:
    """Known words stay whole, others fall into characters, and what is not Chinese stays as it is."""
    assert segmented("a近似重复的b", frozenset({"近似", "近似重复"})).split("\u200b") == ["a", "近似重复", "的", "b"]
    assert segmented("plain text", frozenset({"近似"})) == "plain text"
    words = WORDS.read_text("utf-8").split()
    assert len(words) == len(set(words)) > 100


def test_an_address_would_be_found() -> None:
    """One that a page would load is told from one that a reader may follow."""
    links = Links()
    links.feed('<script src="https://cdn.example.org/a.js"></script><a href="https://example.org">more</a>')
    assert [address for address in links.loaded if _ADDRESS.match(address)] == ["https://cdn.example.org/a.js"]
