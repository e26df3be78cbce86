"""Frames: tables already in memory, as pandas, Arrow, Polars or a mapping of columns hold them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from tunesmith.data.join import joined_tables
from tunesmith.data.places import Places
from tunesmith.data.table import Table
from tunesmith.errors import DataError

LabelType: TypeAlias = Literal["str", "int", "float", "bool"]

_SOURCE = "frame"


def table_of(frame: Any) -> Table:
    """Read a frame as text.

    Args:
        frame: Anything with named columns: a mapping of lists; a frame with ``columns`` and ``frame[name]``; a Hugging
            Face ``Dataset``, whose class numbers become their names, or a ``DatasetDict``, whose parts are told by a
            column ``split``.

    Returns:
        Its cells as text, missing ones empty; its rows are numbered from 1.

    Raises:
        DataError: It has no columns, or they differ in length.

    Example:
        >>> table_of({"text": ["hi"], "label": [True]}).columns
        {'text': ['hi'], 'label': ['true']}
    """
    if _is_dataset_dict(frame):
        return joined_tables([_part(name, dataset) for name, dataset in frame.items()])
    columns = {str(name): [as_text(value) for value in values] for name, values in _columns(frame).items()}
    lengths = {name: len(values) for name, values in columns.items()}
    if not columns or len(set(lengths.values())) != 1:
        raise DataError(
            "not-a-frame",
            "expected a table with columns of one length",
            where=_SOURCE,
            found=str(lengths) if columns else type(frame).__name__,
            allowed="a path, a pandas frame, or a mapping such as {'text': [...], 'label': [...]}",
        )
    n_rows = next(iter(lengths.values()))
    if not n_rows:
        raise DataError("file-empty", "the frame has no rows", where=_SOURCE)
    return Table(columns, Places.of(_SOURCE, range(1, n_rows + 1), unit="row"))


def is_missing(value: Any) -> bool:
    """Tell whether a value stands for none: None, NaN, and the missing values of pandas.

    Returns:
        True where it does; an empty text is a text.

    Example:
        >>> [is_missing(value) for value in (None, float("nan"), "", 0)]
        [True, True, False, False]
    """
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    try:
        return bool(value != value)  # noqa: PLR0124 - only what is not a number differs from itself
    except (TypeError, ValueError):  # a list or an array is a value, whatever its parts are
        return False


def as_text(value: Any) -> str:
    """Write a value of a frame as its text is trained on, and told from others.

    Returns:
        Nothing for a missing value, ``true`` or ``false`` for a truth value, JSON for a list or a mapping, the text
        of UTF-8 bytes, else what ``str`` gives; numpy's numbers as Python's own.

    Raises:
        UnicodeDecodeError: Bytes are no UTF-8.

    Example:
        >>> [as_text(value) for value in (True, None, 1.5, "Hi")]
        ['true', '', '1.5', 'Hi']
    """
    if is_missing(value):
        return ""
    plain = _plain(value)
    if isinstance(plain, bytes):
        return plain.decode()
    if isinstance(plain, list | dict):
        return json.dumps(plain, ensure_ascii=False, default=str)
    return str(plain).lower() if isinstance(plain, bool) else str(plain)


def label_type_of(data: Any, column: str) -> LabelType:
    """Tell which Python type the labels of a frame have, so that predictions come back in it.

    Args:
        data: A path or a frame.
        column: The label column.

    Returns:
        ``"bool"``, ``"int"``, ``"float"`` or ``"str"``; a file's labels are text. Missing labels do not count.

    Example:
        >>> label_type_of({"label": [0, 1]}, "label")
        'int'
    """
    labels = [] if _is_dataset_dict(data) else _columns(data).get(column, [])
    kinds = {_kind(value) for value in labels if not is_missing(value)}
    return kinds.pop() if len(kinds) == 1 else "str"


def _columns(frame: Any) -> dict[str, list[Any]]:
    if isinstance(frame, Mapping):
        return {name: _values(values) for name, values in frame.items()}
    names = getattr(frame, "column_names", None) or list(getattr(frame, "columns", ()))
    if names and hasattr(frame, "__getitem__"):
        return {name: _named(_values(frame[name]), _class_names(frame, name)) for name in names}
    return {}


def _is_dataset_dict(frame: Any) -> bool:
    return isinstance(frame, Mapping) and bool(frame) and all(hasattr(part, "column_names") for part in frame.values())


def _part(name: str, dataset: Any) -> Table:
    """Read one part of a ``DatasetDict``; where rows lie is told by its name."""
    part = table_of(dataset)
    return Table(
        {**part.columns, "split": [name] * part.n_rows}, replace(part.places, sources=((name, "row"),)), part.notes
    )


def _class_names(frame: Any, name: str) -> Sequence[str] | None:
    """Give the names that a Hugging Face dataset has for the numbers of a column."""
    features = getattr(frame, "features", None)
    return getattr(features[name], "names", None) if isinstance(features, Mapping) else None


def _named(values: list[Any], names: Sequence[str] | None) -> list[Any]:
    """Put names in place of class numbers; -1 stands for no label there."""
    if names is None:
        return values
    return [None if value is None or value < 0 else names[value] for value in values]


def _values(column: Iterable[Any]) -> list[Any]:
    """Give plain Python values: numpy, pandas and Arrow columns all know how."""
    for name in ("to_pylist", "tolist", "to_list"):
        if hasattr(column, name):
            return list(getattr(column, name)())
    return list(column)


def _plain(value: Any) -> Any:
    """Give a numpy truth value, whole number or fraction as Python's own; anything else as it is."""
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    return value.item() if kind in ("b", "i", "u", "f") and getattr(value, "ndim", None) == 0 else value


def _kind(value: Any) -> LabelType:
    kinds: tuple[tuple[type, LabelType], ...] = ((bool, "bool"), (int, "int"), (float, "float"))
    plain = _plain(value)
    return next((name for kind, name in kinds if isinstance(plain, kind)), "str")
