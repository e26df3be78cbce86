"""What the picture shows and says of one climb or of several, before anything has a place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tunesmith.report.paradigm.climbed import Climbed, Step
from tunesmith.report.paradigm.cost import Cost, frontier, totals
from tunesmith.report.paradigm.language import Language
from tunesmith.report.paradigm.palette import paradigm_of
from tunesmith.report.paradigm.said import LONGEST_NAME, Telling, bought_lines, notes, said
from tunesmith.report.wording import shown
from tunesmith.types import Interval


@dataclass(frozen=True, slots=True)
class Point:
    """A step as it is drawn."""

    step: str
    """Its name in the climb."""
    name: str
    """As it is written."""
    beside: str
    """What it is, in two or three words; empty where its name says it."""
    score_told: str
    cost_told: str
    paradigm: str
    score: Interval
    cost: float | None
    """None where nobody counted."""
    kept: bool
    on_frontier: bool


@dataclass(frozen=True, slots=True)
class Bought:
    """What a step along the frontier costs and buys."""

    start: int
    end: int
    """Places of the two points."""
    points: float
    lines: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Picture:
    """All that is drawn and said."""

    telling: Telling
    y_title: str
    points: tuple[Point, ...]
    frontiers: tuple[tuple[int, ...], ...]
    """Places of points, one line a climb."""
    bought: tuple[Bought, ...]
    headline: str
    deck: str
    notes: str
    description: str


def picture_of(climbs: Sequence[Climbed], cost: Cost, language: Language) -> Picture:
    """Say what is to be drawn.

    Args:
        climbs: At least one, all of one objective, each with a step at least.
        cost: What the axis counts.
        language: Of all words.

    Returns:
        The picture; what steps bought is told of a single climb alone.
    """
    telling = Telling(cost, language, climbs[0].objective)
    points: list[Point] = []
    lines: list[tuple[int, ...]] = []
    bought: list[Bought] = []
    for climbed in climbs:
        spent = totals(climbed.steps, cost)
        places = frontier([step.score.value for step in climbed.steps], [spent[step.name] for step in climbed.steps])
        lines.append(tuple(len(points) + place for place in places))
        bought = _bought(climbed, places, telling) if len(climbs) == 1 else []
        owner = climbed.name if len(climbs) > 1 else ""
        for place, step in enumerate(climbed.steps):
            name = f"{shown(step.name, longest=LONGEST_NAME)}{_suffix(owner)}"
            points.append(_point(step, spent[step.name], telling, name=name, on_frontier=place in places))
    headline, deck = said(climbs, telling)
    figure = language.figure(telling.objective)
    return Picture(
        telling=telling,
        y_title=language.say("y_share" if telling.style.is_share else "y_number", figure=figure),
        points=tuple(points),
        frontiers=tuple(lines),
        bought=tuple(bought),
        headline=headline,
        deck=deck,
        notes=notes(climbs, telling, has_gains=bool(bought)),
        description=_description(points, telling),
    )


def _suffix(owner: str) -> str:
    """Whose point it is, where there are several models."""
    return f" · {shown(owner.removesuffix('.model'), longest=LONGEST_NAME)}" if owner else ""


def _point(step: Step, spent: float | None, telling: Telling, *, name: str, on_frontier: bool) -> Point:
    language, paradigm = telling.language, paradigm_of(step.rung or step.name)
    return Point(
        step=step.name,
        name=language.say("kept", name=name) if step.kept else name,
        beside="" if paradigm == "other" else language.paradigms[paradigm],
        score_told=telling.score(step.score.value),
        cost_told=telling.spent(spent),
        paradigm=paradigm,
        score=step.score,
        cost=spent,
        kept=step.kept,
        on_frontier=on_frontier,
    )


def _bought(climbed: Climbed, places: Sequence[int], telling: Telling) -> list[Bought]:
    """Tell the steps along the frontier for which a comparison row by row is there."""
    spent = totals(climbed.steps, telling.cost)
    found = []
    for before, after in pairwise(places):
        versus = climbed.versus(climbed.steps[after].name, climbed.steps[before].name)
        if versus is not None:
            found.append(Bought(before, after, versus.gain.value, bought_lines(versus, spent, telling)))
    return found


def _description(points: Sequence[Point], telling: Telling) -> str:
    """Say all figures, for whoever cannot see the picture."""
    told = [
        telling.language.say(
            "point",
            name=point.name,
            score=point.score_told,
            low=telling.score(point.score.low),
            high=telling.score(point.score.high),
            cost=point.cost_told,
        )
        for point in points
    ]
    figure = telling.language.figure(telling.objective)
    return telling.language.say("description", figure=figure[:1].upper() + figure[1:], points=" ".join(told))
