"""Texts as scikit-learn's users hold them: lists, series, arrays and frames, to a list of texts or pairs."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from typing import Any

import numpy as np

from tunesmith.data.frames import as_text, is_missing
from tunesmith.errors import DataError, counted, quote
from tunesmith.types import Text

_ALLOWED = "a list, a series, an array or a frame of one column of texts; of two columns, or tuples of two, for pairs"


def texts_of(X: Any) -> list[Text]:
    """Read texts, or pairs of them.

    Args:
        X: A sequence of texts or of tuples of two; a series; an object array ``[B]``, ``[B, 1]`` or ``[B, 2]``; a frame
            of one column, or of two for pairs. None, NaN and NA are empty texts, as in training.

    Returns:
        A text a row, or a pair.

    Raises:
        DataError: ``not-texts``, it is or holds something else; ``pairs-mixed``, some rows are pairs and some are not.

    Example:
        >>> texts_of(["hi", None]), texts_of([("hi", "you")])
        (['hi', ''], [('hi', 'you')])
    """
    if isinstance(X, str | bytes) or not hasattr(X, "__len__") or hasattr(X, "toarray") or isinstance(X, dict):
        found = f"the text {quote(X)}" if isinstance(X, str) else type(X).__name__
        advice = "put a single text in a list; a file is trained on by tunesmith.train" if isinstance(X, str) else None
        raise _not_texts("X holds no texts", found, advice=advice)
    names = getattr(X, "column_names", None) or getattr(X, "columns", None)
    rows = list(zip(*(plain_values(X[name]) for name in names), strict=True)) if names is not None else plain_values(X)
    if not rows:
        raise _not_texts("X has no rows", f"{type(X).__name__} without rows")
    texts = [_text_of(row, number) for number, row in enumerate(rows, start=1)]
    kinds = [isinstance(text, tuple) for text in texts]
    if len(set(kinds)) > 1:
        other = kinds.index(not kinds[0]) + 1
        raise DataError(
            "pairs-mixed",
            "some rows are pairs of texts and some are single texts",
            where=f"X, row {other}",
            found="a single text after pairs" if kinds[0] else "a pair after single texts",
            allowed="all rows of one kind",
            advice='write a missing second text as "": ("first", "")',
        )
    return texts


def plain_values(column: Any) -> list[Any]:
    """List what a sequence, array or column holds, numpy's numbers as Python's own.

    Args:
        column: Anything that can be listed.

    Returns:
        One value a row, of an array of two axes a list.
    """
    kinds = (name for name in ("to_pylist", "tolist", "to_list") if hasattr(column, name))
    values = getattr(column, next(kinds, ""), lambda: column)()
    return [value.item() if isinstance(value, np.generic) else value for value in values]


def _text_of(row: Any, number: int) -> Text:
    parts = row if isinstance(row, list | tuple) else (row,)
    wrong = [part for part in parts if not (isinstance(part, str) or is_missing(part))]
    if wrong or len(parts) not in (1, 2):
        found = f"a {type(wrong[0]).__name__}" if wrong else f"{len(parts)} values"
        advice = "decode it" if wrong and isinstance(wrong[0], bytes) else "write numbers as text: str(x)"
        raise _not_texts("a row of X is no text", found, where=f"X, row {number}", advice=advice if wrong else None)
    first, *second = map(as_text, parts)
    return (first, second[0]) if second else first


def _not_texts(message: str, found: str, *, where: str = "X", advice: str | None = None) -> DataError:
    return DataError("not-texts", message, where=where, found=found, allowed=_ALLOWED, advice=advice)


def refuse_lengths(texts: Sized, **beside: Sequence[Any] | None) -> None:
    """Make sure that there is one of each for every text.

    Args:
        texts: One a row.
        **beside: What stands beside them, by name; None where it was not given.

    Raises:
        DataError: ``lengths-differ``.
    """
    for name, values in beside.items():
        if values is not None and len(values) != len(texts):
            raise DataError(
                "lengths-differ",
                f"X and {name} have different numbers of rows",
                where=name,
                found=f"{counted(len(texts), 'text')}, {len(values)} in {name}",
                allowed="one for each text",
            )
