"""Places: rows are found again by file and line, through every selection."""

from __future__ import annotations

import pytest

from tunesmith.data.places import Places


def two_files() -> Places:
    """Two rows of one file, then three of another."""
    return Places.joined([Places.of("a.csv", [2, 5]), Places.of("b.csv", [2, 3, 4])])


def test_each_row_of_several_files_has_the_line_of_its_own_file() -> None:
    """Line numbers of one file mean nothing in another."""
    places = two_files()
    assert [places.at(row) for row in range(5)] == ["a.csv:2", "a.csv:5", "b.csv:2", "b.csv:3", "b.csv:4"]
    assert places.source == "a.csv and 1 more file"


def test_a_selection_keeps_the_files_of_its_rows() -> None:
    """In the order asked for; told by file."""
    places = two_files().select([4, 0])
    assert [places.at(0), places.at(1)] == ["b.csv:4", "a.csv:2"]
    assert places.told([0, 1]) == "b.csv line 4; a.csv line 2"


def test_files_joined_again_are_still_told_apart() -> None:
    """Train rows of two files, and test rows of a third and of the first."""
    places = Places.joined([two_files(), Places.of("c.csv", [9]), Places.of("a.csv", [7])])
    assert [places.at(row) for row in (1, 4, 5, 6)] == ["a.csv:5", "b.csv:4", "c.csv:9", "a.csv:7"]
    assert [name for name, _ in places.sources] == ["a.csv", "b.csv", "c.csv"]


def test_rows_of_what_has_no_lines_are_called_rows() -> None:
    """A frame and a Parquet file; beside a file of lines each keeps its own."""
    frame = Places.of("frame", [1, 2], unit="row")
    assert (frame.at(1), frame.told([0, 1])) == ("frame, row 2", "rows 1, 2")
    both = Places.joined([frame, Places.of("a.csv", [2])])
    assert both.told([0, 2]) == "frame row 1; a.csv line 2"


@pytest.mark.parametrize(("count", "end"), [(1, "line 2"), (20, "20, 21"), (21, "20, 21, ...")])
def test_at_most_twenty_rows_are_told(count: int, end: str) -> None:
    """And that there are more."""
    assert Places.of("a.csv", range(2, 2 + count)).told(range(count)).endswith(end)
