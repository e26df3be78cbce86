"""What the report's plots share: the frame with its axes, and the marks drawn in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from tunesmith.evaluate.figures import FigureStyle
from tunesmith.report.labels import Box
from tunesmith.report.scales import Scale, decade_ticks, linear_ticks
from tunesmith.report.svg import element

NARROW = 500
"""Plots below this width are drawn for a phone, and shown on nothing larger."""

_BELOW_TITLE = 22.0
_AIR = 14.0
"""Pixels between the outermost values and the frame."""
_LEAST_GAP = 60.0
"""Pixels between two names on a logarithmic axis."""
_LEAST_RANGE = 0.01
"""Share that a y axis spans at least, so that nothing is blown up out of proportion."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """Size of a plot in pixels, the frame within it, and its scales; y holds shares."""

    width: float
    height: float
    frame: Box
    x: Scale
    y: Scale

    def room(self) -> Box:
        """Say where labels may stand: in the frame, and above it up to the title of the y axis.

        Returns:
            Pixels.
        """
        return Box(self.frame.left, _BELOW_TITLE, self.frame.right, self.frame.bottom - 2.0)


def canvas_for(values: Sequence[float], x: Scale, *, width: float, height: float, below: float = _AIR) -> Canvas:
    """Lay a plot out.

    Args:
        values: Shares that the y axis must hold.
        x: Lower and upper end of the x axis; its pixels are set here.
        width: Pixels.
        height: Pixels.
        below: Pixels to leave free below the lowest value.

    Returns:
        The canvas.
    """
    frame = frame_for(width, height)
    low, high = min(values), max(values)
    per_pixel = max(high - low, _LEAST_RANGE) / (frame.bottom - frame.top - _AIR - below)
    y = Scale(
        max(0.0 if low >= 0.0 else -1.0, low - below * per_pixel),
        min(1.0, high + _AIR * per_pixel),
        frame.bottom,
        frame.top,
    )
    return Canvas(width, height, frame, Scale(x.low, x.high, frame.left, frame.right, x.logarithmic), y)


def frame_for(width: float, height: float) -> Box:
    """Say where within a plot the points go.

    Args:
        width: Of the plot in pixels.
        height: Of the plot in pixels.

    Returns:
        The rest is for names of axes and their values.
    """
    return Box(48.0, 44.0, width - 10.0, height - 46.0)


def axes(canvas: Canvas, *, x_title: str, style: FigureStyle) -> list[str]:
    """Draw the axes: values of y on the left with a line each, names of x below.

    Args:
        canvas: Its x axis is one of steps, or logarithmic.
        x_title: What runs along the x axis.
        style: Of the figure on the y axis.

    Returns:
        SVG elements.
    """
    frame, drawn = canvas.frame, []
    scale = 100.0 if style.is_share else 1.0
    for level in linear_ticks(scale * canvas.y.low, scale * canvas.y.high):
        y = canvas.y(level / scale)
        drawn.append(element("path", d=f"M{frame.left:.1f} {y:.1f} H{frame.right:.1f}", class_="grid"))
        drawn.append(element("text", f"{level:g}", x=frame.left - 8.0, y=y + 4.0, class_="tick end"))
    for x, name in _x_ticks(canvas):
        drawn.append(element("path", d=f"M{x:.1f} {frame.bottom:.1f} v5", class_="axis"))
        drawn.append(element("text", name, x=x, y=frame.bottom + 19.0, class_="tick middle"))
    drawn.append(element("path", d=f"M{frame.left:.1f} {frame.bottom:.1f} H{frame.right:.1f}", class_="axis"))
    drawn.append(
        element("text", escape(f"{style.words}, %" if style.is_share else style.words), x=4, y=16, class_="title")
    )
    drawn.append(element("text", escape(x_title), x=frame.right, y=canvas.height - 6.0, class_="title end"))
    return drawn


def _x_ticks(canvas: Canvas) -> list[tuple[float, str]]:
    """Pixels and names along the x axis, without a name that would be cut at the plot's edge."""
    scale = canvas.x
    if scale.logarithmic:
        values = decade_ticks(scale, least_gap=_LEAST_GAP)
    else:
        values = linear_ticks(scale.low, scale.high, most=5, whole=True)
    named = [(scale(value), f"{value:,g}") for value in values]
    return [(x, name) for x, name in named if x + text_width(name) / 2.0 <= canvas.width]


def finished(canvas: Canvas, parts: Sequence[str], *, label: str) -> str:
    """Put a plot's elements together.

    Args:
        canvas: Its size decides on which screens it is shown.
        parts: SVG elements, the lowest first.
        label: What the plot says, for whoever cannot see it.

    Returns:
        One ``svg`` element.
    """
    size = "narrow" if canvas.width < NARROW else "wide"
    box = f"0 0 {canvas.width:g} {canvas.height:g}"
    return element("svg", "".join(parts), viewBox=box, class_=f"plot {size}", role="img", aria_label=label)


def bar(x: float, low: float, high: float, *, kept: bool) -> str:
    """Draw an interval as an upright line with a cap at each end.

    Args:
        x: Pixel.
        low: Pixel of the lower end.
        high: Pixel of the upper end.
        kept: Whether it belongs to what was kept.

    Returns:
        One element.
    """
    path = f"M{x:.1f} {low:.1f} V{high:.1f} M{x - 5:.1f} {low:.1f} h10 M{x - 5:.1f} {high:.1f} h10"
    return element("path", d=path, class_="bar kept" if kept else "bar")


def polyline(corners: Sequence[tuple[float, float]], *, class_: str) -> str:
    """Draw a line through points.

    Args:
        corners: Pixels x and y, at least one.
        class_: Class of the style sheet.

    Returns:
        One element.

    Example:
        >>> polyline([(1.0, 2.0), (3.0, 4.0)], class_="curve")
        '<path d="M1.0 2.0 L3.0 4.0" class="curve"></path>'
    """
    return element("path", d="M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in corners), class_=class_)


def hulls(corners: Sequence[tuple[float, float]]) -> list[Box]:
    """Give boxes around a line, for what must keep clear of it.

    Args:
        corners: Pixels x and y.

    Returns:
        One thin box for a level or upright piece, several small ones along a slanting one.

    Example:
        >>> hulls([(0.0, 5.0), (8.0, 5.0)])
        [Box(left=0.0, top=5.0, right=8.0, bottom=5.0)]
    """
    found = []
    for (x, y), (to_x, to_y) in pairwise(corners):
        n_parts = 1 if x == to_x or y == to_y else 12
        cuts = [(x + (to_x - x) * part / n_parts, y + (to_y - y) * part / n_parts) for part in range(n_parts + 1)]
        found += [Box(min(u, w), min(v, z), max(u, w), max(v, z)) for (u, v), (w, z) in pairwise(cuts)]
    return found


def text_width(text: str) -> float:
    """Estimate the room that a label takes.

    Args:
        text: Without markup.

    Returns:
        Pixels, on the wide side for the usual fonts at 13 pixels, a little space at both ends included.
    """
    return 7.6 * len(text) + 8.0
