"""Frames: tables already in memory, as pandas, Arrow, Polars or a mapping of columns hold them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

from tunesmith.data.table import Table
from tunesmith.errors import DataError

LabelType: TypeAlias = Literal["str", "int", "float", "bool"]

_SOURCE = "frame"


def table_of(frame: Any) -> Table:
    """Read a frame as text.

    Args:
        frame: Anything with named columns: a mapping of lists, or a frame with ``columns`` and ``frame[name]``.

    Returns:
        Its cells as text, missing ones empty; a row's line is its number from 1.

    Raises:
        DataError: It has no columns, or they differ in length.

    Example:
        >>> table_of({"text": ["hi"], "label": [True]}).columns
        {'text': ['hi'], 'label': ['true']}
    """
    columns = {str(name): [_as_text(value) for value in values] for name, values in _columns(frame).items()}
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
    return Table(source=_SOURCE, columns=columns, lines=list(range(1, n_rows + 1)), notes=())


def label_type_of(data: Any, column: str) -> LabelType:
    """Tell which Python type the labels of a frame have, so that predictions come back in it.

    Args:
        data: A path or a frame.
        column: The label column.

    Returns:
        ``"bool"``, ``"int"``, ``"float"`` or ``"str"``; a file's labels are text.

    Example:
        >>> label_type_of({"label": [0, 1]}, "label")
        'int'
    """
    if not isinstance(data, Mapping) and not hasattr(data, "columns"):
        return "str"
    kinds = {_kind(value) for value in _columns(data).get(column, [])}
    return kinds.pop() if len(kinds) == 1 else "str"


def _columns(frame: Any) -> dict[str, list[Any]]:
    if isinstance(frame, Mapping):
        return {name: _values(values) for name, values in frame.items()}
    if hasattr(frame, "columns") and hasattr(frame, "__getitem__"):
        names = getattr(frame, "column_names", None) or list(frame.columns)
        return {name: _values(frame[name]) for name in names}
    return {}


def _values(column: Iterable[Any]) -> list[Any]:
    """Give plain Python values: numpy, pandas and Arrow columns all know how."""
    for name in ("to_pylist", "tolist", "to_list"):
        if hasattr(column, name):
            return list(getattr(column, name)())
    return list(column)


def _as_text(value: Any) -> str:
    if value is None or (isinstance(value, float) and value != value):  # noqa: PLR0124 - only NaN differs from itself
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _kind(value: Any) -> LabelType:
    kinds: tuple[tuple[type, LabelType], ...] = ((bool, "bool"), (int, "int"), (float, "float"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "str")
