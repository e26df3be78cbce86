"""Rows dealt out by a split column."""

from __future__ import annotations

import pytest

from tunesmith.data.labelled import Labelled
from tunesmith.data.places import Places
from tunesmith.data.rows_by_part import rows_by_part
from tunesmith.data.table import Table
from tunesmith.errors import DataError

CELLS = ["train", "dev", "test", "train", "train"]
TABLE = Table({"split": CELLS}, Places.of("t.csv", [2, 3, 4, 5, 6]))


def test_every_row_goes_where_the_column_says() -> None:
    """With its line; rows that were left out for want of a label are in no part."""
    rows = Labelled(["a", "b", "d", "e"], ["x", "y", "y", "x"], Places.of("t.csv", [2, 3, 5, 6]))
    assert rows_by_part(rows, TABLE, "split") == {
        "train": Labelled(["a", "d", "e"], ["x", "y", "x"], Places.of("t.csv", [2, 5, 6])),
        "validation": Labelled(["b"], ["y"], Places.of("t.csv", [3])),
    }


def test_without_rows_of_train_nothing_can_be_learnt() -> None:
    """What there is instead is told."""
    rows = Labelled(["b", "c"], ["x", "y"], Places.of("t.csv", [3, 4]))
    with pytest.raises(DataError, match="1 row of validation, 1 row of test") as caught:
        rows_by_part(rows, TABLE, "split")
    assert caught.value.code == "no-train-rows"


def test_a_label_that_is_in_no_row_of_train_is_refused() -> None:
    """By its name and the lines it is on."""
    rows = Labelled(list("abcde"), ["x", "new", "new", "y", "x"], Places.of("t.csv", [2, 3, 4, 5, 6]))
    with pytest.raises(DataError, match=r'"new" in 2 rows \(lines 3, 4\)') as caught:
        rows_by_part(rows, TABLE, "split")
    assert caught.value.code == "unseen-label"
    assert caught.value.where == "t.csv:3"
