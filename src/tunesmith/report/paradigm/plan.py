"""Where everything stands: points by their cost and score, names clear of one another, titles, headline and notes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from tunesmith.report.canvas import NARROW, Canvas, canvas_for, hulls
from tunesmith.report.labels import Box
from tunesmith.report.paradigm.drawing import Drawing, Line, Mark, Part, Words, text_width, wrapped
from tunesmith.report.paradigm.names import LINE_HEIGHT, Set, label_of, named
from tunesmith.report.paradigm.palette import PARADIGMS
from tunesmith.report.paradigm.picture import Picture, Point
from tunesmith.report.scales import Scale, decade_ticks, linear_ticks, time_ticks

WIDE, PHONE = 720, 360
"""Pixels that a picture is wide on a page, and on a phone."""
_SHEET_MARGIN = 28.0
_HEADLINE, _DECK, _NOTE = 22.0, 14.0, 12.0
"""Sizes of letters in pixels."""
_LEADING = 1.32
_MARGIN = 18.0
_GUTTER = 96.0
"""Pixels left of the axis for what nobody counted."""
_LEAST_SPAN = 20.0
"""Highest over lowest cost on the axis at least, so that some round values lie between."""
_LEAST_GAP = {True: 52.0, False: 78.0}
"""Pixels between two values of the axis: of times, and of others, whose units are longer."""
_LEAST_COST = 0.01
"""Of a step that takes less, in seconds, TFLOP or Wh, a logarithmic axis shows this."""


def sheet(picture: Picture, *, width: int = WIDE) -> Drawing:
    """Lay out a picture that stands alone: headline, plot and notes.

    Args:
        picture: What it shows and says.
        width: Pixels.

    Returns:
        The drawing.
    """
    inner = width - 2.0 * _SHEET_MARGIN
    y, head = _paragraph(picture.headline, inner, _SHEET_MARGIN - 4.0, size=_HEADLINE, role="serif", bold=True)
    y, deck = _paragraph(picture.deck, inner, y + 8.0, size=_DECK, role="ink")
    canvas = _canvas(picture, inner)
    plotted = [_moved(part, _SHEET_MARGIN, y + 16.0) for part in _plot(picture, canvas)]
    y, notes = _paragraph(picture.notes, inner, y + 16.0 + canvas.height + 12.0, size=_NOTE, role="quiet")
    return _drawing(picture, [*head, *deck, *plotted, *notes], width=width, height=math.ceil(y + _SHEET_MARGIN - 6.0))


def inset(picture: Picture, *, width: int = WIDE) -> Drawing:
    """Lay out the plot alone, for a page that says the rest itself.

    Args:
        picture: What it shows.
        width: Pixels.

    Returns:
        The drawing.
    """
    canvas = _canvas(picture, width)
    return _drawing(picture, _plot(picture, canvas), width=width, height=canvas.height)


def _drawing(picture: Picture, parts: Sequence[Part], *, width: float, height: float) -> Drawing:
    return Drawing(
        width=width,
        height=height,
        title=picture.headline,
        description=picture.description,
        language=picture.telling.language.name,
        parts=tuple(parts),
    )


def _paragraph(
    text: str, width: float, top: float, *, size: float, role: str, bold: bool = False
) -> tuple[float, list[Part]]:
    """Set sentences one after another; gives where they end."""
    lines = wrapped(text, width, size, bold=bold)
    set_ = [
        Words(line, _SHEET_MARGIN, top + size + number * size * _LEADING, size, role, bold=bold)
        for number, line in enumerate(lines)
    ]
    return top + len(lines) * size * _LEADING, list(set_)


def _moved(part: Part, right: float, down: float) -> Part:
    if isinstance(part, Line):
        return Line(tuple((x + right, y + down) for x, y in part.points), part.role)
    if isinstance(part, Mark):
        return Mark(part.shape, part.x + right, part.y + down, part.radius, part.role)
    return Words(part.text, part.x + right, part.y + down, part.size, part.role, part.anchor, part.bold, part.tail)


def _canvas(picture: Picture, width: float) -> Canvas:
    """Lay the axes out so that the lowest point's name fits below it and the dearest one's to its right."""
    points = picture.points
    ends = [end for point in points for end in (point.score.low, point.score.high, point.score.value)]
    height = (340.0 if width < NARROW else 360.0) + 12.0 * max(0, len(points) - 4)
    costs = [max(point.cost, _LEAST_COST) for point in points if point.cost is not None]
    room = width - 58.0
    lost = _GUTTER if len(costs) < len(points) else 0.0
    first, last = (min(costs), max(costs)) if costs else (1.0, 1.0)
    right = (
        max(label_of(point, picture.telling.language, 0).width for point in points) + _MARGIN
        if width >= NARROW
        else 0.18 * room
    )
    left = lost + (_MARGIN if last > 2.0 * first else (room - lost) / 4.0)
    per_pixel = max(math.log(last / first) / max(room - left - right, 40.0), math.log(_LEAST_SPAN) / room)
    earliest = first * math.exp(-left * per_pixel)
    axis = Scale(earliest, earliest * math.exp(room * per_pixel), 0.0, 1.0, logarithmic=True)
    return canvas_for(ends, axis, width=width, height=height, below=2.0 * LINE_HEIGHT + _MARGIN)


def _plot(picture: Picture, canvas: Canvas) -> list[Part]:
    """Everything within the plot, the lowest first."""
    places = [_place(canvas, point) for point in picture.points]
    lines = [_steps(canvas, [places[number] for number in line]) for line in picture.frontiers]
    clear = [box for line in lines for box in hulls(line)]
    there = Set(canvas, places, [_room(canvas, point) for point in picture.points], clear)
    return [
        *_axes(picture, canvas),
        *(Line(tuple(line), "frontier") for line in lines),
        *(part for point, place in zip(picture.points, places, strict=True) for part in _drawn(canvas, point, place)),
        *named(picture, there),
    ]


def _place(canvas: Canvas, point: Point) -> tuple[float, float]:
    """Where a point stands; one whose cost nobody counted stands left of the axis."""
    y = canvas.y(point.score.value)
    if point.cost is None:
        return canvas.frame.left + _MARGIN, y
    return canvas.x(max(point.cost, _LEAST_COST)), y


def _steps(canvas: Canvas, places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The best so far as corners of a line of steps, to the right edge."""
    corners = [places[0]]
    for (_, before), (x, y) in pairwise(places):
        corners += [(x, before), (x, y)]
    return [*corners, (canvas.frame.right, corners[-1][1])]


def _room(canvas: Canvas, point: Point) -> Box:
    """The room that a point and its bar take."""
    x, y = _place(canvas, point)
    top, bottom = min(canvas.y(point.score.high), y - 9.0), max(canvas.y(point.score.low), y + 9.0)
    return Box(x - 10.0, top - 2.0, x + 10.0, bottom + 2.0)


def _drawn(canvas: Canvas, point: Point, place: tuple[float, float]) -> list[Part]:
    """A point and its bar: hollow off the frontier, larger and ringed where it is kept."""
    x, y = place
    shape, role = PARADIGMS[point.paradigm], point.paradigm
    bar = Line(((x, canvas.y(point.score.low)), (x, canvas.y(point.score.high))), f"bar {role}")
    if point.kept:
        return [bar, Mark(shape, x, y, 6.0, role), Mark("circle", x, y, 11.0, "halo")]
    return [bar, Mark(shape, x, y, 5.0, role if point.on_frontier else f"{role} hollow")]


def _axes(picture: Picture, canvas: Canvas) -> list[Part]:
    """Values of the figure with a line each, names of costs below."""
    frame, language = canvas.frame, picture.telling.language
    scale = 100.0 if picture.telling.style.is_share else 1.0
    drawn: list[Part] = [Words(picture.y_title, 2.0, 16.0, 12.5, "quiet", bold=True)]
    for level in linear_ticks(scale * canvas.y.low, scale * canvas.y.high):
        y = canvas.y(level / scale)
        drawn.append(Line(((frame.left, y), (frame.right, y)), "grid"))
        drawn.append(Words(f"{level:g}", frame.left - 8.0, y + 4.0, 12.5, "quiet", "end"))
    has_gutter = any(point.cost is None for point in picture.points)
    begin = frame.left + _GUTTER - _MARGIN if has_gutter else frame.left
    clear = 0.0
    if has_gutter:
        not_counted = Words(language.words["not_counted"], frame.left, frame.bottom + 19.0, 12.5, "quiet")
        drawn += [not_counted, Line(((frame.left, frame.bottom), (begin - 12.0, frame.bottom)), "axis")]
        clear = not_counted.box().right + 8.0
    ticks = time_ticks if picture.telling.cost.is_time else decade_ticks
    for value in ticks(canvas.x, least_gap=_LEAST_GAP[picture.telling.cost.is_time]):
        x, name = canvas.x(value), language.tick(picture.telling.cost, value)
        reach = text_width(name, 12.5) / 2.0
        if x - reach >= clear and x + reach <= canvas.width:
            drawn.append(Line(((x, frame.bottom), (x, frame.bottom + 5.0)), "axis"))
            drawn.append(Words(name, x, frame.bottom + 19.0, 12.5, "quiet", "middle"))
    drawn.append(Line(((begin, frame.bottom), (frame.right, frame.bottom)), "axis"))
    title = language.words[f"x_{picture.telling.cost.name}"]
    return [*drawn, Words(title, frame.right, canvas.height - 6.0, 12.5, "quiet", "end", bold=True)]
