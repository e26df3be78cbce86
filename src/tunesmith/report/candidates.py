"""What a search for a smaller model has tried: a line each, and a plot of how good each is by how fast it answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from tunesmith.evaluate.figures import FigureStyle
from tunesmith.report.canvas import NARROW, Canvas, axes, bar, canvas_for, finished, hulls, polyline, text_width
from tunesmith.report.labels import Box, Wanted, place_labels
from tunesmith.report.scales import Scale
from tunesmith.report.svg import element
from tunesmith.report.wording import told

_AIR = 1.25
"""Room beside the slowest and the fastest, as a factor of their rates."""


@dataclass(frozen=True, slots=True)
class CandidateLine:
    """One model that was tried, in words."""

    name: str
    lost: str
    size: str
    latency: str
    rate: str
    verdict: str
    """Which limits it does not keep, whether another beats it, whether it was chosen."""
    is_chosen: bool


def candidate_lines(candidates: Sequence[Mapping[str, Any]]) -> list[CandidateLine]:
    """Tell each model that was tried.

    Args:
        candidates: As ``compress --json`` prints them.

    Returns:
        Lines, the fastest first.
    """
    ordered = sorted(candidates, key=lambda each: -each["texts_per_second"])
    return [
        CandidateLine(
            name=each["name"],
            lost=f"{each['loss']['value']:+.2f}",
            size=f"{each['size_mib']:.1f}",
            latency=f"{each['latency_ms']['p50']:.2f}",
            rate=f"{each['texts_per_second']:,.0f}",
            verdict="; ".join(_verdict(each)),
            is_chosen=each["chosen"],
        )
        for each in ordered
    ]


def _verdict(each: Mapping[str, Any]) -> Iterator[str]:
    if each["chosen"]:
        yield "chosen"
    if each["misses"]:
        yield f"too much: {', '.join(each['misses'])}"
    if not each["unbeaten"]:
        yield "beaten"


def candidate_plot(candidates: Sequence[Mapping[str, Any]], *, style: FigureStyle, width: int = 720) -> str:
    """Draw how good each model is by how fast it answers.

    Args:
        candidates: As ``compress --json`` prints them, two or more.
        style: Of the figure that counts.
        width: Pixels.

    Returns:
        One ``svg`` element whose colours come from the page's style sheet; a line joins those that no other beats in
        both.
    """
    rates = [each["texts_per_second"] for each in candidates]
    values = [end for each in candidates for end in (each["figure"]["low"], each["figure"]["high"])]
    x = Scale(min(rates) / _AIR, max(rates) * _AIR, 0.0, 1.0, logarithmic=True)
    canvas = canvas_for(values, x, width=width, height=300.0 if width < NARROW else 360.0)
    places = [(canvas.x(each["texts_per_second"]), canvas.y(each["figure"]["value"])) for each in candidates]
    best = _steps(candidates, canvas)
    parts = axes(canvas, x_title="texts a second", style=style)
    parts.append(polyline(best, class_="reference"))
    for each, (px, py) in zip(candidates, places, strict=True):
        kept, figure = " kept" if each["chosen"] else "", each["figure"]
        if each["chosen"]:
            parts.append(bar(px, canvas.y(figure["low"]), canvas.y(figure["high"]), kept=True))
        parts.append(element("circle", cx=px, cy=py, r=6.0 if kept else 4.0, class_=f"mark{kept}"))
    parts += _labels(canvas, candidates, places, lines=best)
    said = ", ".join(
        f"{each['name']} {told(style, each['figure']['value'])} at {each['texts_per_second']:,.0f}"
        for each in candidates
    )
    return finished(canvas, parts, label=f"{style.words} by texts a second: {said}")


def _steps(candidates: Sequence[Mapping[str, Any]], canvas: Canvas) -> list[tuple[float, float]]:
    """Join the models that none is both better and faster than, the fastest last."""
    best: list[tuple[float, float]] = []
    highest = -1.0
    for each in sorted(candidates, key=lambda each: (-each["texts_per_second"], -each["figure"]["value"])):
        if each["figure"]["value"] > highest:
            highest = each["figure"]["value"]
            best.append((canvas.x(each["texts_per_second"]), canvas.y(highest)))
    return best[::-1]


def _labels(
    canvas: Canvas,
    candidates: Sequence[Mapping[str, Any]],
    places: Sequence[tuple[float, float]],
    *,
    lines: Sequence[tuple[float, float]],
) -> list[str]:
    """Name the models that none beats, clear of the marks; on a phone the chosen one and the first alone."""
    named = [
        (each, place)
        for number, (each, place) in enumerate(zip(candidates, places, strict=True))
        if each["chosen"] or number == 0 or (each["unbeaten"] and canvas.width >= NARROW)
    ]
    wanted = [Wanted(px, py, text_width(each["name"]), 20.0) for each, (px, py) in named]
    marks = [Box(px - 6.0, py - 6.0, px + 6.0, py + 6.0) for px, py in places]
    marks += [
        Box(px - 6.0, canvas.y(each["figure"]["high"]), px + 6.0, canvas.y(each["figure"]["low"]))
        for each, (px, _) in named
        if each["chosen"]
    ]
    boxes = place_labels(wanted, frame=canvas.room(), marks=marks, lines=hulls(lines))
    return [
        element(
            "text",
            escape(each["name"]),
            x=box.left + 4.0,
            y=box.bottom - 6.0,
            class_="label kept" if each["chosen"] else "label",
        )
        for (each, _), box in zip(named, boxes, strict=True)
    ]
