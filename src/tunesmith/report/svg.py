"""SVG as text, one element at a time; colours and fonts come from the page's style sheet by class."""

from __future__ import annotations

from html import escape


def element(name: str, content: str = "", **attributes: str | float) -> str:
    """Write one element.

    Args:
        name: Tag.
        content: What stands inside, already escaped: other elements, or the result of ``html.escape``.
        **attributes: Escaped here; a trailing underscore is dropped and others become hyphens (``class_``,
            ``text_anchor``); numbers are pixels, written to a tenth.

    Returns:
        The element.

    Example:
        >>> element("text", "a &lt; b", x=1.04, class_="tick", text_anchor="end")
        '<text x="1" class="tick" text-anchor="end">a &lt; b</text>'
    """
    told = "".join(f' {key.rstrip("_").replace("_", "-")}="{_written(value)}"' for key, value in attributes.items())
    return f"<{name}{told}>{content}</{name}>"


def _written(value: str | float) -> str:
    return escape(value) if isinstance(value, str) else f"{round(value, 1):g}"
