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
    return Table(source=_SOURCE, columns=columns, lines=list(range(1, n_rows + 1)), notes=())


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
        Nothing for a missing value, ``true`` or ``false`` for a truth value, else what ``str`` gives; numpy's numbers
        as Python's own.

    Example:
        >>> [as_text(value) for value in (True, None, 1.5, "Hi")]
        ['true', '', '1.5', 'Hi']
    """
    if is_missing(value):
        return ""
    plain = _plain(value)
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
    if not isinstance(data, Mapping) and not hasattr(data, "columns"):
        return "str"
    kinds = {_kind(value) for value in _columns(data).get(column, []) if not is_missing(value)}
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


def _plain(value: Any) -> Any:
    """Give a numpy truth value, whole number or fraction as Python's own; anything else as it is."""
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    return value.item() if kind in ("b", "i", "u", "f") and getattr(value, "ndim", None) == 0 else value


def _kind(value: Any) -> LabelType:
    kinds: tuple[tuple[type, LabelType], ...] = ((bool, "bool"), (int, "int"), (float, "float"))
    plain = _plain(value)
    return next((name for kind, name in kinds if isinstance(plain, kind)), "str")
