"""A user's file once read: named columns of text, and the line each record began on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """Records of one file, or of a part of it, column by column; every cell is text, a missing one is ``""``.

    ``lines`` gives the 1-based line of the file on which each record begins; ``notes`` says in sentences what the
    reader had to decide.
    """

    source: str
    columns: dict[str, list[str]]
    lines: list[int]
    notes: tuple[str, ...] = ()

    @property
    def n_rows(self) -> int:
        """Number of records."""
        return len(self.lines)
