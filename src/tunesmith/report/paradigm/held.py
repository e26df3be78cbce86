"""Models held against one another on the same rows, as the steps of one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.report.paradigm.climbed import Climbed, Power, Step, Versus
from tunesmith.report.paradigm.cost import COSTS, totals
from tunesmith.types import Interval

_LEVEL = 95


def held_together(climbs: Sequence[Climbed], found: Mapping[str, Any]) -> Climbed:
    """Make one climb of several models: each is a step that costs what its kept rung did.

    Args:
        climbs: Those that brought the models, the reference first.
        found: What ``compare`` says of the models, in the same order.

    Returns:
        The steps in that order, and how each compares with the reference, its p-value adjusted for their number.
    """
    told = [found["reference"], *found["models"]]
    figures = told[0]["figures"]
    objective = climbs[0].objective if climbs[0].objective in figures else next(iter(figures))
    reference, *others = climbs
    gains = [each["gains"][objective] for each in found["models"]]
    return Climbed(
        name="",
        objective=objective,
        n_rows=int(found["rows"]),
        steps=tuple(
            _step(climbed, Interval(**each["figures"][objective])) for climbed, each in zip(climbs, told, strict=True)
        ),
        powers=_powers(climbs),
        comparisons=tuple(
            _versus(climbed.name, reference.name, gain) for climbed, gain in zip(others, gains, strict=True)
        ),
        level=_LEVEL,
    )


def _powers(climbs: Sequence[Climbed]) -> tuple[tuple[str, Power], ...]:
    """Tell what each machine draws; of each model where one machine drew differently, as with more threads."""
    pairs = dict.fromkeys((climbed.machine, climbed.powers[0][1]) for climbed in climbs)
    machines = {machine for machine, _ in pairs}
    if len(machines) < len(pairs):
        return tuple((climbed.name, climbed.powers[0][1]) for climbed in climbs)
    return tuple((machine if len(machines) > 1 else "", power) for machine, power in pairs)


def _step(climbed: Climbed, score: Interval) -> Step:
    """The model as one step, with all that its kept rung starts from."""
    kept = next(step for step in climbed.steps if step.kept)
    return Step(
        name=climbed.name,
        seconds=totals(climbed.steps, COSTS["seconds"])[kept.name] or 0.0,
        tflop=totals(climbed.steps, COSTS["flops"])[kept.name],
        score=score,
        kept=False,
        watts=kept.watts,
        rung=kept.name,
    )


def _versus(model: str, reference: str, gain: Mapping[str, float]) -> Versus:
    points = Interval(*(100.0 * gain[end] for end in ("value", "low", "high")))
    return Versus(model, reference, points, gain["p_adjusted"])
