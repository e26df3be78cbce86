"""What a step takes to have: its own cost and that of the steps it starts from; and which steps are worth theirs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tunesmith.report.paradigm.climbed import Step

_SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Cost:
    """One way to count cost."""

    name: str
    of: Callable[[Step], float | None]
    """What one step takes by itself; None where nobody counted."""
    is_time: bool
    unit: str
    """Of what ``of`` gives."""


COSTS: Mapping[str, Cost] = {
    cost.name: cost
    for cost in (
        Cost("seconds", lambda step: step.seconds, is_time=True, unit="s"),
        Cost("flops", lambda step: step.tflop, is_time=False, unit="TFLOP"),
        Cost(
            "energy",
            lambda step: step.seconds * step.watts / _SECONDS_PER_HOUR,
            is_time=False,
            unit="Wh",
        ),
    )
}
"""By the names that ``--cost`` takes."""


def totals(steps: Sequence[Step], cost: Cost) -> dict[str, float | None]:
    """Count what each step takes to have.

    Args:
        steps: Of one climb.
        cost: How it is counted.

    Returns:
        Name to its own cost plus that of every step it starts from, each counted once, in the cost's unit; None where
        some part was not counted.
    """
    by_name = {step.name: step for step in steps}
    found: dict[str, float | None] = {}
    for step in steps:
        parts = [cost.of(by_name[name]) for name in with_starts(step.name, by_name)]
        counted = [part for part in parts if part is not None]
        found[step.name] = math.fsum(counted) if len(counted) == len(parts) else None
    return found


def with_starts(name: str, by_name: Mapping[str, Step]) -> list[str]:
    """List a step and all that it starts from, directly or not, as far as they are there.

    Args:
        name: Of the step.
        by_name: The steps of its climb.

    Returns:
        Names, its own first.
    """
    found: list[str] = []
    ahead = [name]
    while ahead:
        each = ahead.pop()
        if each in by_name and each not in found:
            found.append(each)
            ahead += by_name[each].starts_from
    return found


def frontier(scores: Sequence[float], costs: Sequence[float | None]) -> list[int]:
    """Find what is the best so far as cost grows.

    Args:
        scores: The higher, the better.
        costs: One a score; None, not counted, lies before all others.

    Returns:
        Places in the lists, the cheapest first: each scores higher than all that cost less.

    Example:
        >>> frontier([0.87, 0.82, 0.93], [4.0, 40.0, 35.0])
        [0, 2]
    """
    spent = [-math.inf if cost is None else cost for cost in costs]
    order = sorted(range(len(scores)), key=lambda place: (spent[place], -scores[place]))
    found: list[int] = []
    for place in order:
        if not found or scores[place] > scores[found[-1]]:
            found.append(place)
    return found
