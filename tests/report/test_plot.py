"""The plots: every rung named once, nothing over anything, nothing but well-formed SVG."""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from xml.etree import ElementTree

import pytest
from tests.report.made_up import HOSTILE

from tunesmith.evaluate.figures import STYLES, FigureStyle
from tunesmith.report.canvas import text_width
from tunesmith.report.curve import Curve, curve_plot
from tunesmith.report.labels import Box
from tunesmith.report.plot import CostPoint, cost_plot
from tunesmith.report.whisker import whisker
from tunesmith.types import Interval

_WIDTHS = [720, 360]

_POINTS = [
    CostPoint("linear", 3.0, Interval(0.83, 0.80, 0.86), kept=False),
    CostPoint("probe", 21.0, Interval(0.921, 0.90, 0.94), kept=False),
    CostPoint("finetune", 160.0, Interval(0.934, 0.92, 0.95), kept=True),
    CostPoint("refine", 190.0, Interval(0.933, 0.91, 0.95), kept=False),
]


def _texts(svg: str, *kinds: str) -> list[ElementTree.Element]:
    """The text elements of some classes."""
    parsed = ElementTree.fromstring(svg)
    return [text for text in parsed.iter("text") if set(text.get("class", "").split()) & set(kinds)]


def _box(text: ElementTree.Element) -> Box:
    x, y, width = float(text.get("x", "")), float(text.get("y", "")), text_width(text.text or "") - 8.0
    kind = text.get("class", "")
    left = x - width if "end" in kind else x - width / 2.0 if "middle" in kind else x
    return Box(left, y - 11.0, left + width, y + 2.0)


@pytest.mark.parametrize("width", _WIDTHS)
def test_every_rung_is_named_once_and_one_is_kept(width: int) -> None:
    """Names stand at their points, figures below them, and only the kept one is marked."""
    svg = cost_plot(_POINTS, style=STYLES["accuracy"], width=width)
    names = [text.text for text in _texts(svg, "label")]
    assert sorted(map(str, names)) == ["finetune, kept", "linear", "probe", "refine"]
    assert len(re.findall(r'<circle[^>]*class="mark kept"', svg)) == 1
    assert [str(text.text) for text in _texts(svg, "detail") if "93.4" in str(text.text)] == ["93.4\xa0%, 160\xa0s"]


@pytest.mark.parametrize("width", _WIDTHS)
def test_names_do_not_overlap(width: int) -> None:
    """Rungs of nearly one price and score must still be told apart by their names."""
    crowd = [
        CostPoint(f"rung{number}", 100.0 + 6 * number, Interval(0.9 + number / 900, 0.89, 0.92), kept=number == 3)
        for number in range(6)
    ]
    boxes = [_box(text) for text in _texts(cost_plot(crowd, style=STYLES["accuracy"], width=width), "label", "detail")]
    assert len(boxes) == 12
    assert not [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])]


@pytest.mark.parametrize("width", _WIDTHS)
def test_the_frontier_never_falls(width: int) -> None:
    """The line of steps is the best score so far, so its pixels only go up the page and to the right."""
    svg = cost_plot(_POINTS, style=STYLES["accuracy"], width=width)
    (path,) = re.findall(r'<path d="M([^"]*)" class="frontier">', svg)
    corners = [tuple(map(float, corner.split())) for corner in path.split(" L")]
    assert all(right[0] >= left[0] and right[1] <= left[1] for left, right in pairwise(corners))
    assert len(corners) == 7


@pytest.mark.parametrize("seconds", [0.0, 0.3, 17.5, 4000.0, 200_000.0])
@pytest.mark.parametrize("width", _WIDTHS)
def test_one_rung_has_times_around_it(seconds: float, width: int) -> None:
    """A single point must not leave the axis without values to read it by."""
    svg = cost_plot(
        [CostPoint("probe", seconds, Interval(0.8, 0.7, 0.9), kept=True)], style=STYLES["accuracy"], width=width
    )
    assert len([text for text in _texts(svg, "tick") if "middle" in text.get("class", "")]) >= 2


@pytest.mark.parametrize("width", _WIDTHS)
def test_no_text_is_cut_at_the_edge(width: int) -> None:
    """Wherever a round time falls, its name must not reach over the edge of the plot."""
    for step in range(60):
        seconds = 1.2 * 1.07**step
        svg = cost_plot(
            [CostPoint("probe", seconds, Interval(0.8, 0.7, 0.9), kept=True)], style=STYLES["accuracy"], width=width
        )
        boxes = [_box(text) for text in _texts(svg, "tick", "title", "label", "detail")]
        assert min(box.left for box in boxes) >= 0.0
        assert max(box.right for box in boxes) <= width + 1.0


def test_bars_hold_their_points() -> None:
    """Higher is better: a bar's upper end is the smaller pixel, and the point lies between the ends."""
    (point,) = _POINTS[:1]
    svg = cost_plot([point], style=STYLES["accuracy"])
    low, high = map(float, re.findall(r'd="M[\d.]+ ([\d.]+) V([\d.]+) M[^"]*" class="bar"', svg)[0])
    (middle,) = map(float, re.findall(r'cy="([\d.]+)"', svg))
    assert high < middle < low


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_becomes_markup(name: str) -> None:
    """Whatever a name holds, the plot stays one well-formed element with the same children."""
    plain = cost_plot(_POINTS, style=STYLES["accuracy"])
    points = [CostPoint(name.replace("\x07", "?"), 9.0, Interval(0.8, 0.7, 0.9), kept=True), *_POINTS[1:]]
    hostile = cost_plot(points, style=FigureStyle(name.replace("\x07", "?"), ""))
    kinds = {element.tag for element in ElementTree.fromstring(plain).iter()}
    assert {element.tag for element in ElementTree.fromstring(hostile).iter()} == kinds


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_certain_and_hopeless_scores_are_drawn(value: float) -> None:
    """A score of 0 or 100 % with an interval of no width must still give a plot."""
    svg = cost_plot([CostPoint("linear", 0.0, Interval(value, value, value), kept=True)], style=STYLES["accuracy"])
    assert "nan" not in svg
    assert len(_texts(svg, "label")) == 1


@pytest.mark.parametrize("start", [("probe", 0.92), None])
@pytest.mark.parametrize("scores", [((10, 0.93),), ((10, 0.925), (20, 0.934), (30, 0.933))])
def test_the_curve_marks_the_step_taken(scores: tuple[tuple[int, float], ...], start: tuple[str, float] | None) -> None:
    """The best step is named with its score; the start is there only where a rung was started from."""
    best_step, value = max(scores, key=lambda score: score[1])
    curve = Curve("finetune", scores, best_step, Interval(value, value - 0.02, value + 0.02), start)
    svg = curve_plot(curve, style=STYLES["accuracy"])
    named = [str(text.text) for text in _texts(svg, "label")]
    assert named[0] == f"{100 * value:.1f}\xa0%, step {best_step}"
    assert named[1:] == (["probe 92.0\xa0%"] if start else [])
    assert svg.count('class="mark"') == len(scores) + (start is not None)
    assert svg.count('class="mark kept"') == 1


def test_a_whisker_reaches_from_low_to_high() -> None:
    """The line in a table's cell spans the interval and its dot the value, of 112 pixels from 4 on."""
    svg = whisker(Interval(0.5, 0.25, 1.0))
    assert 'd="M32.0 7 H116.0" class="reach"' in svg
    assert 'cx="60"' in svg
