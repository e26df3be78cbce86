"""Every page of the documentation: its blocks are run, its output is what is printed, both languages show the same."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml
from tests.docs.blocks import DOCS, LANGUAGES, PAGES, Block, blocks_of, page_blocks, page_path, prose_of
from tests.docs.running_pages import Page, assert_like, shape_of
from tests.docs.test_readme import COMMANDS, FLAGS, MEANINGS
from tests.style.sources import ROOT

COUNTS: Mapping[str, Mapping[str, int]] = {
    "bert_by_hand": {
        "output exact": 1,
        "output measured": 2,
        "python parsed": 1,
        "python run": 1,
        "sh parsed": 2,
    },
    "compress": {"output exact": 1, "output shape": 1, "python run": 1, "sh run": 2},
    "cpu_to_llm": {"output exact": 7, "output shape": 11, "python run": 19, "sh parsed": 1},
    "data": {
        "csv read": 11,
        "jsonl read": 2,
        "output exact": 5,
        "output shape": 11,
        "python run": 1,
        "sh run": 17,
        "text read": 1,
    },
    "encoder": {"csv read": 1, "output exact": 1, "output shape": 1, "python run": 1, "sh run": 2},
    "errors": {"csv read": 1, "output exact": 1, "sh run": 1},
    "export": {
        "csv read": 3,
        "output exact": 1,
        "output shape": 13,
        "python run": 7,
        "sh parsed": 1,
        "sh run": 14,
    },
    "index": {},
    "ladder": {"output shape": 2, "sh run": 4, "toml read": 1},
    "methods": {"python parsed": 2, "sh run": 1, "toml read": 1},
    "python": {"output exact": 4, "output shape": 1, "python run": 5},
    "quickstart": {"output exact": 3, "output shape": 7, "sh parsed": 2, "sh run": 11},
    "recipe": {"output exact": 1, "sh run": 1, "toml read": 1},
    "sklearn": {"output exact": 8, "python run": 8},
    "training": {"sh run": 1, "toml read": 1},
}
"""What each page must be seen to hold, so that no block is passed over in silence."""

_FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
_CODE = re.compile(r"`([^`\n]+)`")
_OF_OTHER_TOOLS = {"--no-deps", "--upgrade", "--help"}

every_page = pytest.mark.parametrize("page", PAGES)
every_language = pytest.mark.parametrize("language", LANGUAGES)


@every_page
def test_the_blocks_run_and_print_what_is_shown(page: str, tmp_path: Path, tiny_base: Path) -> None:
    """From top to bottom in one folder; the numbers of blocks are those written down above."""
    if page == "bert_by_hand":
        shutil.copytree(ROOT / "examples", tmp_path / "examples")
    running = Page(tmp_path, tiny_base)
    for block in page_blocks("en", page):
        running.run(block)
    assert running.counts == COUNTS[page]


@every_page
def test_both_languages_show_the_same_blocks(page: str) -> None:
    """The same blocks in the same order, comments apart, and the same flags, parts and links around them."""
    english, chinese = (page_blocks(language, page) for language in LANGUAGES)
    assert [_meaning(block) for block in chinese] == [_meaning(block) for block in english]
    texts = [prose_of(page_path(language, page).read_text("utf-8")) for language in LANGUAGES]
    for pattern in (_FLAG, re.compile(r"<!-- (?:generated|include): .*? -->"), re.compile(r"\]\(([^)]+)\)")):
        in_english, in_chinese = (set(pattern.findall(text)) for text in texts)
        assert in_chinese == in_english


def test_every_page_is_in_both_languages_and_in_the_contents() -> None:
    """No page without its twin, none that the contents do not lead to, and no count of one that is gone."""
    for language, config in zip(LANGUAGES, ("mkdocs.yml", "mkdocs.zh.yml"), strict=True):
        listed = yaml.safe_load((ROOT / config).read_text("utf-8"))["nav"]
        pages = [Path(path).stem for entry in listed for path in entry.values()]
        assert sorted(pages) == sorted(path.stem for path in (DOCS / language).glob("*.md")) == sorted(COUNTS)


@every_language
@every_page
def test_what_is_spoken_of_is_there(language: str, page: str) -> None:
    """Every flag and every command that the text names."""
    text = prose_of(page_path(language, page).read_text("utf-8"))
    assert set(_FLAG.findall(text)) - FLAGS - _OF_OTHER_TOOLS == set()
    assert set(re.findall(r"`tunesmith (\w+)", text)) <= COMMANDS.keys()


@every_language
@every_page
def test_the_text_keeps_to_the_width(language: str, page: str) -> None:
    """Lines of prose are read in an editor too: 120 columns, a Chinese character takes two of them."""
    lines = prose_of(page_path(language, page).read_text("utf-8")).splitlines()
    wide = [line for line in lines if sum(2 if ord(char) > 0x2E80 else 1 for char in line) > 122 and "|" not in line]
    assert wide == []


@every_language
def test_the_findings_are_those_of_check(language: str) -> None:
    """The table of the data page names each code that a check can bring, with its severity, and no others."""
    table = dict(re.findall(r"^\| (`.+?`) \| (.+?) \|", page_path(language, "data").read_text("utf-8"), re.M))
    told = {code: severity for names, severity in table.items() for code in _CODE.findall(names)}
    found = _findings()
    assert told.keys() == found.keys()
    assert {code for code, severity in told.items() if not found[code] <= set(re.findall(r"\w+", severity))} == set()


def _findings() -> dict[str, set[str]]:
    """Code to severities, from the calls that make findings."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(ast.parse((ROOT / "src/tunesmith/data/check.py").read_text("utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Finding", "_finding", "_placed"):
            texts = [
                each.value for argument in node.args for each in ast.walk(argument) if isinstance(each, ast.Constant)
            ]
            words = [text for text in texts if isinstance(text, str)]
            if len(words) > 1:
                found.setdefault(words[0], set()).update(words[1:])
    return found


def _meaning(block: Block) -> tuple[str, str | None, str, object]:
    meaning: Callable[[str], object] = MEANINGS.get(block.language, str)
    return block.language, block.title, block.check, meaning(block.code)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("```text\nhello\n```\n", "nothing checks"),
        ("<!-- check: exact -->\n```text\nhello\n```\n", "printed was"),
        ("```yaml\na: 1\n```\n", "nothing runs a block of yaml"),
        ("```\na\n```\n", "nothing runs a block of no language"),
        ("```sh\ntunesmith doctor now\n```\n", "now"),
        ("```sh\nfalse\n```\n", "exit 1"),
        ("```python\n1 / 0\n```\n", "division by zero"),
        ('```toml title="a.toml"\n[ladder]\nbugdet = "5m"\n```\n', "bugdet"),
        ('```csv title="a.csv"\ntext,label\n```\n', "no rows"),
    ],
)
def test_a_block_that_is_wrong_is_found(text: str, told: str, tmp_path: Path) -> None:
    """Output that nothing checks, output that differs, a language that nobody runs, and whatever cannot be run."""
    running = Page(tmp_path, tmp_path)
    (block,) = blocks_of(text)
    with pytest.raises(Exception, match=told):
        running.run(block)


def test_output_of_another_shape_is_found() -> None:
    """Other numbers, another spacing or verdict pass; other words do not, nor numbers that are far off."""
    printed = "  probe      accuracy  87.5 % (83.0 to 92.0)     26.3 s  \nlinear 0.746 12"
    assert_like("  probe  accuracy 86.9 % (81.0 to 92.0)  7.1 s   kept\n...\n", printed)
    assert_like("probe accuracy 86.9 % (81.0 to 92.0) 7.1 s\nlinear 0.721 9", printed, within=3.0)
    for shown in ("probe accuracy 77.0 % (81.0 to 92.0) 7.1 s", "linear 0.700 9"):
        with pytest.raises(AssertionError, match="is far from"):
            assert_like(shown, printed, within=3.0)
    with pytest.raises(AssertionError, match="no line is like 'prob accuracy"):
        assert_like("prob accuracy 86.9 % (81.0 to 92.0) 7.1 s", printed)
    assert shape_of("x: 1,480 rows, kept") == shape_of("x: 12 rows, not kept (linear stays)")
