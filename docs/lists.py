"""Lists that the pages take from the sources: names of columns that are known, architectures that can be run."""

from __future__ import annotations

from tunesmith.data.names import LABEL_NAMES, TEXT_NAMES
from tunesmith.models.architectures import ARCHITECTURES

_WORDS = {
    "en": {"text": "Texts", "label": "Labels", "colon": ": "},
    "zh": {"text": "文本列", "label": "标签列", "colon": "："},
}


def column_names(language: str) -> str:
    """List the names by which columns are found.

    Args:
        language: ``en`` or ``zh``.

    Returns:
        A Markdown list of two items.
    """
    words = _WORDS[language]
    lists = (("text", TEXT_NAMES), ("label", LABEL_NAMES))
    return "\n".join(
        f"* {words[kind]}{words['colon']}" + " ".join(f"`{name}`" for name in names) for kind, names in lists
    )


def architectures(language: str) -> str:
    """List the architectures by their ``model_type``, those of our own engine with a star.

    Args:
        language: ``en`` or ``zh``; the list is the same.

    Returns:
        One line of Markdown.
    """
    del language
    return " ".join(f"`{name}`" + r"\*" * kind.is_flat for name, kind in sorted(ARCHITECTURES.items()))
