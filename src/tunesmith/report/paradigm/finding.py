"""Which step a problem needs, told from paired comparisons on the same rows; never from intervals that overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tunesmith.report.paradigm.climbed import Climbed, Step, Versus
from tunesmith.report.paradigm.cost import frontier
from tunesmith.report.wording import verdict
from tunesmith.types import Interval

MATTERS_POINTS = 2.0
"""A gain of so much is worth knowing of: rows that can neither show nor exclude it are too few to tell."""
_MOST, _LITTLE = 0.8, 0.25
"""Shares of the gain and of the cost from which on a cheaper step is said to bring most of it for little."""

Kind = Literal["alone", "enough", "needed", "topped", "at_least", "undecided", "unrecorded"]


@dataclass(frozen=True, slots=True)
class Most:
    """A cheaper step that brings most of the gain for little."""

    name: str
    first: str
    """The cheapest step, from which gains are counted."""
    points: float
    of_points: float
    cost: float
    of_cost: float


@dataclass(frozen=True, slots=True)
class Finding:
    """What the steps say together."""

    kind: Kind
    """``alone``: nothing to compare with. ``enough``: the cheapest step; nothing dearer is proven better.
    ``needed``: proven better than all cheaper ones. ``topped``: what is cheaper is proven worse than the best, which is
    not proven better than it. ``at_least``: the same, but the rows are too few to exclude a gain that matters.
    ``undecided``: they are too few to tell the cheapest from a dearer one. ``unrecorded``: paired comparisons are
    missing."""
    step: Step
    """The one that the problem needs; the best where that cannot be told."""
    rival: Step | None = None
    """The dearer one that may be better; where ``needed``, the best cheaper one."""
    gain: Interval | None = None
    """Points of the rival over the step; where ``needed``, of the step over the rival."""
    most: Most | None = None
    p_value: float | None = None
    """Of that gain, where ``topped`` or ``at_least``: the test may not prove what the interval hardly excludes."""


def find(climbed: Climbed, totals: Mapping[str, float | None]) -> Finding:
    """Say which step the problem needs: the cheapest that is not proven worse than the best.

    The best is held against each cheaper step, and must win every one of these tests to be called proven better than
    all of them; a joint claim of that kind needs no correction for their number.

    Args:
        climbed: At least one step, and the comparisons that were made.
        totals: Name of each step to what it takes to have; None, not counted, is the cheapest.

    Returns:
        The finding.

    Source: Berger 1982, intersection-union tests, for the joint claim.
    """
    order = sorted(climbed.steps, key=lambda step: (_spent(totals, step), -step.score.value))
    best = _best(order)
    if len(order) == 1:
        return Finding("alone", best)
    cheaper = order[: order.index(best)]
    over = {step.name: climbed.versus(best.name, step.name) for step in cheaper}
    if any(each is None for each in over.values()):
        return Finding("unrecorded", best)
    needed = next((step for step in cheaper if not _is_proven(over[step.name])), best)
    if needed is not best:
        return _short_of_the_best(climbed, totals, needed, best=best, is_first=needed is order[0])
    dearer = [climbed.versus(step.name, best.name) for step in order[len(cheaper) + 1 :]]
    if cheaper:
        rival = max(cheaper, key=lambda step: step.score.value)
        versus = over[rival.name]
        return Finding("needed", best, rival, versus.gain if versus else None, _most(order, totals, best))
    known = [each for each in dearer if each is not None]
    if len(known) < len(dearer):
        return Finding("unrecorded", best)
    nearest = max(known, key=lambda each: each.gain.high)
    rival = next(step for step in order if step.name == nearest.step)
    return Finding(_first_kind(nearest.gain), best, rival, nearest.gain)


def _short_of_the_best(
    climbed: Climbed, totals: Mapping[str, float | None], needed: Step, *, best: Step, is_first: bool
) -> Finding:
    """A step that costs less than the best and is not proven worse."""
    versus = climbed.versus(best.name, needed.name)
    assert versus is not None, "the best was held against it"
    if is_first:
        return Finding(_first_kind(versus.gain), needed, best, versus.gain)
    kind: Kind = "topped" if versus.gain.high < MATTERS_POINTS else "at_least"
    return Finding(kind, needed, best, versus.gain, _most(climbed.steps, totals, needed), versus.p_value)


def _first_kind(gain: Interval) -> Kind:
    """Say whether the cheapest step is enough, from what the nearest dearer one gains over it."""
    return "enough" if gain.high < MATTERS_POINTS else "undecided"


def _best(steps: Sequence[Step]) -> Step:
    """The kept one; where several climbs are held together, none or several are, and the highest is."""
    kept = [step for step in steps if step.kept]
    return kept[0] if len(kept) == 1 else max(steps, key=lambda step: step.score.value)


def _is_proven(versus: Versus | None) -> bool:
    return versus is not None and verdict(versus.gain.value, versus.p_value) == "proven better"


def _spent(totals: Mapping[str, float | None], step: Step) -> float:
    spent = totals[step.name]
    return -1.0 if spent is None else spent


def _most(steps: Sequence[Step], totals: Mapping[str, float | None], needed: Step) -> Most | None:
    """Look for a step on the frontier that brings most of what the needed one brings, for little of its cost."""
    places = frontier([step.score.value for step in steps], [totals[step.name] for step in steps])
    first, *between = (steps[place] for place in places)
    gain, spent = needed.score.value - first.score.value, totals[needed.name]
    for step in between:
        part, cost = step.score.value - first.score.value, totals[step.name]
        if cost is None or spent is None or step.name == needed.name:
            continue
        if cost < _LITTLE * spent and _MOST * gain <= part < gain:
            return Most(step.name, first.name, 100.0 * part, 100.0 * gain, cost, spent)
    return None
