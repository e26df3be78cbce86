"""Labelled rows dealt out as a split column of their table says."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tunesmith.data.labelled import Labelled
from tunesmith.data.split_column import part_at
from tunesmith.data.table import Table
from tunesmith.errors import DataError, counted, quote

_SHOWN_LABELS = 5


def rows_by_part(
    rows: Labelled,
    table: Table,
    column: str,
    *,
    labels_in: Callable[[str], tuple[str, ...]] = lambda cell: (cell,),
) -> dict[str, Labelled]:
    """Deal rows out as a split column says.

    Args:
        rows: Rows of the table that have a label.
        table: The user's table.
        column: The split column.
        labels_in: Lists the labels that a cell holds; none where it is a number.

    Returns:
        ``train`` first; ``validation`` and ``test`` where they have rows.

    Raises:
        DataError: ``no-train-rows``, or ``unseen-label`` where a label is in no row of train.

    Example:
        >>> from tunesmith.data.places import Places
        >>> table = Table({"split": ["test", "train"]}, Places.of("a.csv", [2, 3]))
        >>> list(rows_by_part(Labelled(["a", "b"], ["x", "x"], table.places), table, "split"))
        ['train', 'test']
    """
    part_of = part_at(table, column)
    numbers: dict[str, list[int]] = {"train": [], "validation": [], "test": []}
    for row in range(len(rows.places)):
        numbers[part_of[rows.places.at(row)]].append(row)
    parts = {name: _some(rows, numbers[name]) for name in numbers if numbers[name]}
    if "train" not in parts:
        raise DataError(
            "no-train-rows",
            f"the column {quote(column)} leaves no rows to train on",
            where=rows.places.source,
            found=", ".join(f"{counted(len(part.texts), 'row')} of {name}" for name, part in parts.items()),
            allowed="some rows of train",
            advice="mark rows as train, or rename the column, so that it is not taken for one that splits",
        )
    known = {label for cell in parts["train"].labels for label in labels_in(cell)}
    _refuse_unseen(rows, [set(labels_in(cell)) - known for cell in rows.labels], column)
    return parts


def _some(rows: Labelled, numbers: Sequence[int]) -> Labelled:
    return Labelled(
        [rows.texts[row] for row in numbers],
        [rows.labels[row] for row in numbers],
        rows.places.select(numbers),
        groups=None if rows.groups is None else [rows.groups[row] for row in numbers],
        times=None if rows.times is None else [rows.times[row] for row in numbers],
    )


def _refuse_unseen(rows: Labelled, strange: Sequence[set[str]], column: str) -> None:
    """Refuse labels that the column keeps out of train: a model could never be right on them."""
    refused = [row for row, labels in enumerate(strange) if labels]
    if not refused:
        return
    unseen = sorted(set().union(*strange))
    shown = ", ".join(map(quote, unseen[:_SHOWN_LABELS])) + (", ..." if len(unseen) > _SHOWN_LABELS else "")
    raise DataError(
        "unseen-label",
        f"{counted(len(unseen), 'label of validation or test rows occurs', 'labels of validation or test rows occur')} "
        "in no row of train",
        where=rows.places.at(refused[0]),
        found=f"{shown} in {counted(len(refused), 'row')} ({rows.places.told(refused)})",
        allowed="a label must occur in the training rows to be learnt",
        advice=f"mark some of these rows as train in the column {quote(column)}, or leave them out",
    )
