"""The plot of accuracy against cost: what each rung reached, and after how long."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from tunesmith.evaluate.figures import FigureStyle
from tunesmith.report.canvas import (
    NARROW,
    Canvas,
    axes,
    bar,
    canvas_for,
    finished,
    frame_for,
    hulls,
    polyline,
    text_width,
)
from tunesmith.report.labels import Box, Wanted, place_labels
from tunesmith.report.scales import Scale
from tunesmith.report.svg import element
from tunesmith.report.wording import duration, told
from tunesmith.types import Interval

_LINE_HEIGHT = 16.0
_MARGIN = 18.0
"""Pixels between a point and what is beside it."""
_LEAST_SPAN = 20.0
"""Latest over earliest time on the axis at least, so that some round times lie between."""
_FAR = 16.0
"""A name farther from its point than this is tied to it by a line."""


@dataclass(frozen=True, slots=True)
class CostPoint:
    """A rung in the plot."""

    name: str
    seconds: float
    """From the start of the climb until it landed."""
    score: Interval
    """The figure that chooses, with its 95 % interval."""
    kept: bool


def cost_plot(points: Sequence[CostPoint], *, style: FigureStyle, width: int = 720) -> str:
    """Draw what each rung reached against the time it took to get there.

    Args:
        points: In the order they landed, at least one.
        style: Of the figure on the y axis.
        width: Pixels.

    Returns:
        One ``svg`` element whose colours come from the page's style sheet.
    """
    canvas = _canvas(points, width, style)
    frontier = _frontier(canvas, points)
    ordered = sorted(points, key=lambda point: not point.kept)  # the kept one's name takes the best place
    wanted = [_wanted(canvas, point, style) for point in ordered]
    marks = [_room(canvas, point) for point in points]
    places = place_labels(wanted, frame=canvas.room(), marks=marks, lines=hulls(frontier))
    parts = [
        *axes(canvas, x_title="time until it landed, log scale", style=style),
        polyline(frontier, class_="frontier"),
        *(_drawn(canvas, point) for point in points),
        *(_label(*named, style=style) for named in zip(ordered, wanted, places, strict=True)),
    ]
    said = "; ".join(
        f"{point.name} {told(style, point.score.value)} after {duration(point.seconds)}" for point in points
    )
    return finished(canvas, parts, label=f"{style.words} against time: {said}")


def _canvas(points: Sequence[CostPoint], width: int, style: FigureStyle) -> Canvas:
    """Lay the plot out so that the lowest point's name fits below it and the last one's to its right."""
    values = [end for point in points for end in (point.score.low, point.score.high, point.score.value)]
    height = 360.0 if width < NARROW else 380.0
    frame = frame_for(width, height)
    first, last = min(map(_seconds, points)), max(map(_seconds, points))
    room, right = (
        frame.right - frame.left,
        max(text_width(line) for point in points for line in _lines(point, style)) + _MARGIN,
    )
    left = _MARGIN if last > 2.0 * first else room / 4.0
    per_pixel = max(math.log(last / first) / (room - left - right), math.log(_LEAST_SPAN) / room)
    earliest = first * math.exp(-left * per_pixel)
    times = Scale(earliest, earliest * math.exp(room * per_pixel), 0.0, 1.0, logarithmic=True)
    return canvas_for(values, times, width=width, height=height, below=2.0 * _LINE_HEIGHT + _MARGIN)


def _frontier(canvas: Canvas, points: Sequence[CostPoint]) -> list[tuple[float, float]]:
    """The best score so far as time passes, as corners of a line of steps."""
    corners: list[tuple[float, float]] = []
    best = -math.inf
    for point in sorted(points, key=lambda point: point.seconds):
        x = canvas.x(_seconds(point))
        if corners:
            corners.append((x, corners[-1][1]))
        if point.score.value > best:
            best = point.score.value
            corners.append((x, canvas.y(best)))
    return [*corners, (canvas.frame.right, corners[-1][1])]


def _room(canvas: Canvas, point: CostPoint) -> Box:
    """The room that a point and its bar take."""
    x = canvas.x(_seconds(point))
    return Box(x - 9.0, canvas.y(point.score.high) - 2.0, x + 9.0, canvas.y(point.score.low) + 2.0)


def _drawn(canvas: Canvas, point: CostPoint) -> str:
    """A point and its bar: filled and larger where it is kept."""
    x, y = canvas.x(_seconds(point)), canvas.y(point.score.value)
    mark = element("circle", cx=x, cy=y, r=6.5 if point.kept else 5.0, class_="mark kept" if point.kept else "mark")
    return bar(x, canvas.y(point.score.low), canvas.y(point.score.high), kept=point.kept) + mark


def _lines(point: CostPoint, style: FigureStyle) -> tuple[str, str]:
    name = f"{point.name}, kept" if point.kept else point.name
    return name, f"{told(style, point.score.value)}, {duration(point.seconds)}"


def _wanted(canvas: Canvas, point: CostPoint, style: FigureStyle) -> Wanted:
    width = max(map(text_width, _lines(point, style)))
    return Wanted(canvas.x(_seconds(point)), canvas.y(point.score.value), width, 2.0 * _LINE_HEIGHT + 4.0)


def _label(point: CostPoint, want: Wanted, place: Box, *, style: FigureStyle) -> str:
    """The name of a point and its figures in two lines; a line leads to the point where that is far."""
    name, figures = _lines(point, style)
    is_left = place.right < want.x
    x, end = (place.right - 4.0, " end") if is_left else (place.left + 4.0, "")
    kept = " kept" if point.kept else ""
    drawn = [
        element("text", escape(name), x=x, y=place.top + 14.0, class_=f"label{kept}{end}"),
        element("text", escape(figures), x=x, y=place.top + 14.0 + _LINE_HEIGHT, class_=f"detail{end}"),
    ]
    if place.gap(want.x, want.y) > _FAR:
        near_x, near_y = place.nearest(want.x, want.y)
        drawn.append(polyline([(want.x, want.y), (near_x, near_y)], class_="leader"))
    return "".join(drawn)


def _seconds(point: CostPoint) -> float:
    """What a logarithmic axis can show."""
    return max(point.seconds, 0.01)
