"""spaCy's and Prodigy's categories, a score for each name, to one label a row."""

from __future__ import annotations

import json

import numpy as np

from tunesmith.data.bad_rows import BadRows
from tunesmith.data.table import Table
from tunesmith.errors import DataError, counted, quote

_COLUMN = "cats"
_HOLDS = 0.5  # spaCy's own threshold of a category that holds


def labels_of_cats(table: Table, *, bad_rows: BadRows | None = None) -> Table:
    """Put a column ``label`` in the place of ``cats``, where no row has the other.

    Args:
        table: The user's table.
        bad_rows: Takes the rows of which not exactly one category holds; left out, they are refused.

    Returns:
        The table, unchanged where it has no categories; a row without any is not labelled.

    Raises:
        DataError: ``not-one-label``.

    Example:
        >>> from tunesmith.data.places import Places
        >>> table = Table({"text": ["hi"], "cats": ['{"greet": 1.0, "bye": 0.0}']}, Places.of("a.jsonl", [1]))
        >>> labels_of_cats(table).columns
        {'text': ['hi'], 'label': ['greet']}
    """
    if _COLUMN not in table.columns or any(table.columns.get("label", ())):
        return table
    holding = [_holding(cell) for cell in table.columns[_COLUMN]]
    if any(names is None for names in holding):
        return table  # a column of that name which holds something else
    bad = [row for row, names in enumerate(holding) if names is not None and len(names) > 1]
    if bad and bad_rows is None:
        raise DataError(
            "not-one-label",
            f"{counted(len(bad), 'row has', 'rows have')} several categories",
            where=table.places.at(bad[0]),
            found=f"{', '.join(map(quote, holding[bad[0]] or ()))} ({table.places.told(bad)})",
            allowed=f"one category of at least {_HOLDS} a row",
            advice="leave one category in each row, or leave such rows out with --skip-bad-rows",
        )
    if bad_rows is not None:
        for row in bad:
            bad_rows.add(table.places.at(row))
    kept = np.setdiff1d(np.arange(table.n_rows), bad)
    columns = {name: [cells[row] for row in kept] for name, cells in table.columns.items() if name != _COLUMN}
    columns["label"] = [next(iter(holding[row] or ()), "") for row in kept]
    return Table(columns, table.places.select(kept), table.notes)


def _holding(cell: str) -> list[str] | None:
    """Give the names that hold; None where the cell is no mapping of names to scores."""
    if not cell:
        return []
    try:
        scores = json.loads(cell)
    except ValueError:
        return None
    if not isinstance(scores, dict) or not all(isinstance(score, int | float) for score in scores.values()):
        return None
    return [name for name, score in scores.items() if score >= _HOLDS]
