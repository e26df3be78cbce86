"""The report of a model that was made smaller: what it lost, and what it costs now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from tunesmith.bundle.schema import Facts
from tunesmith.evaluate.figures import FigureStyle, style_of
from tunesmith.report.candidates import candidate_lines, candidate_plot
from tunesmith.report.paradigm.plan import PHONE, WIDE
from tunesmith.report.rendering import render
from tunesmith.types import Interval

_SIZE, _RATE = "size of the model", "texts a second"
_FIRST = (_SIZE, _RATE)
"""Costs that stand at the head of the page."""


@dataclass(frozen=True, slots=True)
class CostLine:
    """One cost before and after, in words."""

    name: str
    before: str
    after: str
    ratio: str
    """How many times better it is now."""


@dataclass(frozen=True, slots=True)
class FigureLine:
    """One figure before and after."""

    style: FigureStyle
    before: Interval
    after: Interval


def compression_page(facts: Facts, costs: Mapping[str, Any]) -> str:
    """Write the report.

    Args:
        facts: What the smaller model says of itself.
        costs: Content of its ``costs.json``.

    Returns:
        A whole HTML page.
    """
    compression = facts.compression
    assert compression is not None, "only a compressed model has such a report"
    figures = compression.figures
    name = facts.learnt.objectives[0]
    lines = cost_lines(costs["compression"])
    candidates = costs["compression"].get("candidates", [])
    return render(
        "compression.html.j2",
        facts=facts,
        compression=compression,
        headline=_headline(lines, figures["loss"][name], style_of(name)),
        loss=Interval(**figures["loss"][name]),
        objective=style_of(name),
        agreement=None if figures["agreement"] is None else Interval(**figures["agreement"]),
        figures=[
            FigureLine(style_of(each), Interval(**both["before"]), Interval(**both["after"]))
            for each, both in figures["figures"].items()
        ],
        costs=lines,
        strip=[line for line in lines if line.name in _FIRST],
        worst=[each for each in figures["worst_labels"] if each["after"] < each["before"]],
        notes=costs["compression"]["notes"],
        tried=candidate_lines(candidates),
        tried_plots=[
            Markup(candidate_plot(candidates, style=style_of(name), width=width))
            for width in (WIDE, PHONE)
            if candidates
        ],
        machine=costs.get("machine", {}),
    )


def cost_lines(costs: Mapping[str, Any]) -> list[CostLine]:
    """Lay costs out, those before beside those after.

    Args:
        costs: ``compression`` of ``costs.json``.

    Returns:
        A line a cost; what was not measured is left out.
    """
    return list(_cost_lines(costs["before"], costs["after"]))


def _cost_lines(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[CostLine]:
    wanted = (
        (_SIZE, "size_mib", "{:.1f} MiB", False),
        ("memory to answer", "memory_mib", "{:.0f} MiB", False),
        (_RATE, "texts_per_second", "{:.0f}", True),
    )
    for name, key, form, is_more_better in wanted:
        one, other = before.get(key), after.get(key)
        if one and other:
            ratio = other / one if is_more_better else one / other
            yield CostLine(name, form.format(one), form.format(other), f"{ratio:.1f} times")
    for part, words in (("p50", "one text, median"), ("p95", "one text, 95 of 100 within")):
        one, other = before["latency_ms"][part], after["latency_ms"][part]
        yield CostLine(words, f"{one:.2f} ms", f"{other:.2f} ms", f"{one / other:.1f} times")


def _headline(lines: list[CostLine], loss: Mapping[str, float], style: FigureStyle) -> str:
    """Say in one sentence what was bought and at what price."""
    ratios = {line.name: line.ratio for line in lines}
    bought = f"{ratios[_SIZE]} smaller, {ratios[_RATE]} as fast"
    lost = loss["value"]
    price = f"{lost:.2f} points of {style.words} lost" if lost > 0 else f"no {style.words} lost"
    return f"{bought}: {price}"
