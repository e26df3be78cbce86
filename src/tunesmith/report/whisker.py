"""A share and its interval on a short line, for a table's cell."""

from __future__ import annotations

from tunesmith.report.scales import Scale
from tunesmith.report.svg import element
from tunesmith.types import Interval

_WIDTH = 120.0
_MIDDLE = 7.0


def whisker(score: Interval) -> str:
    """Draw a share and its interval on a line from 0 to 1.

    Args:
        score: 0..1.

    Returns:
        One ``svg`` element, hidden from screen readers: the cell beside it tells the figures.
    """
    scale = Scale(0.0, 1.0, 4.0, _WIDTH - 4.0)
    parts = [
        element("path", d=f"M{scale(0.0):.1f} {_MIDDLE:g} H{scale(1.0):.1f}", class_="rail"),
        element("path", d=f"M{scale(score.low):.1f} {_MIDDLE:g} H{scale(score.high):.1f}", class_="reach"),
        element("circle", cx=scale(score.value), cy=_MIDDLE, r=3.5, class_="dot"),
    ]
    box = f"0 0 {_WIDTH:g} {2 * _MIDDLE:g}"
    return element("svg", "".join(parts), viewBox=box, class_="whisker", aria_hidden="true")
