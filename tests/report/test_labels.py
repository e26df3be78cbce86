"""Names in a plot keep clear of each other, of points and of the frame."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from tunesmith.report.labels import Box, Wanted, place_labels

_FRAME = Box(48.0, 22.0, 710.0, 330.0)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("n_points", [1, 4, 10])
def test_places_never_overlap(seed: int, n_points: int) -> None:
    """However close the points lie, no name may cover another name or a point, nor leave the frame."""
    generator = np.random.default_rng(seed)
    xs, ys = generator.normal(380.0, 60.0, n_points).clip(60, 690), generator.normal(180.0, 20.0, n_points)
    wanted = [Wanted(float(x), float(y), 95.0, 36.0) for x, y in zip(xs, ys, strict=True)]
    marks = [Box(want.x - 9, want.y - 14, want.x + 9, want.y + 14) for want in wanted]
    places = place_labels(wanted, frame=_FRAME, marks=marks, lines=[])
    assert len(places) == n_points
    assert not [pair for pair in combinations(places, 2) if pair[0].overlaps(pair[1])]
    assert not [(place, mark) for place in places for mark in marks if place.overlaps(mark)]
    inside = [p for p in places if p.left >= 48 and p.top >= 22 and p.right <= 710.001 and p.bottom <= 330.001]
    assert len(inside) == n_points


def test_a_line_is_kept_clear_where_there_is_room() -> None:
    """A name must step aside from a line that starts at its point."""
    want, mark = Wanted(200.0, 150.0, 80.0, 30.0), Box(191.0, 141.0, 209.0, 159.0)
    line = Box(200.0, 150.0, 700.0, 150.0)
    (place,) = place_labels([want], frame=_FRAME, marks=[mark], lines=[line])
    assert not place.overlaps(line)
    assert place.gap(200.0, 150.0) < 30.0


def test_a_full_frame_still_gives_every_name_a_place() -> None:
    """Where there is no room at all, a name must overlap rather than be lost."""
    small = Box(0.0, 0.0, 60.0, 20.0)
    wanted = [Wanted(30.0, 10.0, 50.0, 18.0), Wanted(31.0, 10.0, 50.0, 18.0), Wanted(30.0, 10.0, 90.0, 40.0)]
    assert len(place_labels(wanted, frame=small, marks=[], lines=[])) == 3


def test_beside_its_point_is_better_than_above() -> None:
    """Eight pixels away to its upper left, rather than seven right above, where there is no room to the right."""
    (place,) = place_labels(
        [Wanted(195.0, 50.0, 38.0, 10.0)],
        frame=Box(0.0, 0.0, 200.0, 100.0),
        marks=[Box(190.0, 45.0, 200.0, 55.0)],
        lines=[],
    )
    assert (place.right, place.top) == (191.0, 33.0)
