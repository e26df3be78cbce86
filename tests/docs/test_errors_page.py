"""The page of errors: every code of the sources is there, none that is not, and each example is what is printed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from docs.error_codes import PARTS, by_code, family_codes, raised_errors
from docs.error_pages import ANY_KIND, error_reference, marked, places_of, read_texts
from tests.docs.rewrite_examples import replaced
from tests.docs.shop import told_by

TEXTS = read_texts()
RUN = {code: entry for code, entry in TEXTS.items() if "run" in entry}
_KEYS = {"chapter", "en", "zh", "example"}
_LABELS = {"found": "found", "allowed": "allowed", "try": "advice"}
_HEAD = re.compile(r"error\[([\w-]+)\]: (.*)", re.S)
_PART = re.compile(r"^  (found|allowed|try) +", re.M)
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_CHANGES = re.compile(r"\b[0-9a-f]{12}\b|\d[\d,]*")


def test_every_code_has_its_entry_and_no_entry_is_stale() -> None:
    """Whoever adds a code writes what it means and what to do, in both languages; see docs/errors."""
    raised = raised_errors()
    assert len(raised) > 100
    codes = set(by_code(raised)) - set(family_codes(raised))
    assert sorted(codes - TEXTS.keys()) == [], "codes without an entry in docs/errors/*.toml"
    assert sorted(TEXTS.keys() - codes - {ANY_KIND}) == [], "entries whose code nothing raises any more"


@pytest.mark.parametrize("code", TEXTS)
def test_an_entry_says_all_in_both_languages(code: str) -> None:
    """Meaning and advice, each more than a word, and Chinese in the Chinese ones alone."""
    entry = TEXTS[code]
    assert entry.keys() - {"run", "files", "quotes_others"} == _KEYS
    for language, least in (("en", 15), ("zh", 5)):
        assert len(entry[language]) == 2
        for text in entry[language]:
            assert len(text) >= least
            assert bool(_CHINESE.search(text)) == (language == "zh")
            assert text.endswith((".", "。", "?", "？"))


@pytest.mark.parametrize("code", TEXTS)
def test_an_example_is_what_the_source_can_print(code: str) -> None:
    """Some place that raises the code can print this message, with these parts and no others."""
    assert fits(code, TEXTS[code]["example"])


def fits(code: str, example: str) -> bool:
    """Whether some place can print an example."""
    message, parts = parts_of(example)
    shown = {"message": message, **parts}
    return any(
        all(name in shown and _ends_like(place.parts[name], shown[name], name) for name in place.parts if name in shown)
        and shown.keys() <= {"message", *place.parts}
        for place in places_of(code)
    )


def _ends_like(pattern: str, text: str, name: str) -> bool:
    """Whether a text is one of a pattern; before a message there may be a place."""
    return re.fullmatch(rf"(?:.*: )?(?:{pattern})" if name == "message" else pattern, text, re.S) is not None


def parts_of(example: str) -> tuple[str, dict[str, str]]:
    """Message and parts of an example, unwrapped."""
    head, *rest = _PART.split(example.strip("\n"))
    found = _HEAD.fullmatch(head.strip())
    assert found is not None, f"no head of an error: {head!r}"
    labels, texts = rest[::2], rest[1::2]
    return _unwrapped(found[2]), {_LABELS[label]: _unwrapped(text) for label, text in zip(labels, texts, strict=True)}


def _unwrapped(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("code", RUN)
def test_an_example_is_printed_by_its_command(code: str, shop: Path, tmp_path: Path) -> None:
    """The commands of an entry bring the code and print the example, but for numbers and words of other libraries."""
    entry = RUN[code]
    told = told_by(entry["run"], entry.get("files", {}), template=shop, folder=tmp_path / "shop")
    printed = told[told.index("error[") :] if "error[" in told else told
    assert _without_changes(printed, entry) == _without_changes(entry["example"], entry)


def _without_changes(text: str, entry: dict[str, Any]) -> str:
    """What is compared: of an error that quotes another library only the code, else all but the numbers."""
    return text.strip().partition("]")[0] if entry.get("quotes_others") else _CHANGES.sub("#", _unwrapped(text))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_has_a_heading_for_each_entry(language: str) -> None:
    """Whose anchor is the code, and which the list at its top leads to."""
    page = error_reference(language)
    for code, entry in TEXTS.items():
        assert page.count(f"\n### {code} {{#{code.lower()}}}\n") == 1
        assert f"[`{code}`](#{code.lower()})" in page
        assert all(marked(text) in page for text in entry[language])
    assert page.count("exit code" if language == "en" else "退出码") >= len(TEXTS)


def test_examples_that_do_not_fit_are_found() -> None:
    """Other words in the message, a part that the source does not give, words that differ within a part."""
    right = "error[bad-flags]: --resume goes on and --force starts anew\n  try      give one of them\n"
    assert fits("bad-flags", right)
    assert not fits("bad-flags", right.replace("goes on", "stops"))
    assert not fits("bad-flags", right + "  found    nothing\n")
    assert not fits("bad-flags", right.replace("one of", "none of"))


def test_codes_are_read_from_every_way_of_raising(tmp_path: Path) -> None:
    """Plain, by a choice, through a parameter, and made of the kind of a family; what cannot be told is an error."""
    (tmp_path / "errors.py").write_text(
        "class TunesmithError(Exception):\n    exit_code = 70\nclass DataError(TunesmithError):\n    exit_code = 2\n"
        "class ShapeError(TunesmithError):\n    pass\n"
    )
    source = tmp_path / "config" / "families.py"
    source.parent.mkdir()
    source.write_text(
        "LOSSES = Family('loss', 1, 2)\n"
        "def f(x, *, code='bad-thing'):\n"
        "    raise DataError('plain-one', f'there is {x}' if x else 'none', found='a' + x)\n"
        "    raise DataError('this-way' if x else 'that-way', 'm')\n"
        "    raise DataError(code, 'm')\n"
        "    raise DataError(f'unknown-{self.kind}', 'm')\n"
        "    raise ShapeError('3 rows')\n"
        "f(1, code='other-thing')\n"
    )
    found = by_code(raised_errors(tmp_path))
    assert list(found) == ["bad-thing", "other-thing", "plain-one", "that-way", "this-way", "unknown-loss"]
    (plain,) = found["plain-one"]
    assert (plain.kind, plain.exit_code, plain.place) == ("DataError", 2, "config/families.py:3")
    assert plain.parts.keys() <= set(PARTS)
    assert re.fullmatch(plain.parts["message"], "there is a mouse")
    assert not re.fullmatch(plain.parts["message"], "there was a mouse")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "errors.py").write_text(
        (tmp_path / "errors.py").read_text() + "raise DataError(made_up(), 1)\n"
    )
    with pytest.raises(ValueError, match=r"errors.py:7: cannot tell which code made_up\(\) is"):
        raised_errors(tmp_path / "other")


def test_an_example_is_rewritten_in_its_entry_alone() -> None:
    """Whatever quotes it stands in; the entries before and after stay as they are."""
    text = '[a-b]\nrun = "x"\nexample = \'\'\'\nold\n\'\'\'\n\n[c]\nexample = """\nkept\n"""\n'
    assert replaced(text, "a-b", "new") == text.replace("old", "new")
    assert replaced(text, "c", "new") == text.replace('"""\nkept\n"""', "'''\nnew\n'''")
    empty = '[a-b]\nexample = ""\n'
    assert replaced(empty, "a-b", "new") == "[a-b]\nexample = '''\nnew\n'''\n"
