"""From values to pixels, and which values an axis names."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

_COARSE = (0.001, 0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3600.0, 36_000.0, 864_000.0)
_MIDDLE = (*_COARSE, 0.05, 0.5, 5.0, 30.0, 300.0, 1800.0, 18_000.0, 86_400.0)
_FINE = (*_MIDDLE, 0.02, 0.2, 2.0, 20.0, 120.0, 1200.0, 7200.0, 172_800.0, 432_000.0)
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Scale:
    """Values between ``low`` and ``high`` laid out from pixel ``start`` to pixel ``end``."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """Place a value.

        Args:
            value: Positive on a logarithmic scale.

        Returns:
            Its pixel.

        Example:
            >>> Scale(1.0, 100.0, 0.0, 200.0, logarithmic=True)(10.0)
            100.0
        """
        low, high, here = self.low, self.high, value
        if self.logarithmic:
            low, high, here = math.log(low), math.log(high), math.log(value)
        return self.start + (self.end - self.start) * (here - low) / (high - low)


def time_ticks(scale: Scale, *, least_gap: float) -> list[float]:
    """Choose round times for a logarithmic axis.

    Args:
        scale: Of seconds.
        least_gap: Pixels between two names at least.

    Returns:
        Seconds, ascending: as many as there is room for, of the roundest there are.

    Example:
        >>> time_ticks(Scale(1.5, 400.0, 0.0, 300.0, logarithmic=True), least_gap=50.0)
        [10.0, 60.0]
        >>> time_ticks(Scale(1.5, 400.0, 0.0, 600.0, logarithmic=True), least_gap=50.0)
        [5.0, 10.0, 30.0, 60.0, 300.0]
    """
    chosen: list[float] = []
    for times in (_COARSE, _MIDDLE, _FINE):
        inside = sorted(time for time in times if scale.low <= time <= scale.high)
        gaps = [abs(scale(right) - scale(left)) for left, right in pairwise(inside)]
        if not chosen or min(gaps, default=0.0) >= least_gap:
            chosen = inside
    return chosen


def decade_ticks(scale: Scale, *, least_gap: float) -> list[float]:
    """Choose round values for a logarithmic axis of anything but time.

    Args:
        scale: Of positive values.
        least_gap: Pixels between two names at least.

    Returns:
        Powers of ten, ascending, with twice and five times them where there is room; fewer where there is little.

    Example:
        >>> decade_ticks(Scale(0.5, 200.0, 0.0, 300.0, logarithmic=True), least_gap=50.0)
        [1.0, 10.0, 100.0]
        >>> decade_ticks(Scale(0.5, 20.0, 0.0, 600.0, logarithmic=True), least_gap=50.0)
        [0.5, 1.0, 2.0, 5.0, 10.0, 20.0]
    """
    first, last = math.floor(math.log10(scale.low)), math.ceil(math.log10(scale.high))
    for every, factors in ((1, (1.0, 2.0, 5.0)), (1, (1.0,)), (2, (1.0,)), (3, (1.0,)), (6, (1.0,))):
        powers = [power for power in range(first, last + 1) if power % every == 0]
        values = [factor * 10.0**power for power in powers for factor in factors]
        inside = [value for value in values if scale.low <= value <= scale.high]
        if min((scale(right) - scale(left) for left, right in pairwise(inside)), default=least_gap) >= least_gap:
            break
    return inside


def linear_ticks(low: float, high: float, *, most: int = 6, whole: bool = False) -> list[float]:
    """Choose round values for a linear axis.

    Args:
        low: Lower end.
        high: Upper end, above ``low``.
        most: How many at most.
        whole: Whether they must be whole numbers; then the ends are at least 1 apart.

    Returns:
        Multiples of 1, 2, 2.5 or 5 times a power of ten within the ends, ascending.

    Example:
        >>> linear_ticks(0.0, 10.0)
        [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
        >>> linear_ticks(91.3, 94.9, most=4)
        [92.0, 93.0, 94.0]
        >>> linear_ticks(0.0, 12.0, most=5), linear_ticks(0.0, 12.0, most=5, whole=True)
        ([0.0, 2.5, 5.0, 7.5, 10.0], [0.0, 5.0, 10.0])
    """
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    for factor in (*_STEPS, 20.0):
        step = factor * power
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first + 1 <= most and not (whole and step % 1.0):
            return [round(number * step, 10) for number in range(first, last + 1)]
    raise AssertionError("twenty times a power of ten is always coarse enough")
