"""Texts as a reader would compare them: without case, spaces, punctuation or the way they were typed."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def folded(texts: Sequence[str]) -> list[str]:
    """Fold texts by NFKC, case, spaces and punctuation; letters, marks, digits, signs and emoji stay.

    Args:
        texts: Any texts.

    Returns:
        One folded text each. A text of nothing but punctuation keeps it, so that ``"?!"`` is not the empty text.

    Example:
        >>> folded(["Where's my card?", "wheres MY  card", "?!", ""])
        ['wheresmycard', 'wheresmycard', '?!', '']
    """
    plain = [unicodedata.normalize("NFKC", text).casefold() for text in texts]
    alphabet: set[str] = set().union(*plain)
    dropped = {ord(char): None for char in alphabet if _is_spacing(char)}
    return [text.translate(dropped) or "".join(text.split()) for text in plain]


def _is_spacing(char: str) -> bool:
    """Whether a character only separates or decorates: punctuation, spaces, controls and modifier signs."""
    category = unicodedata.category(char)
    return category[0] in "PZC" or category == "Sk"
