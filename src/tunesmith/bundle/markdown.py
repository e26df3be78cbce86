"""A user's words in a card: never markup, never a new line, never too long."""

from __future__ import annotations

import json

_LONGEST, _LONGEST_SENTENCE = 80, 400
_MARKS = {mark: f"&#{ord(mark)};" for mark in "&<>`*[]"}


def yaml(text: str) -> str:
    """Write a double-quoted YAML scalar: JSON strings are.

    Args:
        text: Of a user.

    Returns:
        One line.
    """
    return json.dumps(_plain(text), ensure_ascii=False)


def code(text: str) -> str:
    """Write a Markdown code span, in which nothing is markup; its fence is longer than any in the text.

    Args:
        text: Of a user.

    Returns:
        One line.

    Example:
        >>> code("a`b")
        '``a`b``'
    """
    plain = _plain(text)
    fence = "`" * (max(map(len, _runs_of_backticks(plain)), default=0) + 1)
    space = " " if plain.startswith("`") or plain.endswith("`") or not plain.strip() else ""
    return f"{fence}{space}{plain}{space}{fence}"


def sentence(text: str) -> str:
    """Write a sentence that may hold a user's words as running text.

    Args:
        text: Plain.

    Returns:
        One line with its marks as entities.

    Example:
        >>> sentence('look alike: "<b>", "*b*"')
        'look alike: "&#60;b&#62;", "&#42;b&#42;"'
    """
    return "".join(_MARKS.get(char, char) for char in _plain(text, _LONGEST_SENTENCE))


def _plain(text: str, longest: int = _LONGEST) -> str:
    """A text on one line, shortened, what is not printable as escapes."""
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in cut)


def _runs_of_backticks(text: str) -> list[str]:
    return "".join(char if char == "`" else " " for char in text).split()
