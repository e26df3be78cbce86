"""A column named ``split``, by which the user has said already which rows choose and which rows test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tunesmith.data.table import Table
from tunesmith.errors import counted, plural, quote

_SHOWN_WORDS = 3
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
    return next(
        (name for name in _named(table.columns) if set(map(_plain, table.columns[name])) <= _PARTS.keys()), None
    )


def unfollowed(columns: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Say why a column named ``split`` is not followed in which some cells name a part and others do not.

    Args:
        columns: Those that are in no other use, by their names.

    Returns:
        A sentence, or none: where no cell names a part, the column is one like any other.

    Example:
        >>> unfollowed({"split": ["train", "?"]})[0]
        'warning: the column "split" is not followed, since 1 of 2 cells ("?") is none of train, validation and test'
    """
    for name in _named(columns):
        cells = columns[name]
        strange = [cell for cell in cells if _plain(cell) not in _PARTS]
        if len(strange) < len(cells):
            words = list(dict.fromkeys(strange))
            shown = ", ".join(map(quote, words[:_SHOWN_WORDS])) + (", ..." if len(words) > _SHOWN_WORDS else "")
            told = f"{len(strange)} of {counted(len(cells), 'cell')} ({shown}) {plural(len(strange), 'is', 'are')}"
            return (
                f"warning: the column {quote(name)} is not followed, since {told} none of train, validation and test",
            )
    return ()


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


def _named(names: Iterable[str]) -> list[str]:
    return [name for name in names if "".join(name.split()).casefold() == "split"]


def _plain(cell: str) -> str:
    return cell.strip().casefold()
