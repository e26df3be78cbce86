"""The curve of a fine-tuning: how the validation score moved, and which step's weights were taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from tunesmith.evaluate.figures import FigureStyle
from tunesmith.report.canvas import NARROW, Canvas, axes, bar, canvas_for, finished, hulls, polyline, text_width
from tunesmith.report.labels import Box, Wanted, place_labels
from tunesmith.report.scales import Scale
from tunesmith.report.svg import element
from tunesmith.report.wording import told
from tunesmith.types import Interval


@dataclass(frozen=True, slots=True)
class Curve:
    """The scored points of one fit."""

    rung: str
    scores: tuple[tuple[int, float], ...]
    """Optimiser step and score, ascending, at least one."""
    best_step: int
    """The step whose weights were taken."""
    best: Interval
    """Their score with its 95 % interval."""
    start: tuple[str, float] | None
    """Name and score of the rung that training started from."""


def curve_plot(curve: Curve, *, style: FigureStyle, width: int = 720) -> str:
    """Draw how the validation score moved while an encoder was trained.

    Args:
        curve: At least one scored point.
        style: Of the figure on the y axis.
        width: Pixels.

    Returns:
        One ``svg`` element whose colours come from the page's style sheet.
    """
    points = [*([(0, curve.start[1])] if curve.start else []), *curve.scores]
    values = [value for _, value in points] + [curve.best.low, curve.best.high]
    steps = Scale(0.0, 1.04 * curve.scores[-1][0], 0.0, 1.0)
    canvas = canvas_for(values, steps, width=width, height=240.0 if width < NARROW else 280.0)
    x, y, frame = canvas.x, canvas.y, canvas.frame
    places = [(x(step), y(value)) for step, value in points]
    reference = [(frame.left, places[0][1]), (frame.right, places[0][1])] if curve.start else []
    parts = [
        *axes(canvas, x_title="optimiser steps", style=style),
        *([polyline(reference, class_="reference")] if reference else []),
        polyline(places, class_="curve"),
        bar(x(curve.best_step), y(curve.best.low), y(curve.best.high), kept=True),
        *(element("circle", cx=px, cy=py, r=3.5, class_="mark") for px, py in places),
        element("circle", cx=x(curve.best_step), cy=y(curve.best.value), r=6.0, class_="mark kept"),
        *_labels(canvas, curve, places, style=style),
    ]
    return finished(canvas, parts, label=f"{style.words} of {curve.rung} by step: {_said(curve, style)}")


def _said(curve: Curve, style: FigureStyle) -> str:
    start = f"{told(style, curve.start[1])} at the start ({curve.start[0]}), " if curve.start else ""
    return start + ", ".join(f"{told(style, value)} at step {step}" for step, value in curve.scores)


def _labels(canvas: Canvas, curve: Curve, places: Sequence[tuple[float, float]], *, style: FigureStyle) -> list[str]:
    """Name the best point and where training started, clear of the curve."""
    x, y = canvas.x(curve.best_step), canvas.y(curve.best.value)
    named = [(f"{told(style, curve.best.value)}, step {curve.best_step:,}", x, y, "label kept")]
    if curve.start:
        named.append((f"{curve.start[0]} {told(style, curve.start[1])}", canvas.frame.right, places[0][1], "label"))
    wanted = [Wanted(px, py, text_width(text), 20.0) for text, px, py, _ in named]
    marks = [Box(px - 5.0, py - 5.0, px + 5.0, py + 5.0) for px, py in places]
    marks.append(Box(x - 8.0, canvas.y(curve.best.high), x + 8.0, canvas.y(curve.best.low)))
    level = [(canvas.frame.left, places[0][1]), (canvas.frame.right, places[0][1])]
    lines = [*hulls(places), *hulls(level)]
    boxes = place_labels(wanted, frame=canvas.room(), marks=marks, lines=lines)
    return [
        element("text", escape(text), x=box.left + 4.0, y=box.bottom - 6.0, class_=kind)
        for (text, _, _, kind), box in zip(named, boxes, strict=True)
    ]
