"""Names of points, and what the steps between them bought: beside what they belong to and clear of one another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from tunesmith.report.canvas import NARROW, Canvas, hulls
from tunesmith.report.labels import Box, Wanted, place_labels
from tunesmith.report.paradigm.drawing import Line, Part, Words
from tunesmith.report.paradigm.language import Language
from tunesmith.report.paradigm.picture import Bought, Picture, Point

LINE_HEIGHT = 16.0
_FAR = 14.0
"""A name farther from its mark and bar than this is tied to its point by a line."""
_NEAR = 56.0
"""Farther from its line than this, what was bought is left out."""
_MAIN = 0.1
"""Share of all that the frontier rises by, from which on a step of it is a main one."""
_STRAYED = 40.0
"""Farther from its mark and bar than this, a name is written more briefly, if it then stands nearer."""
_COVERED, _CROSSED, _UNSAID = 10_000.0, 20.0, 25.0
"""Pixels of straying that are worth not covering a name, not crossing one, and saying what was bought."""
_CLEAR_OF_MARK = 8.0
_BRIEFEST = 3
_MANY = 12
"""Points beyond which names are written briefly and placed in one order only, since each try takes long."""


@dataclass(frozen=True, slots=True)
class Label:
    """Lines of words that stand together."""

    lines: tuple[Words, ...]

    @property
    def width(self) -> float:
        """Pixels, a little space at both ends included."""
        return max(line.width for line in self.lines) + 8.0

    @property
    def height(self) -> float:
        """Pixels."""
        return LINE_HEIGHT * len(self.lines) + 3.0

    def at(self, place: Box, *, is_left: bool) -> list[Words]:
        """Put the lines into a place.

        Args:
            place: Pixels, of this label's width and height.
            is_left: Whether it lies left of its point, against which the lines are then set.

        Returns:
            The lines where they stand.
        """
        x = place.right - 4.0 if is_left else place.left + 4.0
        return [
            replace(line, x=x, y=place.top + 13.0 + LINE_HEIGHT * number, anchor="end" if is_left else "start")
            for number, line in enumerate(self.lines)
        ]


@dataclass(frozen=True, slots=True)
class Set:
    """What is on the canvas before any name is."""

    canvas: Canvas
    places: Sequence[tuple[float, float]]
    """Of the points, pixels."""
    rooms: Sequence[Box]
    """Each point's mark and bar."""
    lines: Sequence[Box]
    """Thin boxes that a name had better not lie on."""


def label_of(point: Point, language: Language, brevity: int) -> Label:
    """Write a point's name and its figures.

    Args:
        point: The point.
        language: Of the comma between figures.
        brevity: 0 says what it is as well, 1 leaves that out, 2 puts name and score into one line, 3 is the name alone.

    Returns:
        Two lines or one.
    """
    tail = {0: point.beside, 2: point.score_told}.get(brevity, "")
    role = "kept" if point.kept else "ink"
    name = Words(point.name, 0.0, 0.0, 13.0, role, bold=True, tail=f"\xa0\xa0{tail}" if tail else "")
    figures = f"{point.score_told}{language.words['comma']}{point.cost_told}"
    return Label((name, Words(figures, 0.0, 0.0, 12.5, "quiet")) if brevity <= 1 else (name,))


def named(picture: Picture, there: Set) -> list[Part]:
    """Write all names: full ones, or briefer ones where these would cover one another; then what was bought.

    Args:
        picture: Its points.
        there: What is on the canvas.

    Returns:
        Words, and lines from those that stand far from their point.
    """
    fullest = 2 if len(picture.points) > _MANY else 0 if there.canvas.width >= NARROW else 1
    main = _main(picture.bought)
    tried: list[_Try] = []
    for brevity in range(fullest, _BRIEFEST + 1):
        labels = [label_of(point, picture.telling.language, brevity) for point in picture.points]
        tried += [
            _placed(labels, order, bought, there=there) for bought in (main, []) for order in _orders(picture, there)
        ]
        best = min(tried, key=lambda each: each.harm + _UNSAID * (len(main) - each.n_bought))
        if best.harm <= _STRAYED:
            break
    parts: list[Part] = list(best.bought)
    for label, place, box, room in zip(best.labels, there.places, best.boxes, there.rooms, strict=True):
        if _gap(box, room) > _FAR:
            parts.append(Line((_edge(place, box), box.nearest(*place)), "leader"))
        parts += label.at(box, is_left=box.right < place[0])
    return parts


@dataclass(frozen=True, slots=True)
class _Try:
    """One way to place all names."""

    labels: Sequence[Label]
    boxes: Sequence[Box]
    bought: Sequence[Words]
    n_bought: int
    harm: float


def _orders(picture: Picture, there: Set) -> list[tuple[list[int], list[int]]]:
    """Orders in which names may choose their places: those on the frontier first, then the others."""
    numbers = range(len(picture.points))
    keys = (
        lambda number: not picture.points[number].kept,
        lambda number: there.places[number][0],
        lambda number: -there.places[number][0],
        lambda number: there.places[number][1],
    )
    is_first = [point.kept or point.on_frontier for point in picture.points]
    return [
        (
            sorted((number for number in numbers if is_first[number]), key=key),
            sorted((number for number in numbers if not is_first[number]), key=key),
        )
        for key in (keys if len(numbers) <= _MANY else keys[:1])
    ]


def _placed(
    labels: Sequence[Label], order: tuple[list[int], list[int]], bought: Sequence[Bought], *, there: Set
) -> _Try:
    """Place names along the frontier, what was bought there, and then the other names."""
    boxes: dict[int, Box] = {}
    covered = list(there.rooms)
    written: list[list[Words]] = []
    for turn, numbers in enumerate(order):
        wanted = [Wanted(*there.places[number], labels[number].width, labels[number].height) for number in numbers]
        found = place_labels(wanted, frame=there.canvas.room(), marks=covered, lines=there.lines)
        boxes |= zip(numbers, found, strict=True)
        covered += found
        if turn == 0:
            written = _bought(bought, there, covered)
            covered += [words.box() for lines in written for words in lines]
    in_order = [boxes[number] for number in range(len(labels))]
    words = [each for lines in written for each in lines]
    return _Try(labels, in_order, words, n_bought=len(written), harm=_harm(in_order, there))


def _main(bought: Sequence[Bought]) -> list[Bought]:
    """The steps along the frontier that rise by much of what it rises by in all, the greatest first."""
    least = _MAIN * sum(each.points for each in bought)
    return sorted((each for each in bought if each.points >= least), key=lambda each: -each.points)


def _bought(bought: Sequence[Bought], there: Set, taken: Sequence[Box]) -> list[list[Words]]:
    """Say what steps bought, beside the line of the frontier, where there is room."""
    written: list[list[Words]] = []
    covered = list(taken)
    for each in bought:
        label = Label(tuple(Words(line, 0.0, 0.0, 12.0, "quiet") for line in each.lines))
        (_, before), (x, after) = there.places[each.start], there.places[each.end]
        y = (before + after) / 2.0
        wanted = [Wanted(x, y, label.width, label.height)]
        marks = [*covered, *there.lines]
        (box,) = place_labels(wanted, frame=there.canvas.room(), marks=marks, lines=[])
        if box.gap(x, y) <= _NEAR and not any(box.overlaps(mark) for mark in marks):
            covered.append(box)
            written.append(label.at(box, is_left=box.right < x))
    return written


def _harm(boxes: Sequence[Box], there: Set) -> float:
    """How far names have strayed, in pixels; more where a line to one crosses another, far more where they overlap."""
    gaps = [_gap(box, room) for box, room in zip(boxes, there.rooms, strict=True)]
    covered = sum(one.overlaps(other) for one, other in combinations(boxes, 2))
    covered += sum(box.overlaps(room) for box in boxes for room in there.rooms)
    crossed = sum(
        piece.overlaps(other)
        for place, box, gap in zip(there.places, boxes, gaps, strict=True)
        if gap > _FAR
        for piece in hulls([place, box.nearest(*place)])
        for other in boxes
        if other is not box
    )
    return _COVERED * covered + _CROSSED * crossed + max(gaps) + sum(gaps) / len(gaps)


def _edge(place: tuple[float, float], box: Box) -> tuple[float, float]:
    """Where a line from a point to its name leaves the mark."""
    (x, y), (near_x, near_y) = place, box.nearest(*place)
    share = _CLEAR_OF_MARK / math.hypot(near_x - x, near_y - y)
    return x + share * (near_x - x), y + share * (near_y - y)


def _gap(one: Box, other: Box) -> float:
    """Pixels between two boxes."""
    across = max(one.left - other.right, other.left - one.right, 0.0)
    return math.hypot(across, max(one.top - other.bottom, other.top - one.bottom, 0.0))
