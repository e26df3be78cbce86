"""Words of Chinese text, so that the search finds them: the longest of a list of words, else single characters."""

from __future__ import annotations

import json
import re
from pathlib import Path

WORDS = Path(__file__).parent / "words_zh.txt"
"""Words that readers may search for, one a line."""

_BOUNDARY = "\u200b"
"""Splits words for the search, and is not seen."""

_HAN = re.compile(r"[\u3400-\u9fff]+")


def segmented(text: str, words: frozenset[str]) -> str:
    """Put invisible boundaries between the words of Chinese stretches.

    Args:
        text: Of the search index.
        words: Known words.

    Returns:
        The same to the eye.
    """
    longest = max(map(len, words), default=1)

    def cut(found: re.Match[str]) -> str:
        run, parts, start = found[0], [], 0
        while start < len(run):
            sizes = range(min(longest, len(run) - start), 0, -1)
            size = next((size for size in sizes if run[start : start + size] in words), 1)
            parts.append(run[start : start + size])
            start += size
        return _BOUNDARY + _BOUNDARY.join(parts) + _BOUNDARY

    return _HAN.sub(cut, text)


def segment_index(index: Path) -> None:
    """Segment titles and texts of a search index.

    Args:
        index: ``search_index.json``, rewritten in place.
    """
    words = frozenset(WORDS.read_text("utf-8").split())
    content = json.loads(index.read_text("utf-8"))
    for entry in content["docs"]:
        entry["title"], entry["text"] = (segmented(entry[name], words) for name in ("title", "text"))
    index.write_text(json.dumps(content, ensure_ascii=False), "utf-8")
