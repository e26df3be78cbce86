"""A drawing as a list of lines, marks and words in pixels; what writes a file knows nothing of what they mean."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tunesmith.report.labels import Box

Anchor: TypeAlias = Literal["start", "middle", "end"]
_WIDE = ("W", "F")
_WIDTHS = {
    **dict.fromkeys("ijlI'|", 0.29),
    **dict.fromkeys(" \xa0.,:;!()[]/ftr·", 0.39),
    **dict.fromkeys("abcdeghknopqsuvxyz0123456789-", 0.625),
    **dict.fromkeys("mwMW%@", 0.96),
}
_OTHER = 0.72
"""Widths of letters as shares of their size: those of DejaVu Sans, of which few fonts of screens are wider."""
_BOLD = 1.1
_NOT_FIRST = "，。、：；！？）》”’%)]},.;:!?"
"""Characters that no line begins with."""
_NOT_LAST = "（《“‘(["
"""Characters that no line ends with."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points, at least two."""

    points: tuple[tuple[float, float], ...]
    role: str
    """Of the palette's style sheet, such as ``grid``; a second word names the paradigm."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark of some shape around a point."""

    shape: str
    x: float
    y: float
    radius: float
    role: str
    """Its paradigm, after which ``hollow`` or ``halo`` may stand."""


@dataclass(frozen=True, slots=True)
class Words:
    """One line of text; ``y`` is where its letters stand."""

    text: str
    x: float
    y: float
    size: float = 13.0
    role: str = "ink"
    anchor: Anchor = "start"
    bold: bool = False
    tail: str = ""
    """Goes on in the same line, quietly."""

    @property
    def width(self) -> float:
        """Pixels that it may take."""
        return text_width(self.text, self.size, bold=self.bold) + text_width(self.tail, self.size)

    def box(self) -> Box:
        """Say where it stands.

        Returns:
            Pixels.
        """
        left = self.x - {"start": 0.0, "middle": 0.5, "end": 1.0}[self.anchor] * self.width
        return Box(left, self.y - 0.85 * self.size, left + self.width, self.y + 0.25 * self.size)


Part: TypeAlias = Line | Mark | Words


@dataclass(frozen=True, slots=True)
class Drawing:
    """All parts, the lowest first, and what they say to whoever cannot see them."""

    width: float
    height: float
    title: str
    description: str
    language: str
    parts: tuple[Part, ...]


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Estimate the room that a line takes.

    Args:
        text: Without markup.
        size: Of its letters in pixels.
        bold: Whether it is bold.

    Returns:
        Pixels, on the wide side; a Chinese character is as wide as its size.
    """
    letters = sum(1.0 if unicodedata.east_asian_width(each) in _WIDE else _WIDTHS.get(each, _OTHER) for each in text)
    return size * letters * (_BOLD if bold else 1.0)


def wrapped(text: str, width: float, size: float, *, bold: bool = False) -> list[str]:
    """Break a text into lines: at spaces, and between Chinese characters.

    Args:
        text: One paragraph.
        width: Pixels a line.
        size: Of its letters in pixels.
        bold: Whether it is bold.

    Returns:
        Its lines; a word that is longer than a line has one of its own.

    Example:
        >>> wrapped("one two three", 60.0, 10.0)
        ['one two', 'three']
    """
    lines = [""]
    for piece in _pieces(text):
        if lines[-1] and text_width((lines[-1] + piece).rstrip(), size, bold=bold) > width:
            lines.append("")
        lines[-1] += piece if lines[-1] else piece.lstrip()
    return [line.strip(" ") for line in lines]


def _pieces(text: str) -> list[str]:
    """Cut where a line may end, each space staying with what is before it."""
    found = [""]
    for character in text:
        is_wide = unicodedata.east_asian_width(character) in _WIDE
        before = found[-1]
        after_wide = before != "" and unicodedata.east_asian_width(before[-1]) in _WIDE
        may_end = before != "" and before[-1] not in _NOT_LAST and (before[-1] == " " or is_wide or after_wide)
        if may_end and character not in _NOT_FIRST and character != " ":
            found.append("")
        found[-1] += character
    return found


def corners(shape: str, x: float, y: float, *, radius: float) -> list[tuple[float, float]]:
    """Give the corners of a mark; shapes of one radius look equally large.

    Args:
        shape: ``square``, ``triangle``, ``diamond`` or ``pentagon``.
        x: Of its middle, pixels.
        y: Of its middle, pixels.
        radius: Of a circle of that size, pixels.

    Returns:
        Pixels x and y of each corner.
    """
    count, turn, reach = {
        "square": (4, 0.5, 1.25),
        "triangle": (3, 0.0, 1.45),
        "diamond": (4, 0.0, 1.35),
        "pentagon": (5, 0.0, 1.15),
    }[shape]
    angles = [2.0 * math.pi * (number + turn) / count - math.pi / 2.0 for number in range(count)]
    down = 0.15 * radius if shape == "triangle" else 0.0
    return [(x + reach * radius * math.cos(each), y + down + reach * radius * math.sin(each)) for each in angles]
