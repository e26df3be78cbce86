"""The text of a file handed out as it is wanted: line by line, or as many plain rows as come next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tunesmith.data.decode import Block
from tunesmith.data.plain_rows import PlainRows, plain_rows

_LEAST_BYTES = 1 << 11  # fewer are read one by one in less time
_MOST_BYTES = 1 << 20  # as many characters as a cell may have: a cell that is too long never passes
_PIECE_BYTES = 1 << 14
_FAILURES_IN_A_ROW = 3  # after more of them ever longer stretches are not tried at all: a try costs a third of reading
_LONGEST_REST_BYTES = 1 << 22


class Feed:
    """Hands out lines one by one and remembers the last one and its number; looks ahead without losing any.

    Args:
        blocks: From the first line of a file.
    """

    def __init__(self, blocks: Iterator[Block]) -> None:
        self._blocks = blocks
        self._pieces: list[Block] = []  # of the block at hand, the next one last
        self._lines: list[str] = []  # of the piece at hand, the next one last
        self._begun = b""  # the record that a block of plain rows did not end
        self._n_failures = 0  # since a block was plain
        self._rest_bytes = 0  # not to be tried
        self.number = 0
        """Lines handed out."""
        self.last = ""
        """The line handed out last."""

    def __iter__(self) -> Feed:
        return self

    def __next__(self) -> str:
        if self._begun:
            self._lines, self._begun = _lines_of(self._begun), b""
        while not self._lines:
            if (block := self._next_block()) is None:
                raise StopIteration
            self._lines = block.lines(self.number)[::-1]
        self.last = self._lines.pop()
        self.number += 1
        return self.last

    @property
    def at_block(self) -> bool:
        """Whether the next line begins a block."""
        return not self._lines

    def head(self, most: int) -> list[str]:
        """Look at the first lines.

        Args:
            most: As many at most.

        Returns:
            The lines, which are still to be handed out.
        """
        found: list[str] = []
        while len(found) < most and (block := self._next_block()) is not None:
            lines = block.lines(len(found))
            wanted = lines[: most - len(found)]
            if len(lines) > len(wanted):
                n_bytes = sum(len(line.encode("utf-8", "surrogatepass")) for line in wanted)
                self._pieces.append(block.part(n_bytes))
            found += wanted
        self._lines = found[::-1]
        return found

    def plain(self, delimiter: str, width: int) -> PlainRows | None:
        """Hand out all rows of the next block, if it is plain.

        Args:
            delimiter: One character.
            width: Cells of every row.

        Returns:
            The rows, with the line each begins on; None where the next lines are to be read one by one.

        Raises:
            DataError: What the block tells.
        """
        if not self.at_block:
            return None
        block = self._next_block()
        if block is None:
            return None
        if self._rest_bytes > 0:
            self._rest_bytes -= len(block.raw)
            self._lines = block.lines(self.number)[::-1]
            return None
        rows = self._plain_of(block, delimiter, width)
        if rows is None and self._begun:
            self._pieces.append(block)
            self._lines, self._begun = _lines_of(self._begun), b""
            return None
        if (
            rows is None and len(block.raw) > 2 * _PIECE_BYTES and block.is_sound
        ):  # what is not plain may be a single row
            *self._pieces, block = [*self._pieces, *reversed(_pieces(block))]
            rows = self._plain_of(block, delimiter, width)
        if rows is None:
            self._lines = block.lines(self.number)[::-1]
        self._count(failed=rows is None)
        return rows

    def _count(self, *, failed: bool) -> None:
        """Rest after some failures in a row, twice as long after each further one."""
        self._n_failures = self._n_failures + 1 if failed else 0
        if self._n_failures > _FAILURES_IN_A_ROW:
            n_more = self._n_failures - _FAILURES_IN_A_ROW
            self._rest_bytes = min(_PIECE_BYTES << min(n_more, 20), _LONGEST_REST_BYTES)

    def _next_block(self) -> Block | None:
        return self._pieces.pop() if self._pieces else next(self._blocks, None)

    def _plain_of(self, block: Block, delimiter: str, width: int) -> PlainRows | None:
        """Read a block behind the record begun before it; the record that it begins itself is left for the next."""
        raw = self._begun + block.raw
        if block.fault is not None or not _LEAST_BYTES <= len(raw) <= _MOST_BYTES:
            return None
        rows = plain_rows(raw, delimiter, width)
        if rows is None:
            return None
        self._begun = raw[rows.n_bytes :]
        first = self.number + 1
        self.number += rows.n_lines
        return replace(rows, lines=rows.lines + first)


def _lines_of(raw: bytes) -> list[str]:
    """Lines of sound UTF-8, the next one last."""
    return Block(raw, "").lines(0)[::-1]


def _pieces(block: Block) -> list[Block]:
    """Cut a block at some of its line ends."""
    raw, pieces, start = block.raw, [], 0
    while start < len(raw):
        end = raw.find(b"\n", start + _PIECE_BYTES) + 1 or len(raw)
        pieces.append(block.part(start, end))
        start = end
    return pieces
