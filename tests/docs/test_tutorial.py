"""The tutorial from CPU to LLM: formulas, drawings, how outputs are rewritten. Its blocks run with all pages'."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from docs.hooks import without_line_breaks
from docs.seen_figure import seen_figure, steps_picture
from tests.docs.blocks import LANGUAGES, blocks_of, page_path, prose_of, with_outputs
from tests.docs.running_pages import assert_like, shape_of
from tests.style.sources import ROOT

from tunesmith.ladder.rungs import RUNGS

PAGE = "cpu_to_llm"
_FORMULA = re.compile(r"^ {4}(.+)$", re.M)
_CITED = re.compile(r"[A-Z][\w’-]+ et al\. \d{4}|[A-Z]\w+(?: and [A-Z][\w-]+)? \d{4}")
_WIDEST_ON_A_PHONE = 42

every_language = pytest.mark.parametrize("language", LANGUAGES)


def prose(language: str) -> str:
    """The tutorial without its blocks."""
    return prose_of(page_path(language, PAGE).read_text("utf-8"))


def test_both_languages_have_the_same_formulas_and_sources() -> None:
    """In the same order; and what is computed stands there for every step."""
    formulas = [_FORMULA.findall(prose(language)) for language in LANGUAGES]
    assert formulas[0] == formulas[1]
    assert len(formulas[0]) > 25
    cited = [set(_CITED.findall(" ".join(prose(language).split()))) for language in LANGUAGES]
    assert cited[0] == cited[1]
    assert len(cited[0]) > 20


def test_no_formula_is_wider_than_a_phone() -> None:
    """They stand in blocks of code, which need no script and no font, and do not wrap."""
    assert [line for line in _FORMULA.findall(prose("en")) if len(line) > _WIDEST_ON_A_PHONE] == []


@every_language
def test_every_step_tells_the_same(language: str) -> None:
    """The idea, what is computed, what it costs and when to stop, in each of the numbered sections but the outlook."""
    words = {
        "en": ("The idea.", "What is computed.", "The cost", "When to stop here."),
        "zh": ("想法。", "算什么。", "代价", "何时停在这里。"),
    }
    sections = re.split(r"^## ", prose(language), flags=re.M)
    numbered = [section for section in sections if re.match(r"[1-7]\. ", section)]
    assert len(numbered) == 7
    assert [
        (section.split("\n")[0], word) for section in numbered for word in words[language] if f"**{word}" not in section
    ] == []


def test_every_step_is_trained_and_computed_by_hand() -> None:
    """Each rung is trained, and what it computes stands in the open.

    But for the third kind of cell, both averages, and what few labels or texts without any are there for.
    """
    code = "\n".join(
        block.code for block in blocks_of(page_path("en", PAGE).read_text("utf-8")) if block.language == "python"
    )
    trained = set(re.findall(r'^step\("(\w+)"', code, re.M))
    assert trained == {*RUNGS.names(), "lora"} - {"gru", "refine", "contrast", "selftrain", "static"}
    agreed = set(re.findall(r'^agrees\("(\w+)"', code, re.M))
    assert agreed == {"cnn", "lstm", "transformer", "probe", "lora"}
    assert code.count("\nassert ") + code.count(" assert ") >= 8


@every_language
def test_the_drawings_are_whole(language: str) -> None:
    """The drawing of what a word sees is well formed and in its language; the picture of the steps lies there."""
    svg = ET.fromstring(seen_figure(language)).find("{http://www.w3.org/2000/svg}svg")
    assert svg is not None
    told = "".join(svg.itertext())
    assert {"en": "attention", "zh": "注意力"}[language] in told
    lines = len(svg.findall("{http://www.w3.org/2000/svg}line"))
    assert lines == 5 + 13 + (5 + 4) + 25, "five words: counted, in windows of three, in a chain, all with all"
    (place,) = re.findall(r' src="(assets/[^"]+)"', steps_picture(language))
    assert ET.parse(ROOT / "docs" / place).getroot().get("lang") == language


def test_outputs_are_put_where_outputs_are() -> None:
    """Each in its place, whatever it holds, and nothing else is touched."""
    page = '```python\nprint(1)\n```\n\n<!-- check: exact -->\n```text\n1\n```\n\n```text title="a.txt"\nkept\n```\n'
    page += "<!-- check: shape -->\n```text\n2\n```\n"
    assert with_outputs(page, ["\\1 {}\n", "3\n"]) == page.replace("\n1\n", "\n\\1 {}\n").replace("\n2\n", "\n3\n")


def test_the_sign_of_a_number_is_no_part_of_its_shape() -> None:
    """A gain may turn out to be a loss on another machine; a hyphen between words or a range is not a sign."""
    assert_like("cnn over linear: +0.4 points (-1.2 to +2.0)", "cnn over linear: -3.0 points (-5.0 to -1.0)")
    assert shape_of("a 3-4 b -5") == "a #-# b #"


def test_a_numbered_item_stays_on_its_line() -> None:
    """Lines of a Chinese paragraph are joined, items of a list are not, whether they end in a mark or not."""
    assert without_line_breaks("先数词，\n再探针。\n") == "先数词，再探针。\n"
    assert without_line_breaks("1. 先数词。\n2. 再探针。\n") == "1. 先数词。\n2. 再探针。\n"
    assert without_line_breaks("用的是：\n3 个词") == "用的是：3 个词"
