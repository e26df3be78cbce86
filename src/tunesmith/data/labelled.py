"""Texts with their labels, prepared, ready to be checked, split and tokenized."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tunesmith.data.columns import Columns
from tunesmith.data.names import PROPOSED_ROW
from tunesmith.data.places import Places
from tunesmith.data.prepare import Form, prepare_label, prepare_text
from tunesmith.data.table import Table
from tunesmith.errors import DataError, counted, plural, quote
from tunesmith.types import Text, as_one

_SHOWN_LABELS = 7


@dataclass(slots=True)
class Labelled:
    """Rows of a table: text, label, and where each begins; ``notes`` tells what was left out."""

    texts: list[Text]
    labels: list[str]
    places: Places
    notes: tuple[str, ...] = ()
    groups: list[str] | None = None
    """Cells of the column that keeps rows together, where there is one."""
    times: list[str] | None = None
    """Cells of the column that says when a row was made, where there is one."""


def joined_texts(table: Table, text: Sequence[str], normalise: Form = "NFC") -> list[str]:
    """Prepare the texts of a table; several columns are joined by a space in the order they are named.

    Args:
        table: The user's table.
        text: Names of the text columns, at least one.
        normalise: Normal form of the texts.

    Returns:
        One prepared text a row.

    Example:
        >>> table = Table({"subject": ["Card "], "body": ["Where is it?"]}, Places.of("a.csv", [2]))
        >>> joined_texts(table, ("subject", "body"))
        ['Card Where is it?']
    """
    columns = [[prepare_text(cell, normalise) for cell in table.columns[name]] for name in text]
    if len(columns) == 1:
        return columns[0]
    return [" ".join(filter(None, parts)) for parts in zip(*columns, strict=True)]


def inputs_of(table: Table, columns: Columns, normalise: Form = "NFC") -> list[Text]:
    """Prepare what a model reads of each row.

    Args:
        table: The user's table.
        columns: The columns to use.
        normalise: Normal form of the texts.

    Returns:
        A text a row, or a pair where there is a column of second texts.

    Example:
        >>> table = Table({"a": ["Hi "], "b": ["Bye"]}, Places.of("a.csv", [2]))
        >>> inputs_of(table, Columns(("a",), None, (), pair="b"))
        [('Hi', 'Bye')]
    """
    texts = joined_texts(table, columns.text, normalise)
    if columns.pair is None:
        return list(texts)
    return list(zip(texts, joined_texts(table, [columns.pair], normalise), strict=True))


def unlabelled_rows(table: Table, columns: Columns) -> list[int]:
    """Find the rows without a label.

    Args:
        table: The user's table.
        columns: The columns to use; a label column is among them.

    Returns:
        Their numbers from 0, ascending.

    Example:
        >>> table = Table({"text": ["Hi!", "Bye"], "label": ["greeting", " "]}, Places.of("a.csv", [2, 3]))
        >>> unlabelled_rows(table, Columns(("text",), "label", ()))
        [1]
    """
    assert columns.label is not None, "the caller chose columns without a label"
    return [row for row, label in enumerate(table.columns[columns.label]) if not prepare_label(label)]


def labelled(
    table: Table,
    columns: Columns,
    *,
    drop_unlabelled: bool = False,
    may_be_uniform: bool = False,
    may_be_empty: bool = False,
    normalise: Form = "NFC",
) -> Labelled:
    """Take the texts and labels out of a table.

    Args:
        table: The user's table.
        columns: The columns to use; a label column is among them.
        drop_unlabelled: Leave rows without a label out instead of refusing them.
        may_be_empty: Take an empty label for an answer, as where a text may have none of the labels; not in rows that
            ``tunesmith next`` wrote, to be filled in.
        may_be_uniform: Accept a single row or a single label: enough to measure a model on, not to train one.
        normalise: Normal form of the texts.

    Returns:
        The rows in the order of the file, empty texts among them.

    Raises:
        DataError: ``label-missing``, ``text-missing`` (every text is empty), ``one-row``, ``one-class``.

    Example:
        >>> table = Table({"text": ["Hi!", "Bye"], "label": ["greeting", "farewell "]}, Places.of("a.csv", [2, 3]))
        >>> labelled(table, Columns(("text",), "label", ())).labels
        ['greeting', 'farewell']
    """
    assert columns.label is not None, "the caller chose columns without a label"
    texts = inputs_of(table, columns, normalise)
    labels = [prepare_label(label) for label in table.columns[columns.label]]
    empty = [row for row, label in enumerate(labels) if not label]
    missing = _unanswered(table, empty) if may_be_empty and len(empty) < len(labels) else empty
    if missing and (len(missing) == len(labels) or not drop_unlabelled):
        raise _label_missing(table, columns.label, labels, missing=missing)
    if not any(map(as_one, texts)):
        raise DataError(
            "text-missing",
            "every text is empty",
            where=table.source,
            found=f"{plural(len(columns.text), 'column')} {', '.join(map(quote, columns.text))} empty in "
            f"{plural(len(texts), 'the one row', f'all {len(texts)} rows')}",
            advice="name the column that holds the texts with --text",
        )
    left_out = set(missing)
    kept = [row for row in range(len(labels)) if row not in left_out]
    notes: list[str] = []
    if missing:
        left = counted(len(missing), "row without a label was", "rows without a label were")
        notes.append(f"{left} left out ({table.places.told(missing)})")
    if len(empty) > len(missing):
        notes.append(f"{counted(len(empty) - len(missing), 'row has', 'rows have')} none of the labels")
    rows = Labelled(
        [texts[row] for row in kept],
        [labels[row] for row in kept],
        table.places.select(kept),
        tuple(notes),
        *(
            None if name is None else [prepare_label(table.columns[name][row]) for row in kept]
            for name in (columns.group, columns.time)
        ),
    )
    if not may_be_uniform:
        _refuse_too_little(rows, columns.label)
    return rows


def _unanswered(table: Table, empty: list[int]) -> list[int]:
    """Of rows without a label those that were proposed to be labelled, and are not yet."""
    proposed = table.columns.get(PROPOSED_ROW)
    return [row for row in empty if proposed[row]] if proposed else []


def _shown_labels(labels: list[str]) -> str:
    seen = [label for label, _ in Counter(labels).most_common()]
    more = ", ..." if len(seen) > _SHOWN_LABELS else ""
    return f"{counted(len(seen), 'label')} seen: {', '.join(map(quote, seen[:_SHOWN_LABELS]))}{more}"


def _label_missing(table: Table, name: str, labels: list[str], *, missing: list[int]) -> DataError:
    seen = [label for label in labels if label]
    fill = plural(len(missing), "fill this line, or leave it out", "fill these lines, or leave them out")
    advice = f"{fill} with --drop-unlabelled" if seen else "name the right column with --label"
    return DataError(
        "label-missing",
        "the label is empty",
        where=table.places.at(missing[0]),
        found=f"column {quote(name)} is empty in {len(missing)} of {counted(len(labels), 'row')} "
        f"({table.places.told(missing)})",
        allowed=f"any non-empty text; {_shown_labels(seen)}" if seen else "any non-empty text",
        advice=advice,
    )


def _refuse_too_little(rows: Labelled, name: str) -> None:
    if len(rows.labels) == 1:
        raise DataError(
            "one-row",
            "there is one labelled row only",
            where=rows.places.at(0),
            allowed="at least two rows, better twenty of each label",
            advice="add rows with the other labels",
        )
    if len(set(rows.labels)) == 1:
        raise DataError(
            "one-class",
            f"all {len(rows.labels)} rows have the same label",
            where=rows.places.source,
            found=f"column {quote(name)} is {quote(rows.labels[0])} throughout",
            allowed="at least two different labels",
            advice="add rows of another label, or name the right column with --label",
        )
