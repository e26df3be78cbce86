"""The blocks of the pages, and what each is held to.

A block is run, unless the comment above it says otherwise; a block of output always says how it is checked:

``<!-- check: parse -->``         commands that only have to parse: installing, minutes of training
``<!-- check: run with the tiny base -->``  run, with a small random encoder in place of the default one
``<!-- check: exact -->``         what the blocks above it printed, to the letter
``<!-- check: shape -->``         each line is one that was printed, whatever its numbers
``<!-- check: shape, percent within 3 -->``  and its percentages are as far from those printed at most
``<!-- check: measured -->``      measured once by the command above it; a test of its own holds its form
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.style.sources import ROOT

DOCS = ROOT / "docs"
LANGUAGES = ("en", "zh")
PAGES = tuple(sorted(path.stem for path in (DOCS / "en").glob("*.md")))
FILES = {"csv", "jsonl", "toml"}
"""Languages whose blocks are samples of files."""

_BLOCK = re.compile(
    r"(?:^<!-- check: (?P<check>.+?) -->\n)?^```(?P<language>\w*)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<code>.*?)^```$",
    re.M | re.S,
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    title: str | None
    check: str
    code: str

    @property
    def place(self) -> str:
        """File and line, for messages."""
        return f"{self.page}:{self.line}"

    @property
    def is_output(self) -> bool:
        """Whether it shows what other blocks print."""
        return shows_output(self.language, self.title)


def shows_output(language: str, title: str | None) -> bool:
    """Whether a block of this kind shows what other blocks print."""
    return language == "text" and title is None


def page_path(language: str, page: str) -> Path:
    """Where a page lies."""
    return DOCS / language / f"{page}.md"


def blocks_of(text: str, page: str = "page") -> Iterator[Block]:
    """Every block of a page, in order."""
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        parts = found.groupdict()
        yield Block(page, line, parts["language"], parts["title"], parts["check"] or "run", parts["code"])


def page_blocks(language: str, page: str) -> list[Block]:
    """Every block of a page, none passed over."""
    text = page_path(language, page).read_text("utf-8")
    found = list(blocks_of(text, f"docs/{language}/{page}.md"))
    assert text.count("```") == 2 * len(found), f"{page}: a block that cannot be read"
    return found


def prose_of(text: str) -> str:
    """What stands outside the blocks."""
    return _BLOCK.sub("", text)


def with_outputs(text: str, outputs: Iterable[str]) -> str:
    """Put other outputs into a page, one for each block that shows any, in their order."""
    left = iter(outputs)

    def renewed(found: re.Match[str]) -> str:
        if not shows_output(found["language"], found["title"]):
            return found[0]
        start, end = (place - found.start() for place in found.span("code"))
        return found[0][:start] + next(left) + found[0][end:]

    return _BLOCK.sub(renewed, text)
