"""A user's file once read: named columns of text, and the place where each record began."""

from __future__ import annotations

from dataclasses import dataclass

from tunesmith.data.places import Places


@dataclass(frozen=True, slots=True)
class Table:
    """Records of a file, of a part of it or of several, column by column; every cell is text, a missing one is ``""``.

    ``notes`` says in sentences what the reader had to decide.
    """

    columns: dict[str, list[str]]
    places: Places
    notes: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """Name of the file for messages."""
        return self.places.source

    @property
    def n_rows(self) -> int:
        """Number of records."""
        return len(self.places)


def distinct_names(header: list[str]) -> tuple[list[str], list[str]]:
    """Trim the names of columns and make them distinct; name the unnamed.

    Args:
        header: As the file has them.

    Returns:
        The names, and a sentence for each that had to be changed.

    Example:
        >>> distinct_names(["text ", "", "text"])[0]
        ['text', 'column_2', 'text_3']
    """
    names: list[str] = []
    notes: list[str] = []
    for position, cell in enumerate(header, start=1):
        name = cell.strip() or f"column_{position}"
        if not cell.strip():
            notes.append(f"column {position} has no name in the header; called {name}")
        while name in names:
            name = f"{name}_{position}"
            notes.append(f"column {position} has the name of an earlier one; called {name}")
        names.append(name)
    return names, notes
