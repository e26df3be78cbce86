"""Rows that cannot be read and that the user chose to leave out: counted, and told."""

from __future__ import annotations

from tunesmith.errors import counted

_MOST_TOLD = 20


class BadRows:
    """Collects the places of rows left out."""

    def __init__(self) -> None:
        self._first: list[str] = []
        self.count = 0
        """Rows left out so far."""

    def add(self, place: str) -> None:
        """Leave out one more row.

        Args:
            place: Where it begins.
        """
        self.count += 1
        if self.count <= _MOST_TOLD:
            self._first.append(place)

    def notes(self) -> tuple[str, ...]:
        """Say how many rows were left out, and where the first are.

        Returns:
            A sentence, none where no row was left out.

        Example:
            >>> bad = BadRows()
            >>> bad.add("a.csv:7")
            >>> bad.notes()
            ('warning: 1 row that cannot be read was left out (a.csv:7)',)
        """
        if not self.count:
            return ()
        rows = counted(self.count, "row that cannot be read was", "rows that cannot be read were")
        more = ", ..." if self.count > _MOST_TOLD else ""
        return (f"warning: {rows} left out ({', '.join(self._first)}{more})",)
