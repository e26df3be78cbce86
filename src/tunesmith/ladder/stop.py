"""Which rung is kept, and when more compute is ruled out from buying anything."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tunesmith.ladder.landing import Landing
from tunesmith.tasks import Targets, Task
from tunesmith.types import Interval

_TIE_POINTS = 0.1
_ROUNDING = 1e-9
_RULE_OF_THREE = 3.0
_LEVEL = 0.90


@dataclass(frozen=True, slots=True)
class Comparison:
    """A rung against the one kept before it, on the same validation rows; gain in points of the figure that chooses."""

    gain: Interval
    p_value: float
    test: str = "McNemar"
    """Name of the test that gave the p-value."""
    over: str = ""
    """The rung kept before it; empty where no rungs are compared."""


def better(challenger: Landing, holder: Landing) -> bool:
    """Decide whether a rung replaces the one kept so far.

    Args:
        challenger: The rung just landed, which costs more.
        holder: The rung kept so far.

    Returns:
        True where its objective is higher by more than 0.1 point, or within that where its loss is lower.
    """
    points = 100.0 * (challenger.objective - holder.objective)
    if abs(points) > _TIE_POINTS + _ROUNDING:
        return points > 0.0
    return challenger.loss < holder.loss


def compare(challenger: Landing, holder: Landing, task: Task, *, objective: str, seed: int) -> Comparison:
    """Measure what a rung gained, row by row.

    Args:
        challenger: The rung just landed.
        holder: The rung kept before it.
        task: Knows the figures.
        objective: The figure that chooses.
        seed: Of the bootstrap.

    Returns:
        Gain in points of that figure with its 90 % interval, and the p-value of a test for it.
    """
    found = compare_outputs(
        holder.logits, challenger.logits, targets=holder.targets, task=task, objective=objective, seed=seed
    )
    return replace(found, over=holder.rung)


def compare_outputs(
    before: NDArray[np.float32],
    after: NDArray[np.float32],
    *,
    targets: Targets,
    task: Task,
    objective: str,
    seed: int,
) -> Comparison:
    """Measure what one model's outputs gain over another's, row by row.

    Resamples never show a kind of change that no row shows, such as a gain where rows were only lost; so the interval
    reaches at least 3 in n rows to either side.

    Args:
        before: Outputs of one, ``[B, C]``.
        after: Outputs of the other on the same rows, ``[B, C]``.
        targets: Of these rows, ``[B, ...]``.
        task: Knows the figures.
        objective: The figure that chooses.
        seed: Of the bootstrap.

    Returns:
        Gain in points of that figure with its 90 % interval, and the p-value of a test for it.

    Source: Hanley and Lippman-Hand 1983, for the 3 in n rows.
    """
    gain = task.gain(objective, before, after, targets=targets, level=_LEVEL, seed=seed)
    value, low, high = (100.0 * share for share in (gain.interval.value, gain.interval.low, gain.interval.high))
    reach = 100.0 * _RULE_OF_THREE / len(targets)
    low, high = min(low, value - reach), max(high, value + reach)
    return Comparison(gain=Interval(value, low, high), p_value=gain.p_value, test=gain.test)


def gain_excluded(comparison: Comparison, *, rung: str, min_gain: float) -> bool:
    """Decide whether a further rung is ruled out from bringing ``min_gain``.

    A frozen encoder that falls below word counts says nothing of a trained one, so such a probe never ends a climb.

    Args:
        comparison: Of the last rung with the one kept before it.
        rung: The last rung.
        min_gain: Points that must still be possible.

    Returns:
        True where the upper end of the gain's interval is below ``min_gain``.
    """
    if rung == "probe" and comparison.gain.value < 0.0:
        return False
    return bool(np.isfinite(comparison.gain.high)) and comparison.gain.high < min_gain
