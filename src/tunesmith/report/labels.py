"""Where the names of points stand in a plot: near their point, and never on another name, point or bar."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_GRID = 6.0
_CROSSING = 24.0
"""Pixels of distance that are worth not lying on a line."""
_OVERLAP = 1000.0
_REACHES = (50.0, 150.0, math.inf)
"""How far from its point a label is looked a place for, first and then."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels; ``top`` is the smaller number."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        """Say whether two rectangles share a point.

        Args:
            other: May be as thin as a line.

        Returns:
            True where they touch or overlap.
        """
        return (
            self.left <= other.right
            and other.left <= self.right
            and self.top <= other.bottom
            and other.top <= self.bottom
        )

    def nearest(self, x: float, y: float) -> tuple[float, float]:
        """Find the point of the rectangle that is nearest to another.

        Args:
            x: Of the other point.
            y: Of the other point.

        Returns:
            Its x and y.

        Example:
            >>> Box(10.0, 0.0, 20.0, 10.0).nearest(4.0, 5.0)
            (10.0, 5.0)
        """
        return min(max(x, self.left), self.right), min(max(y, self.top), self.bottom)

    def gap(self, x: float, y: float) -> float:
        """Measure how far the rectangle lies from a point.

        Args:
            x: Of the point.
            y: Of the point.

        Returns:
            Pixels; 0 inside.
        """
        near_x, near_y = self.nearest(x, y)
        return math.hypot(near_x - x, near_y - y)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A label to be placed: the point it belongs to and the room it takes, in pixels."""

    x: float
    y: float
    width: float
    height: float


def place_labels(wanted: Sequence[Wanted], *, frame: Box, marks: Sequence[Box], lines: Sequence[Box]) -> list[Box]:
    """Give every label the free place nearest to its point.

    Args:
        wanted: In order of importance: the first chooses first.
        frame: All labels stay inside.
        marks: Points and bars, which no label may cover.
        lines: Thin boxes that a label had better not lie on.

    Returns:
        One place a label; places overlap only where the frame is full.

    Example:
        >>> frame, point = Box(0.0, 0.0, 200.0, 100.0), Box(95.0, 45.0, 105.0, 55.0)
        >>> place_labels([Wanted(100.0, 50.0, 40.0, 10.0)], frame=frame, marks=[point], lines=[])
        [Box(left=106.0, top=45.0, right=146.0, bottom=55.0)]
    """
    placed: list[Box] = []
    for label in wanted:
        best, least = Box(frame.left, frame.top, frame.left + label.width, frame.top + label.height), math.inf
        for reach in _REACHES:
            best, least = _best(best, least, places=_places(label, frame, reach), taken=[*marks, *placed], lines=lines)
            if least <= reach:  # what lies farther away costs more
                break
        placed.append(best)
    return placed


def _best(
    best: Box, least: float, *, places: Iterable[tuple[float, Box]], taken: Sequence[Box], lines: Sequence[Box]
) -> tuple[Box, float]:
    """Look for a place that costs less than the best so far."""
    for distance, box in places:
        if distance >= least:
            break
        crossed = _CROSSING * sum(box.overlaps(line) for line in lines)
        covered = _OVERLAP * sum(box.overlaps(other) for other in taken)
        if distance + crossed + covered < least:
            best, least = box, distance + crossed + covered
    return best, least


def _places(label: Wanted, frame: Box, reach: float) -> Iterator[tuple[float, Box]]:
    """List a label's places in the frame within reach, the best first: near its point, to its right if possible."""
    x, y, width, height = label.x, label.y, label.width, label.height
    lefts = _steps(x, max(frame.left, x - width - reach), min(frame.right - width, x + reach))
    tops = _steps(y - height / 2.0, max(frame.top, y - height - reach), min(frame.bottom - height, y + reach))
    aside = np.clip(x, lefts, lefts + width) - x  # of the nearest point of each place
    above = np.clip(y, tops, tops + height) - y
    side = np.where(lefts > x, 0.0, np.where(lefts + width < x, 5.0, 8.0))
    beside = 0.1 * np.abs(tops + height / 2.0 - y)
    distances = np.hypot(aside[:, None], above) + side[:, None] + beside
    for place in np.argsort(distances, axis=None, kind="stable").tolist():
        left, top = float(lefts[place // len(tops)]), float(tops[place % len(tops)])
        yield float(distances.flat[place]), Box(left, top, left + width, top + height)


def _steps(origin: float, low: float, high: float) -> NDArray[np.float64]:
    """List the points from ``low`` to ``high`` of a grid through ``origin``."""
    first, last = math.ceil((low - origin) / _GRID), math.floor((high - origin) / _GRID)
    return origin + np.arange(first, last + 1, dtype=np.float64) * _GRID
