"""What is done to every text and label before anything else sees it; the same at training and at prediction."""

from __future__ import annotations

import re
import unicodedata
from types import MappingProxyType
from typing import Literal, TypeAlias

from tunesmith.types import Text

Form: TypeAlias = Literal["NFC", "NFKC"]
"""Normal form of Unicode: ``NFC`` joins what is one character; ``NFKC`` also makes full-width letters, ligatures and
the like plain ones."""

PREPARATION = MappingProxyType({"normalise": "NFC", "control": "space", "strip": True})
"""How ``prepare_text`` prepares if nothing else is asked for, as a bundle records it."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # half a surrogate pair counts: no tokenizer takes it


def prepare_text(text: str, normalise: Form = "NFC") -> str:
    r"""Bring a text to a normal form, make every control character a space, and strip the ends.

    Args:
        text: As the user wrote it.
        normalise: The normal form.

    Returns:
        The text on one line; applied again, nothing changes.

    Example:
        >>> prepare_text(" two\r\nlines \x00"), prepare_text("ﬁne ＡＢＣ", "NFKC")
        ('two  lines', 'fine ABC')
    """
    if text.isprintable():  # no control character; and ASCII is in every normal form
        return (text if text.isascii() else unicodedata.normalize(normalise, text)).strip()
    return unicodedata.normalize(normalise, _CONTROL.sub(" ", text)).strip()


def prepare_input(text: Text, normalise: Form = "NFC") -> Text:
    """Prepare a text, or both of a pair.

    Args:
        text: As the user wrote it.
        normalise: The normal form.

    Returns:
        Of the same kind.

    Example:
        >>> prepare_input(("one ", " two"))
        ('one', 'two')
    """
    if isinstance(text, str):
        return prepare_text(text, normalise)
    return prepare_text(text[0], normalise), prepare_text(text[1], normalise)


def prepare_label(label: str) -> str:
    """Bring a label to NFC and strip its ends; labels that only look alike stay different.

    Returns:
        The label as it is stored, shown and compared.

    Example:
        >>> prepare_label(" 01 "), prepare_label("1")
        ('01', '1')
    """
    return unicodedata.normalize("NFC", label).strip()
