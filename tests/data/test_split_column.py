"""A column named ``split`` is found by its name and its values."""

from __future__ import annotations

import pytest

from tunesmith.data.places import Places
from tunesmith.data.split_column import find_split_column, part_at
from tunesmith.data.table import Table


@pytest.mark.parametrize("name", ["split", "Split", "SPLIT", " s plit"])
@pytest.mark.parametrize("word", ["validation", "valid", "val", "dev", "VAL", " Dev "])
def test_it_is_found_whatever_the_case(name: str, word: str) -> None:
    """In name and values; every usual word for validation is understood."""
    table = Table({"text": ["a", "b", "c"], name: ["train", word, "Test"]}, Places.of("a.csv", [2, 4, 5]))
    assert find_split_column(table) == name
    assert part_at(table, name) == {"a.csv:2": "train", "a.csv:4": "validation", "a.csv:5": "test"}


@pytest.mark.parametrize("cells", [["train", ""], ["train", "holdout"], ["banana split", "ice"], ["0", "1"]])
def test_other_values_make_it_a_column_like_any_other(cells: list[str]) -> None:
    """One cell that names no part is enough."""
    assert find_split_column(Table({"split": cells}, Places.of("a.csv", [2, 3]))) is None


def test_other_names_are_not_taken() -> None:
    """Only a column that says so is one; of several, the one whose values fit."""
    assert find_split_column(Table({"part": ["train"], "splits": ["train"]}, Places.of("a.csv", [2]))) is None
    assert find_split_column(Table({"split": ["x"], "Split": ["train"]}, Places.of("a.csv", [2]))) == "Split"
