"""What a search has tried, as lines and as a plot."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from tests.report.made_up import HOSTILE

from tunesmith.evaluate.figures import STYLES
from tunesmith.report.candidates import candidate_lines, candidate_plot


def candidate(name: str, *, rate: float, figure: float, **said: Any) -> dict[str, Any]:
    """A model that was tried."""
    return {
        "name": name,
        "loss": {"value": 90.0 - 100 * figure, "low": -1.0, "high": 1.0},
        "figure": {"value": figure, "low": figure - 0.01, "high": figure + 0.01},
        "size_mib": 12.34,
        "latency_ms": {"p50": 1.5, "p95": 2.0},
        "texts_per_second": rate,
        "unbeaten": True,
        "misses": [],
        "chosen": False,
        **said,
    }


TRIED = [
    candidate("as it is", rate=100.0, figure=0.9, misses=["12.3 MiB"]),
    candidate("int8", rate=250.0, figure=0.899, chosen=True),
    candidate("pruned", rate=150.0, figure=0.88, unbeaten=False),
    candidate("static", rate=9000.0, figure=0.87, misses=["3.00 points lost"]),
]


def test_the_fastest_stands_first_with_what_speaks_against_it() -> None:
    """Limits that are not kept, and that another beats it; of the chosen one that it is."""
    lines = candidate_lines(TRIED)
    assert [(line.name, line.verdict) for line in lines] == [
        ("static", "too much: 3.00 points lost"),
        ("int8", "chosen"),
        ("pruned", "beaten"),
        ("as it is", "too much: 12.3 MiB"),
    ]
    assert [line.is_chosen for line in lines] == [False, True, False, False]
    assert (lines[1].lost, lines[1].size, lines[1].latency, lines[1].rate) == ("+0.10", "12.3", "1.50", "250")


@pytest.mark.parametrize("width", [720, 340])
def test_the_plot_marks_each_and_names_the_chosen(width: int) -> None:
    """One mark each, the faster further right, the better higher; the line leaves out what another beats in both."""
    svg = candidate_plot(TRIED, style=STYLES["accuracy"], width=width)
    parsed = ElementTree.fromstring(svg)
    marks = [mark for mark in parsed.iter("circle")]
    assert [mark.get("class") for mark in marks] == ["mark", "mark kept", "mark", "mark"]
    x, y = ([float(mark.get(axis, "")) for mark in marks] for axis in ("cx", "cy"))
    assert x[0] < x[2] < x[1] < x[3]
    assert y[0] < y[1] < y[2] < y[3]
    (line,) = (path.get("d", "") for path in parsed.iter("path") if path.get("class") == "reference")
    assert line.count("L") == 2
    named = {str(text.text): text.get("class") for text in parsed.iter("text") if "label" in text.get("class", "")}
    assert named["int8"] == "label kept"
    assert "pruned" not in named
    assert ("static" in named) == (width == 720)
    assert "int8 89.9" in parsed.get("aria-label", "")
    ticks = [str(text.text) for text in parsed.iter("text") if text.get("class") == "tick middle"]
    assert {"100", "1,000"} <= set(ticks), "rates are told in steps of ten"
    gaps = np.diff([float(text.get("x", "")) for text in parsed.iter("text") if text.text in ("100", "1,000")])
    assert gaps == pytest.approx((x[3] - x[0]) * np.log(10.0) / np.log(90.0), abs=0.2)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_becomes_markup(name: str) -> None:
    """Whatever a model is called, the plot stays one well-formed element."""
    tried = [TRIED[0], {**TRIED[1], "name": name.replace("\x07", "?")}]
    kinds = {element.tag for element in ElementTree.fromstring(candidate_plot(TRIED, style=STYLES["accuracy"])).iter()}
    found = {element.tag for element in ElementTree.fromstring(candidate_plot(tried, style=STYLES["accuracy"])).iter()}
    assert found == kinds
