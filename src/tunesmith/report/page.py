"""The report page: one HTML file that needs nothing else, neither network nor script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from tunesmith.bundle.card import measured
from tunesmith.bundle.data_statement import WARNING, label_counts, letters_line, origin
from tunesmith.bundle.schema import Facts
from tunesmith.evaluate.figures import style_of
from tunesmith.report.classes import confusions, label_lines
from tunesmith.report.curve import Curve, curve_plot
from tunesmith.report.paradigm.as_svg import svg_inset
from tunesmith.report.paradigm.climbed import climbed_of
from tunesmith.report.paradigm.cost import COSTS
from tunesmith.report.paradigm.language import ENGLISH
from tunesmith.report.paradigm.picture import Picture, picture_of
from tunesmith.report.paradigm.plan import PHONE, WIDE, inset
from tunesmith.report.rendering import render
from tunesmith.report.rungs import rung_lines
from tunesmith.report.story import headline, is_it_proven, key_figures, opening, points_of, why_stopped
from tunesmith.report.wording import figure
from tunesmith.types import Interval

if TYPE_CHECKING:
    from tunesmith.ladder.climb import Outcome
    from tunesmith.ladder.landing import Landing

_SHOWN_LABELS = 20


def report_page(facts: Facts, outcome: Outcome, costs: Mapping[str, Any]) -> str:
    """Write the report of a climb, be it over or not.

    Args:
        facts: What the bundle says of itself.
        outcome: What the climb brought so far.
        costs: Content of ``costs.json``.

    Returns:
        A whole HTML page. Its content security policy allows its own style sheet, by hash, and nothing else.
    """
    found = measured(facts)
    task, metric = facts.learnt, facts.headline
    style, usual = style_of(metric), task.objectives[0]
    lines = rung_lines(outcome, metric=metric, usual=usual)
    confusion = found.metrics.get("confusion")
    picture = _picture(facts, costs)
    return render(
        "page.html.j2",
        facts=facts,
        found=found,
        machine=costs.get("machine", {}),
        headline=headline(facts, found),
        opening=opening(facts, found, costs),
        figures=key_figures(task.figures, found.metrics),
        goes_on=outcome.stopped_because is None,
        metric=style,
        usual=style_of(usual),
        lines=lines,
        picture=picture,
        cost_plots=[] if picture is None else _cost_plots(picture),
        why_stopped=why_stopped(facts, outcome, lines),
        points=points_of(facts),
        proven=is_it_proven(facts, lines),
        labels=label_lines(found.metrics.get("per_class", {})),
        n_shown=_SHOWN_LABELS,
        confused=confusions(confusion) if confusion else None,
        ece=figure(found.metrics.get("ece")),
        ece_before=figure(found.metrics.get("ece_uncalibrated")),
        curves=_curves(outcome, metric),
        origin=origin(facts),
        counts=label_counts(facts),
        letters=letters_line(facts),
        notes=[note for note in facts.data.notes if not note.startswith(WARNING)],
        warnings=[note.removeprefix(WARNING) for note in facts.data.notes if note.startswith(WARNING)],
    )


def _picture(facts: Facts, costs: Mapping[str, Any]) -> Picture | None:
    """Say what the steps cost and bring; None where no costs are known."""
    climbed = climbed_of(facts, costs)
    return picture_of([climbed], COSTS["seconds"], ENGLISH) if climbed.steps else None


def _cost_plots(picture: Picture) -> list[Markup]:
    """Draw accuracy against cost twice: the style sheet shows the one that fits the screen."""
    return [
        Markup(svg_inset(inset(picture, width=width), name=f"cost-{size}", class_=f"picture {size}"))
        for size, width in (("wide", WIDE), ("narrow", PHONE))
    ]


def _curves(outcome: Outcome, metric: str) -> list[tuple[Curve, list[Markup], str]]:
    """Draw the curve of each rung that has one; with it, why its training ended."""
    found = []
    for landing in outcome.landings:
        curve = _curve(outcome, landing, metric=metric)
        if curve is not None:
            plots = [Markup(curve_plot(curve, style=style_of(metric), width=width)) for width in (WIDE, PHONE)]
            found.append((curve, plots, str(landing.facts.get("ended") or "")))
    return found


def _curve(outcome: Outcome, landing: Landing, *, metric: str) -> Curve | None:
    rung, facts = landing.rung, landing.facts
    points = facts.get("curve") or []
    measured_score = figure(outcome.validation.get(rung, {}).get(metric))
    if not points or measured_score is None:
        return None
    scores = tuple((int(point["step"]), float(point["objective"])) for point in points)
    best_step = int(facts.get("best_step", max(scores, key=lambda score: score[1])[0]))
    value = dict(scores).get(best_step, measured_score.value)
    # An average of fits has a score of its own; on the same rows this fit's is as uncertain.
    moved = value - measured_score.value
    lowest = min(0.0, measured_score.low)
    best = Interval(value, max(lowest, measured_score.low + moved), min(1.0, measured_score.high + moved))
    start = None if landing.kind == "network" else figure(outcome.validation.get("probe", {}).get(metric))
    return Curve(rung, scores, best_step, best, ("probe", start.value) if start else None)
