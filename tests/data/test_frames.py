"""Frames as text: what is missing is empty, and labels keep the type they came in."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tunesmith.data.frames import as_text, is_missing, label_type_of, table_of


class NAType:
    """Behaves as ``pandas.NA`` does: compared with anything it is missing again, and that is neither true nor false."""

    def __ne__(self, other: object) -> Any:
        return self

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise TypeError("boolean value of NA is ambiguous")

    def __str__(self) -> str:
        return "<NA>"


class NaTType:
    """Behaves as ``pandas.NaT``."""

    def __str__(self) -> str:
        return "NaT"


MISSING = [None, math.nan, np.float32("nan"), np.datetime64("NaT"), NAType(), NaTType()]


@pytest.mark.parametrize("value", MISSING, ids=lambda value: type(value).__name__)
def test_what_is_missing_is_an_empty_cell(value: object) -> None:
    """None, NaN and the missing values of numpy and pandas; never a text such as ``<NA>``."""
    assert is_missing(value)
    assert as_text(value) == ""
    assert table_of({"text": ["hi", value]}).columns == {"text": ["hi", ""]}


@pytest.mark.parametrize("value", ["", " ", 0, False, np.int64(0), [math.nan], np.array([math.nan, 1.0]), "nan"])
def test_what_is_there_is_not_missing(value: object) -> None:
    """Nothing, zero, false and things of several parts are values."""
    assert not is_missing(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.bool_(True), "true"),
        (np.int64(7), "7"),
        (np.float64(0.5), "0.5"),
        (np.str_("Hi"), "Hi"),
        (np.datetime64("2026-01-02"), "2026-01-02"),
        (True, "true"),
        (1.0, "1.0"),
    ],
)
def test_scalars_of_numpy_are_written_as_those_of_python(value: object, text: str) -> None:
    """A truth value in small letters, wherever it came from."""
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        ([1, None, 2], "int"),
        ([True, NAType()], "bool"),
        ([0.5, math.nan], "float"),
        (["a", None], "str"),
        ([np.int64(1), 2], "int"),
        ([np.bool_(True), np.bool_(False)], "bool"),
        ([np.float32(0.5), 1.5], "float"),
        ([1, np.bool_(True)], "str"),
        ([1, "1"], "str"),
        ([None, math.nan], "str"),
        (np.array([1, 2], dtype=np.uint8), "int"),
        (pa.array([1, None, 2]), "int"),
    ],
)
def test_the_type_of_labels(labels: object, kind: str) -> None:
    """Missing ones do not count, numpy's numbers count as Python's, and a mixture is text."""
    assert label_type_of({"label": labels}, "label") == kind
