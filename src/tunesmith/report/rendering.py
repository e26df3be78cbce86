"""Pages that need nothing else: one style sheet for all, allowed by its hash, and every value escaped."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from tunesmith.errors import plural
from tunesmith.report import wording
from tunesmith.report.whisker import whisker

_LONG_NAME = 16
"""Characters that fit in a cell of a table."""
_MARK = re.compile(r"([_/.:-])(?=\w)")


def render(name: str, **values: Any) -> str:
    """Write a page.

    Args:
        name: File of the template, beside this one.
        values: What it tells.

    Returns:
        A whole HTML page. Its content security policy allows its own style sheet, by hash, and nothing else.
    """
    sheet = _read("style.css")
    return _template(name).render(style=Markup(sheet), style_hash=_digest(sheet), **values)


def _read(name: str) -> str:
    return (files("tunesmith.report") / name).read_text(encoding="utf-8")


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=FunctionLoader(_read), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    for filter_name in ("shown", "percent", "span", "signed", "duration", "probability", "told"):
        environment.filters[filter_name] = getattr(wording, filter_name)
    environment.filters["plural"] = plural
    environment.filters["breakable"] = _breakable
    environment.filters["whisker"] = lambda score: Markup(whisker(score))
    return environment.get_template(name)


def _breakable(text: str) -> Markup:
    """Let a long name without spaces break after its marks, not in the middle of a word."""
    escaped = str(escape(text))
    return Markup(_MARK.sub(r"\1<wbr>", escaped) if len(text) > _LONG_NAME else escaped)


def _digest(style: str) -> str:
    """Name a style sheet as a content security policy does."""
    return "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
