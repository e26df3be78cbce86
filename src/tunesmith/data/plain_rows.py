"""Rows of delimited text found all at once, where the text is so plain that there is one way to read it.

Quotes of a plain text open behind a delimiter or a line end and close before one, and within them are doubled. Every
second quote then closes a cell, so a separator behind an even number of quotes separates, and one behind an odd number
is text. Where that does not hold nothing is said: the text is to be read record by record.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_NEW_LINE, _RETURN, _QUOTE = 0x0A, 0x0D, 0x22
_SEPARATOR, _KEPT_QUOTE = 0x00, 0x01  # stand for other bytes on the way: a text with one of them is not plain
_MOST_TO_MEND = 1 / 16  # share of bytes that are not ASCII, above which it is faster to decode the text as a whole


@dataclass(frozen=True, slots=True)
class PlainRows:
    """B records that begin a text."""

    columns: list[list[str]]
    """Cells, ``[width][B]``."""
    lines: NDArray[np.int64]
    """Lines before each record, ``[B]``."""
    n_lines: int = 0
    """Lines that they take up, blank ones among them."""
    n_bytes: int = 0
    """Bytes that they take up."""

    def __len__(self) -> int:
        return len(self.lines)

    def part(self, start: int, end: int | None = None) -> PlainRows:
        """Take some of the records.

        Args:
            start: The first.
            end: One past the last; left out, there is no more.

        Returns:
            Their cells and lines.
        """
        return PlainRows([column[start:end] for column in self.columns], self.lines[start:end])


def plain_rows(raw: bytes, delimiter: str, width: int) -> PlainRows | None:
    r"""Read the records of a plain text: just what ``csv.reader`` reads, blank lines left out.

    Args:
        raw: UTF-8 from the start of a record; a record that does not end in it is left alone.
        delimiter: One character.
        width: Cells of every record.

    Returns:
        The records; None where the text is not plain, a record has another width, or none ends.

    Example:
        >>> plain_rows(b'"a\nb",x\n\n"c ""d"" e",y\n"f', ",", 2).columns
        [['a\nb', 'c "d" e'], ['x', 'y']]
        >>> plain_rows(b'5" pipe,x\n', ",", 2) is None
        True
    """
    if b"\0" in raw or b"\1" in raw or not delimiter.isascii() or delimiter in '\0\1\r\n"':
        return None
    text = np.frombuffer(raw, np.uint8)
    ends_line = text == _NEW_LINE
    separators, quotes = _separators_and_quotes(text, ends_line | (text == ord(delimiter)), has_quotes=b'"' in raw)
    end_at = np.flatnonzero(ends_line[separators])
    if not len(end_at):
        return None
    separators = separators[: end_at[-1] + 1]
    ends = separators[end_at]
    n_bytes = int(ends[-1]) + 1
    quotes = quotes[: np.searchsorted(quotes, n_bytes)]
    returns = np.flatnonzero(text[:n_bytes] == _RETURN) if b"\r" in raw else np.zeros(0, np.int64)
    outer_returns = returns[np.searchsorted(quotes, returns) & 1 == 0]
    if not ends_line[outer_returns + 1].all() or not _are_plain(quotes, text, ord(delimiter)):
        return None
    starts = np.concatenate([[0], ends[:-1] + 1])
    blank = (text[starts] == _NEW_LINE) | (text[starts] == _RETURN)
    if blank.any():
        separators = np.delete(separators, end_at[blank])
    n_rows = len(ends) - int(np.count_nonzero(blank))
    if not n_rows or not _have_width(ends_line[separators], n_rows, width):
        return None
    dropped = np.concatenate([outer_returns, ends[blank]])
    cells = _cells(raw[:n_bytes], separators, quotes, dropped=dropped) if _is_utf8(raw[n_bytes:]) else None
    if cells is None:
        return None
    line_ends = _line_ends(ends_line[:n_bytes], returns, ends)
    lines = np.searchsorted(line_ends, starts) if len(line_ends) > len(ends) else np.arange(len(ends))
    return PlainRows([cells[place::width] for place in range(width)], lines[~blank], len(line_ends), n_bytes)


def _line_ends(ends_line: NDArray[np.bool_], returns: NDArray[np.int64], outer: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where lines end, within cells too; a return ends one unless a line feed follows."""
    lone = returns[~ends_line[returns + 1]]
    if len(lone):
        return np.sort(np.concatenate([np.flatnonzero(ends_line), lone]))
    return outer if np.count_nonzero(ends_line) == len(outer) else np.flatnonzero(ends_line)


def _separators_and_quotes(
    text: NDArray[np.uint8], may_separate: NDArray[np.bool_], *, has_quotes: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of separators that have an even number of quotes before them, and of the quotes."""
    if not has_quotes:
        return np.flatnonzero(may_separate), np.zeros(0, np.int64)
    places = np.flatnonzero(may_separate | (text == _QUOTE))
    is_quote = text[places] == _QUOTE
    is_outside = np.cumsum(is_quote, dtype=np.int32) & 1 == 0
    return places[is_outside & ~is_quote], places[is_quote]


def _are_plain(quotes: NDArray[np.int64], text: NDArray[np.uint8], delimiter: int) -> bool:
    """Whether an even number of quotes open and close in turn only where a cell begins and ends, or come in pairs."""
    if not len(quotes):
        return True
    opening, closing = quotes[0::2], quotes[1::2]
    before, behind = text[opening - 1], text[closing + 1]
    if opening[0] == 0:
        before[0] = _NEW_LINE
    begins = (before == delimiter) | (before == _NEW_LINE) | (before == _QUOTE)
    ends = (behind == delimiter) | (behind == _NEW_LINE) | (behind == _QUOTE) | (behind == _RETURN)
    return bool(begins.all() and ends.all())


def _have_width(ends: NDArray[np.bool_], n_rows: int, width: int) -> bool:
    """Whether every ``width``-th separator ends a line, and no other one does."""
    return len(ends) == n_rows * width and bool(ends[width - 1 :: width].all())


def _cells(
    raw: bytes, separators: NDArray[np.int64], quotes: NDArray[np.int64], *, dropped: NDArray[np.int64]
) -> list[str] | None:
    """Cut a text at its separators and leave the quotes around cells out; None where it is no UTF-8."""
    text = np.frombuffer(raw, np.uint8).copy()
    text[separators] = _SEPARATOR
    text[dropped] = _QUOTE
    doubled = quotes[2::2][np.diff(quotes)[1::2] == 1]
    text[doubled] = _KEPT_QUOTE
    flat = text.tobytes()
    if len(quotes) or len(dropped):
        flat = flat.replace(b'"', b"")
    if len(doubled):
        flat = flat.replace(b"\1", b'"')
    others = np.zeros(0, np.int64) if raw.isascii() else np.flatnonzero(np.frombuffer(raw, np.uint8) >= 0x80)
    try:
        if len(others) > len(raw) * _MOST_TO_MEND:
            return flat.decode().split("\0")[:-1]
        cells = flat.decode("latin-1").split("\0")
        for cell in np.unique(np.searchsorted(separators, others)).tolist():
            cells[cell] = cells[cell].encode("latin-1").decode()
    except UnicodeDecodeError:
        return None
    return cells[:-1]


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
