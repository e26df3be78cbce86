"""Frames of other libraries, by the libraries themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from tunesmith.data.frames import label_type_of, table_of

ROWS: dict[str, list[Any]] = {"text": ["null", "Where is it?", None], "label": [1, 0, 1]}


@pytest.mark.parametrize("make", [pd.DataFrame, pa.table, Dataset.from_dict], ids=["pandas", "arrow", "datasets"])
def test_a_frame_of_each_library_is_the_same_table(make: Callable[[dict[str, list[Any]]], Any]) -> None:
    """Words that look like missing values are words; labels come back as numbers."""
    frame = make(ROWS)
    assert table_of(frame).columns == {"text": ["null", "Where is it?", ""], "label": ["1", "0", "1"]}
    assert label_type_of(frame, "label") == "int"


@pytest.mark.parametrize("dtype", ["string", "category", "object", "string[pyarrow]"])
def test_every_kind_of_text_column_of_pandas_is_read(dtype: str) -> None:
    """With missing cells as each of them has them."""
    frame = pd.DataFrame(
        {"text": pd.Series(["a", None, "NA"], dtype=dtype), "label": pd.Series([1, None, 0], dtype="Int64")}
    )
    assert table_of(frame).columns == {"text": ["a", "", "NA"], "label": ["1", "", "0"]}


def named(labels: list[int | None]) -> Dataset:
    """A dataset whose labels are numbers with names."""
    features = Features({"text": Value("string"), "label": ClassLabel(names=["app", "cards"])})
    return Dataset.from_dict({"text": [f"text {row}" for row in range(len(labels))], "label": labels}, features)


def test_numbers_of_classes_become_their_names() -> None:
    """As the makers of the dataset named them; -1 stands for a label that is kept back."""
    dataset = named([1, 0, -1])
    assert table_of(dataset).columns["label"] == ["cards", "app", ""]
    assert label_type_of(dataset, "label") == "str"


def test_a_dataset_in_parts_brings_its_split() -> None:
    """In the column that settles it; each part's rows are numbered from 1."""
    table = table_of(DatasetDict({"train": named([1, 0]), "test": named([0])}))
    assert table.columns["split"] == ["train", "train", "test"]
    assert [table.places.at(row) for row in range(3)] == ["train, row 1", "train, row 2", "test, row 1"]
