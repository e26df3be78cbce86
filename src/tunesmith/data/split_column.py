"""A column named ``split``, by which the user has said already which rows choose and which rows test."""

from __future__ import annotations

from tunesmith.data.table import Table

_PARTS = {
    "train": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
}


def find_split_column(table: Table) -> str | None:
    """Find the column named ``split`` whose every cell names a part.

    Args:
        table: The user's table.

    Returns:
        Its name as the table has it; case and spaces do not matter, in the name or in the cells. None where a cell is
        none of ``train``, ``validation`` (``valid``, ``val``, ``dev``) and ``test``.

    Example:
        >>> from tunesmith.data.places import Places
        >>> find_split_column(Table({"text": ["a", "b"], "Split": ["train", "Dev"]}, Places.of("a.csv", [2, 3])))
        'Split'
    """
    named = (name for name in table.columns if "".join(name.split()).casefold() == "split")
    return next((name for name in named if set(map(_plain, table.columns[name])) <= _PARTS.keys()), None)


def part_at(table: Table, column: str) -> dict[str, str]:
    """Read a split column.

    Args:
        table: The user's table.
        column: As ``find_split_column`` found it.

    Returns:
        For the place of a row, its part: ``train``, ``validation`` or ``test``.

    Example:
        >>> from tunesmith.data.places import Places
        >>> part_at(Table({"split": ["val", "TRAIN "]}, Places.of("a.csv", [2, 3])), "split")
        {'a.csv:2': 'validation', 'a.csv:3': 'train'}
    """
    return {table.places.at(row): _PARTS[_plain(cell)] for row, cell in enumerate(table.columns[column])}


def _plain(cell: str) -> str:
    return cell.strip().casefold()
