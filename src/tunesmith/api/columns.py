"""Columns that a model remembers from the file it was trained on."""

from __future__ import annotations

from tunesmith.data.table import Table


def remembered(table: Table, names: str) -> str | None:
    """Give a training file's columns where another file has them too.

    Args:
        table: The other file.
        names: As the bundle tells them: one name, or several with commas between.

    Returns:
        The names, or None where some are not there.

    Example:
        >>> from tunesmith.data.places import Places
        >>> remembered(Table({"body": ["hi"]}, Places.of("new.csv", [2])), "body")
        'body'
    """
    known = names in table.columns or all(name.strip() in table.columns for name in names.split(","))
    return names if known else None
