"""The comparisons that the picture tells of, made while the outputs of all steps are at hand."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from tunesmith.ladder.rungs import RUNGS
from tunesmith.ladder.stop import compare
from tunesmith.report.paradigm.climbed import Step
from tunesmith.report.paradigm.cost import COSTS, frontier, totals
from tunesmith.types import JSON, Interval

if TYPE_CHECKING:
    from tunesmith.ladder.climb import Outcome
    from tunesmith.tasks import Task


def compared(outcome: Outcome, task: Task, *, objective: str, seed: int) -> dict[str, JSON]:
    """Tell what ``costs.json`` keeps of a climb for its picture.

    Beside the comparisons that the climb made, the kept rung is held against every other, and each step of the line of
    the best so far against the step before it.

    Args:
        outcome: What the climb brought so far.
        task: Knows the figures.
        objective: The figure that chooses.
        seed: Of the bootstrap.

    Returns:
        ``starts_from``, rung to the rungs it starts from; ``comparisons``, each with ``rung``, ``over``, the ``gain``
        in points with its 90 % interval, ``p_value`` and ``test``.
    """
    by_name = {landing.rung: landing for landing in outcome.landings}
    starts_from = {name: RUNGS.member(name).NEEDS for name in by_name}
    made = {(rung, comparison.over): comparison for rung, comparison in outcome.comparisons.items()}
    for step, over in _wanted(outcome, starts_from):
        if (step, over) not in made and (over, step) not in made:
            made[step, over] = compare(by_name[step], by_name[over], task, objective=objective, seed=seed)
    return {
        "starts_from": {name: list(needs) for name, needs in starts_from.items()},
        "comparisons": [
            {
                "rung": step,
                "over": over,
                "gain": found.gain.as_dict(),
                "p_value": found.p_value,
                "test": found.test,
            }
            for (step, over), found in made.items()
        ],
    }


def _wanted(outcome: Outcome, starts_from: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    """Pairs of rungs that the picture speaks of: the kept one and each other, and neighbours on the frontier."""
    steps = tuple(
        Step(
            name=landing.rung,
            seconds=landing.seconds,
            tflop=landing.tflop,
            score=Interval(landing.objective, landing.objective, landing.objective),
            kept=landing.rung == outcome.kept.rung,
            starts_from=starts_from[landing.rung],
        )
        for landing in outcome.landings
    )
    spent = totals(steps, COSTS["seconds"])
    names = [step.name for step in steps]
    places = frontier([step.score.value for step in steps], [spent[name] for name in names])
    kept = outcome.kept.rung
    neighbours = [(names[after], names[before]) for before, after in pairwise(places)]
    return [*((kept, name) for name in names if name != kept), *neighbours]
