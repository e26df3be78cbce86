"""Which rung is kept, and when more compute is ruled out from buying anything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tunesmith.evaluate.paired import mcnemar, paired_gain
from tunesmith.ladder.landing import Landing
from tunesmith.types import Interval

_TIE_POINTS = 0.1
_LEVEL = 0.90


@dataclass(frozen=True, slots=True)
class Comparison:
    """A rung against the one kept before it, on the same validation rows; gain in points."""

    gain: Interval
    p_value: float


def better(challenger: Landing, holder: Landing) -> bool:
    """Decide whether a rung replaces the one kept so far.

    Args:
        challenger: The rung just landed, which costs more.
        holder: The rung kept so far.

    Returns:
        True where its objective is higher by more than 0.1 point, or within that where its log loss is lower.
    """
    points = 100.0 * (challenger.objective - holder.objective)
    if abs(points) > _TIE_POINTS:
        return points > 0.0
    return challenger.log_loss < holder.log_loss


def compare(challenger: Landing, holder: Landing, *, seed: int) -> Comparison:
    """Measure what a rung gained, row by row.

    Args:
        challenger: The rung just landed.
        holder: The rung kept before it.
        seed: Of the bootstrap.

    Returns:
        Gain in points of accuracy with its 90 % interval, and McNemar's p.
    """
    before, after = holder.right(), challenger.right()
    gain = paired_gain(before, after, seed=seed, level=_LEVEL)
    points = Interval(100.0 * gain.value, 100.0 * gain.low, 100.0 * gain.high)
    return Comparison(gain=points, p_value=mcnemar(before, after))


def gain_excluded(comparison: Comparison, *, rung: str, min_gain: float) -> bool:
    """Decide whether a further rung is ruled out from bringing ``min_gain``.

    A frozen encoder that falls below word counts says nothing of a trained one, so the probe ends a climb only where
    the two are level.

    Args:
        comparison: Of the last rung with the one kept before it.
        rung: The last rung.
        min_gain: Points that must still be possible.

    Returns:
        True where the upper end of the gain's interval is below ``min_gain``.
    """
    if rung == "probe" and comparison.gain.high < 0.0:
        return False
    return bool(np.isfinite(comparison.gain.high)) and comparison.gain.high < min_gain
