"""Schedules: ``build(options)`` gives a function of progress 0..1 to the factor on the peak learning rate, 0..1."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from tunesmith.config import Family

SCHEDULES = Family("schedule", __name__, __path__)

Schedule: TypeAlias = Callable[[float], float]


def warmed_up(progress: float, warmup_ratio: float, after: Schedule) -> float:
    """Rise evenly from 0 over the warm-up, then follow another curve over what is left.

    Args:
        progress: Share of the planned steps behind, 0..1.
        warmup_ratio: Share of the planned steps spent rising.
        after: The curve over the rest, itself from 0 to 1.

    Returns:
        The factor, 0..1.

    Example:
        >>> warmed_up(0.05, 0.1, lambda rest: 1.0 - rest)
        0.5
    """
    if progress < warmup_ratio:
        return progress / warmup_ratio
    return after((progress - warmup_ratio) / max(1.0 - warmup_ratio, 1e-9))
