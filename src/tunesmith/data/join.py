"""Several tables as one: the same columns in the same order, whatever order each file has them in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from tunesmith.data.names import OURS, PROPOSED_ROW
from tunesmith.data.places import Places
from tunesmith.data.table import Table
from tunesmith.errors import DataError, quote


@dataclass(slots=True)
class Layout:
    """Names and order of the first file's columns."""

    source: str
    """The first file."""
    names: list[str]

    def applied(self, table: Table) -> Table:
        """Give the columns of a later file the names and the order of the first one's.

        Args:
            table: Of this or another file; the first file itself may gain columns on the way, as JSON lines do.

        Returns:
            The table, unchanged where it is of the first file.

        Raises:
            DataError: ``columns-differ``, another file has other columns; case and outer spaces do not matter, nor do
                the columns that ``tunesmith next`` adds. Others that its file has besides are left out.

        Example:
            >>> layout = Layout("a.csv", ["text", "label"])
            >>> layout.applied(Table({"Label": ["y"], "Text": ["b"]}, Places.of("b.csv", [2]))).columns
            {'text': ['b'], 'label': ['y']}
        """
        if table.source == self.source:
            self.names = list(table.columns)
            return table
        return _in_layout(table, self.names, self.source)


def joined_tables(tables: Sequence[Table]) -> Table:
    """Put tables one below the other.

    Args:
        tables: At least one; a column that some lack is empty there.

    Returns:
        All their rows; each note once.
    """
    if len(tables) == 1:
        return tables[0]
    names = dict.fromkeys(name for table in tables for name in table.columns)
    columns = {
        name: list(chain.from_iterable(table.columns.get(name) or [""] * table.n_rows for table in tables))
        for name in names
    }
    notes = tuple(dict.fromkeys(note for table in tables for note in table.notes))
    return Table(columns, Places.joined([table.places for table in tables]), notes)


def _in_layout(table: Table, names: list[str], source: str) -> Table:
    """Order and name columns as those of the first file."""
    of_plain = {_plain(name): name for name in table.columns}
    missing = [name for name in names if _plain(name) not in of_plain and not name.startswith(OURS)]
    known = set(map(_plain, names))
    besides = [name for plain, name in of_plain.items() if plain not in known and not name.startswith(OURS)]
    more = [] if PROPOSED_ROW in of_plain else besides
    if missing or more or len(of_plain) < len(table.columns):
        parts = [
            f"{what} {', '.join(map(quote, columns[:10]))}"
            for what, columns in (("without", missing), ("besides", more))
            if columns
        ]
        raise DataError(
            "columns-differ",
            "the files have different columns",
            where=table.source,
            found=f"{'; '.join(parts) or 'columns alike in all but case'}",
            allowed=f"the columns of {source}: {', '.join(map(quote, names[:10]))}, in any order",
            advice="give the files the same header, or use them one by one",
        )
    cells = {plain: table.columns[name] for plain, name in of_plain.items()}
    nothing = [""] * table.n_rows
    proposed = {PROPOSED_ROW: cells[PROPOSED_ROW]} if PROPOSED_ROW in cells else {}
    left_out = (
        [f"{table.source}: {', '.join(map(quote, besides[:10]))} left out, which {source} does not have"]
        if besides
        else []
    )
    notes = (*table.notes, *left_out)
    return Table({name: cells.get(_plain(name), nothing) for name in names} | proposed, table.places, notes)


def _plain(name: str) -> str:
    return name.strip().casefold()
