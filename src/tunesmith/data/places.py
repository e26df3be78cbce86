"""Where rows come from: the file of each, and the line on which it begins, so that messages can name it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tunesmith.errors import counted, plural

Unit: TypeAlias = Literal["line", "row"]
"""What the numbers count: lines of a text file, or rows of what has no lines."""

_MOST_TOLD = 20


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Places of B rows; made by ``of`` and ``joined``."""

    sources: tuple[tuple[str, Unit], ...]
    """Names of the files, at least one, and what the numbers count in each."""
    numbers: NDArray[np.int64]
    """Line or row of its file at which each begins, from 1, ``[B]``."""
    file_of: NDArray[np.int32] | None = None
    """Which of several files each comes from, ``[B]``."""

    def __len__(self) -> int:
        return len(self.numbers)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Places):
            return NotImplemented
        rows = range(len(self))
        return len(self) == len(other) and all(self.at(row) == other.at(row) for row in rows)

    def __hash__(self) -> int:
        return hash(self.numbers.tobytes())

    @property
    def source(self) -> str:
        """Name of the file, or of the first of several."""
        more = len(self.sources) - 1
        first = self.sources[0][0]
        return f"{first} and {counted(more, 'more file')}" if more else first

    def source_of(self, row: int) -> tuple[str, Unit]:
        """Name the file of one row.

        Returns:
            Its name as the user gave it, and what its numbers count.
        """
        return self.sources[0 if self.file_of is None else int(self.file_of[row])]

    def at(self, row: int) -> str:
        """Say where one row is.

        Returns:
            ``FILE:LINE``, or ``FILE, row NUMBER`` where there are no lines.

        Example:
            >>> Places.of("a.csv", [2, 3]).at(1), Places.of("a.parquet", [1, 2], unit="row").at(1)
            ('a.csv:3', 'a.parquet, row 2')
        """
        (source, unit), number = self.source_of(row), int(self.numbers[row])
        return f"{source}:{number}" if unit == "line" else f"{source}, row {number}"

    def told(self, rows: Sequence[int]) -> str:
        """Say where the first twenty of some rows are.

        Args:
            rows: At least one row.

        Returns:
            Their lines, by file where there are several.

        Example:
            >>> Places.of("a.csv", [2, 3, 7]).told([0, 2])
            'lines 2, 7'
            >>> Places.joined([Places.of("a.csv", [2]), Places.of("b.csv", [2, 3])]).told([0, 1, 2])
            'a.csv line 2; b.csv lines 2, 3'
        """
        by_file: dict[tuple[str, Unit], list[str]] = {}
        for row in rows[:_MOST_TOLD]:
            by_file.setdefault(self.source_of(row), []).append(str(self.numbers[row]))
        several = len(self.sources) > 1
        parts = [
            f"{source + ' ' if several else ''}{plural(len(numbers), unit)} {', '.join(numbers)}"
            for (source, unit), numbers in by_file.items()
        ]
        return "; ".join(parts) + (", ..." if len(rows) > _MOST_TOLD else "")

    def select(self, rows: Sequence[int] | NDArray[np.int64]) -> Places:
        """Take some rows.

        Args:
            rows: Their numbers from 0, in the order wanted.

        Returns:
            Their places.

        Example:
            >>> Places.of("a.csv", [2, 3, 7]).select([2, 0]).numbers.tolist()
            [7, 2]
        """
        chosen = np.asarray(rows, dtype=np.int64)
        file_of = None if self.file_of is None else self.file_of[chosen]
        return Places(self.sources, self.numbers[chosen], file_of)

    @classmethod
    def of(cls, source: str, numbers: Sequence[int] | NDArray[np.int64], *, unit: Unit = "line") -> Places:
        """Give the places of one file's rows.

        Args:
            source: Name of the file.
            numbers: Where each row begins, from 1, ``[B]``.
            unit: What the numbers count.

        Returns:
            The places.
        """
        return cls(((source, unit),), np.asarray(numbers, dtype=np.int64))

    @classmethod
    def joined(cls, parts: Sequence[Places]) -> Places:
        """Put the rows of several files one after the other.

        Args:
            parts: At least one.

        Returns:
            Their places; a file that comes up twice is still one file.

        Example:
            >>> Places.joined([Places.of("a.csv", [2]), Places.of("b.csv", [2])]).at(1)
            'b.csv:2'
        """
        numbers = np.concatenate([part.numbers for part in parts])
        sources = tuple(dict.fromkeys(name for part in parts for name in part.sources))
        if len(sources) == 1:
            return cls(sources, numbers)
        file_of = [
            np.array([sources.index(name) for name in part.sources], dtype=np.int32)[
                np.zeros(len(part), np.int32) if part.file_of is None else part.file_of
            ]
            for part in parts
        ]
        return cls(sources, numbers, np.concatenate(file_of))
