"""Labelled rows dealt out as a split column of their table says."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.data.labelled import Labelled
from tunesmith.data.split_column import part_at_line
from tunesmith.data.table import Table
from tunesmith.errors import DataError, quote

_SHOWN_LABELS = 5
_SHOWN_LINES = 20


def rows_by_part(rows: Labelled, table: Table, column: str) -> dict[str, Labelled]:
    """Deal rows out as a split column says.

    Args:
        rows: Rows of the table that have a label.
        table: The user's table.
        column: The split column.

    Returns:
        ``train`` first; ``validation`` and ``test`` where they have rows.

    Raises:
        DataError: ``no-train-rows``, or ``unseen-label`` where a label is in no row of train.

    Example:
        >>> table = Table("a.csv", {"split": ["test", "train"]}, [2, 3])
        >>> list(rows_by_part(Labelled(["a", "b"], ["x", "x"], [2, 3], "a.csv"), table, "split"))
        ['train', 'test']
    """
    part_at = part_at_line(table, column)
    numbers: dict[str, list[int]] = {"train": [], "validation": [], "test": []}
    for row, line in enumerate(rows.lines):
        numbers[part_at[line]].append(row)
    parts = {name: _some(rows, numbers[name]) for name in numbers if numbers[name]}
    if "train" not in parts:
        raise DataError(
            "no-train-rows",
            f"the column {quote(column)} leaves no rows to train on",
            where=rows.source,
            found=", ".join(f"{len(part.texts)} rows of {name}" for name, part in parts.items()),
            allowed="some rows of train",
            advice="mark rows as train, or rename the column, so that it is not taken for one that splits",
        )
    _refuse_unseen(rows, set(parts["train"].labels), column)
    return parts


def _some(rows: Labelled, numbers: Sequence[int]) -> Labelled:
    return Labelled(
        [rows.texts[row] for row in numbers],
        [rows.labels[row] for row in numbers],
        [rows.lines[row] for row in numbers],
        rows.source,
    )


def _refuse_unseen(rows: Labelled, known: set[str], column: str) -> None:
    """Refuse labels that the column keeps out of train: a model could never be right on them."""
    lines = [line for line, label in zip(rows.lines, rows.labels, strict=True) if label not in known]
    if not lines:
        return
    unseen = sorted(set(rows.labels) - known)
    shown = ", ".join(map(quote, unseen[:_SHOWN_LABELS])) + (", ..." if len(unseen) > _SHOWN_LABELS else "")
    more = ", ..." if len(lines) > _SHOWN_LINES else ""
    raise DataError(
        "unseen-label",
        f"{len(unseen)} label{'s' * (len(unseen) > 1)} of validation or test rows occur in no row of train",
        where=f"{rows.source}:{lines[0]}",
        found=f"{shown} in {len(lines)} rows (lines {', '.join(map(str, lines[:_SHOWN_LINES]))}{more})",
        allowed="a label must occur in the training rows to be learnt",
        advice=f"mark some of these rows as train in the column {quote(column)}, or leave them out",
    )
