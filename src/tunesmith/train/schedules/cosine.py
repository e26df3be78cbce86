"""Half a cosine down to zero after the warm-up."""

from __future__ import annotations

import math

from pydantic import Field

from tunesmith.config import Settings
from tunesmith.train.schedules import Schedule, warmed_up


class Options(Settings):
    """The warm-up."""

    warmup_ratio: float = Field(0.1, ge=0.0, lt=1.0)
    """Share of the planned steps over which the learning rate rises from zero."""


def build(options: Options) -> Schedule:
    """Rise, then fall along half a cosine to zero at the last step.

    Args:
        options: The warm-up.

    Returns:
        Progress 0..1 to factor 0..1.

    Example:
        >>> build(Options(warmup_ratio=0.5))(0.25)
        0.5
    """

    def after(rest: float) -> float:
        return 0.5 * (1.0 + math.cos(math.pi * min(1.0, rest)))

    return lambda progress: warmed_up(progress, options.warmup_ratio, after)
