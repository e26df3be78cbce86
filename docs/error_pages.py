"""The page of errors: every code with what it means, what is printed and what to do, from ``errors/*.toml``."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from docs.error_codes import Raised, by_code, family_codes, raised_errors

TEXTS = Path(__file__).parent / "errors"
ANY_KIND = "unknown-KIND"
"""Entry for all codes that a family makes of its kind."""

_FLAG = re.compile(r"(?<![\w-])(--[a-z][a-z-]*)")
_CHAPTERS = {
    "data": {"en": "Data", "zh": "数据"},
    "settings": {"en": "Flags, recipes and plans", "zh": "选项、配方与计划"},
    "models": {"en": "Models and base models", "zh": "模型与基础模型"},
    "runs": {"en": "Runs and the machine", "zh": "运行与机器"},
}
_WORDS = {
    "en": {"do": "**What to do**: ", "exit": "exit code", "all": "All codes"},
    "zh": {"do": "**怎么办**：", "exit": "退出码", "all": "全部错误码"},
}


def read_texts() -> dict[str, dict[str, Any]]:
    """Read what is written about each code.

    Returns:
        Code to entry, in the order of the chapters; an entry has ``chapter`` too.
    """
    entries: dict[str, dict[str, Any]] = {}
    for chapter in _CHAPTERS:
        found = tomllib.loads((TEXTS / f"{chapter}.toml").read_text("utf-8"))
        entries |= {code: {**entry, "chapter": chapter} for code, entry in found.items()}
    return entries


def places_of(code: str) -> list[Raised]:
    """Find where an entry's code is raised.

    Args:
        code: Of an entry.

    Returns:
        Places; none where the entry is stale.
    """
    found = raised_errors()
    codes = family_codes(found) if code == ANY_KIND else [code]
    return [place for wanted in codes for place in by_code(found).get(wanted, [])]


def error_reference(language: str) -> str:
    """Write the reference.

    Args:
        language: ``en`` or ``zh``.

    Returns:
        Markdown: a list of all codes, then a chapter for each part of a run.
    """
    words, raised = _WORDS[language], by_code(raised_errors())
    families = family_codes(raised_errors())
    entries = read_texts()
    lines = [f"## {words['all']}", "", '<div class="codes" markdown>', ""]
    listed = sorted(set(entries) - {ANY_KIND}) + ([ANY_KIND] if ANY_KIND in entries else [])
    lines += [" ".join(f"[`{code}`](#{code.lower()})" for code in listed), "", "</div>", ""]
    for chapter, titles in _CHAPTERS.items():
        lines += [f"## {titles[language]}", ""]
        for code, entry in entries.items():
            if entry["chapter"] == chapter:
                places = raised[families[0]] if code == ANY_KIND else raised[code]
                lines += _entry(code, entry, places, language=language)
    return "\n".join(lines)


def marked(text: str) -> str:
    """Set the flags in a text as code.

    Args:
        text: A sentence of an entry.

    Returns:
        Markdown.
    """
    return _FLAG.sub(r"`\1`", text)


def _entry(code: str, entry: dict[str, Any], places: list[Raised], *, language: str) -> list[str]:
    meaning, advice = map(marked, entry[language])
    kinds = sorted({f"`{place.kind}`, {_WORDS[language]['exit']} {place.exit_code}" for place in places})
    command = entry.get("run", "").splitlines()[-1:]
    shown = [f"$ {line}" for line in command if line.startswith("tunesmith")] + entry["example"].strip().splitlines()
    return [
        f"### {code} {{#{code.lower()}}}",
        "",
        f"{meaning} ({'; '.join(kinds)})" if language == "en" else f"{meaning}（{'；'.join(kinds)}）",
        "",
        "```{ .text .wrapped }",
        *shown,
        "```",
        "",
        f"{_WORDS[language]['do']}{advice}",
        "",
    ]
