"""The curve of a fit and the whiskers of tables."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from tests.report.made_up import HOSTILE

from tunesmith.evaluate.figures import STYLES, FigureStyle
from tunesmith.report.curve import Curve, curve_plot
from tunesmith.report.whisker import whisker
from tunesmith.types import Interval

_CURVE = Curve("finetune", ((10, 0.925), (20, 0.934)), 20, Interval(0.934, 0.92, 0.95), ("probe", 0.92))


def _texts(svg: str, *kinds: str) -> list[ElementTree.Element]:
    """The text elements of some classes."""
    parsed = ElementTree.fromstring(svg)
    return [text for text in parsed.iter("text") if set(text.get("class", "").split()) & set(kinds)]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_becomes_markup(name: str) -> None:
    """Whatever a figure is called, the plot stays one well-formed element with the same children."""
    hostile = curve_plot(_CURVE, style=FigureStyle(name.replace("\x07", "?"), ""))
    kinds = {element.tag for element in ElementTree.fromstring(curve_plot(_CURVE, style=STYLES["accuracy"])).iter()}
    assert {element.tag for element in ElementTree.fromstring(hostile).iter()} == kinds


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
