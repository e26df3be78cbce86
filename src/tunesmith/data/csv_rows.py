"""Delimited text to tables: the delimiter is found in the first lines, every record must have the header's width."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.bad_rows import BadRows
from tunesmith.data.decode import Block
from tunesmith.data.feed import Feed
from tunesmith.data.names import KNOWN_NAMES, plain_name
from tunesmith.data.places import Places
from tunesmith.data.plain_rows import PlainRows
from tunesmith.data.table import Table, distinct_names
from tunesmith.errors import DataError, counted, plural, quote

_DELIMITERS = ",\t;|"
_NO_DELIMITER = "\x1f"  # one column: commas in it are text
_SNIFF_LINES = 50
_MAX_CELL = 1 << 20
_SHOWN_LINES = 20
_COMES_AGAIN = 2


def csv_tables(
    blocks: Iterator[Block],
    *,
    source: str,
    chunk_rows: int,
    prefer_tab: bool = False,
    live: bool = False,
    bad_rows: BadRows | None = None,
) -> Iterator[Table]:
    r"""Read records of delimited text, ``chunk_rows`` at a time.

    Args:
        blocks: Whole lines, from the first line of the file.
        source: Name of the file for messages.
        chunk_rows: Most records a table holds.
        prefer_tab: Take TAB for the delimiter wherever the header has one.
        live: The lines may never end: tell a ragged row at once instead of counting all of them.
        bad_rows: Takes the rows of another width than the header's; left out, they are refused.

    Yields:
        Tables of the same columns; at least one, of at least one record.

    Raises:
        DataError: ``file-empty``, ``header-only``, ``ragged-row``, ``unclosed-quote`` or ``cell-too-long``; and what
            the blocks tell.

    Example:
        >>> blocks = iter([Block(b"text ;label\n", "a.csv"), Block(b"Hello, you;greeting\n", "a.csv")])
        >>> next(csv_tables(blocks, source="a.csv", chunk_rows=9)).columns
        {'text': ['Hello, you'], 'label': ['greeting']}
    """
    if csv.field_size_limit() < _MAX_CELL:
        csv.field_size_limit(_MAX_CELL)  # raised only, never lowered: the limit is the whole process's
    feed = Feed(blocks)
    layout = _layout(feed, prefer_tab=prefer_tab)
    records = _Records(feed, layout, source)
    line, header = next(records, (0, []))
    if not header:
        raise DataError("file-empty", "the file is empty", where=source, advice="give a file with a header and rows")
    if layout.has_header:
        names, notes = distinct_names(header)
    else:
        records.put_back(line, header)
        names = [f"column_{position}" for position in range(1, len(header) + 1)]
        notes = [f"line {line} is no header, as its cells come again below: a row like the others"]
    if layout.delimiter not in ("\t" if prefer_tab else ",", _NO_DELIMITER):
        notes.append(f"the delimiter is {layout.name}, not {'TAB' if prefer_tab else 'a comma'}")
    any_rows = False
    while chunk := _chunk(records, len(names), chunk_rows, live=live, bad_rows=bad_rows):
        any_rows = True
        columns = dict(zip(names, chunk.columns(), strict=True))
        yield Table(columns, Places.of(source, chunk.lines()), (*notes, *records.take_notes()))
    if not any_rows:
        raise DataError(
            "header-only",
            "the file has a header but no rows" if not bad_rows or not bad_rows.count else "no row can be read",
            where=source,
            found=f"{plural(len(names), 'column')} {', '.join(map(quote, names[:10]))}",
            advice="give a file with rows below the header; a lone first line is taken as the header",
        )


@dataclass(frozen=True, slots=True)
class _Layout:
    delimiter: str
    skip_space: bool = False
    has_header: bool = True

    @property
    def name(self) -> str:
        """Of the delimiter, for messages."""
        return {"\t": "TAB", _NO_DELIMITER: "none"}.get(self.delimiter, self.delimiter)


def _layout(feed: Feed, *, prefer_tab: bool) -> _Layout:
    """Choose the delimiter that splits the header, and the first records just as often."""
    head = feed.head(_SNIFF_LINES)
    while head and not head[0].strip():
        next(feed)
        head.pop(0)
    declared = re.fullmatch(r"sep=(.)\s*", head[0]) if head else None  # written by spreadsheets
    if declared:
        next(feed)
        return _Layout(declared[1], has_header=_has_header(head[1:], declared[1]))
    best, best_score = _NO_DELIMITER, (0.0, 0)
    for delimiter in _DELIMITERS:
        widths = _widths(head, delimiter)
        if not widths or widths[0] < 2:
            continue
        if prefer_tab and delimiter == "\t":
            best = delimiter
            break
        score = (round(widths.count(widths[0]) / len(widths), 1), widths[0])
        if score > best_score:
            best, best_score = delimiter, score
    n_delimiters = head[0].count(best) if head else 0
    skip_space = n_delimiters > 0 and head[0].count(best + " ") == n_delimiters
    return _Layout(best, skip_space=skip_space, has_header=_has_header(head, best))


def _has_header(head: list[str], delimiter: str) -> bool:
    """Tell a header from a row of data: the cells of a label come again below, the names of columns do not."""
    try:
        first, *rows = [cells for cells in csv.reader(iter(head), delimiter=delimiter) if cells] or [[]]
    except csv.Error:
        return True
    numbered = [str(place) for place in range(len(first))]  # as pandas names columns without names
    if any(plain_name(cell) in KNOWN_NAMES for cell in first) or first == numbered:
        return True
    below = Counter((place, cell.strip()) for cells in rows for place, cell in enumerate(cells))
    return not any(cell.strip() and below[place, cell.strip()] >= _COMES_AGAIN for place, cell in enumerate(first))


def _widths(head: list[str], delimiter: str) -> list[int]:
    """Cells of the first records; the last one may be cut by the end of the look-ahead, so it does not count."""
    try:
        widths = [len(cells) for cells in csv.reader(iter(head), delimiter=delimiter) if cells]
    except csv.Error:
        return []
    return widths[:-1] if len(head) == _SNIFF_LINES else widths


class _Records(Iterator[tuple[int, list[str]]]):
    """The records with the line each begins on; blank lines are none. A stray quote is told or noted, never guessed."""

    def __init__(self, feed: Feed, layout: _Layout, source: str) -> None:
        self.feed = feed
        self.source = source
        self.layout = layout
        self._reader = self._read(feed, strict=True)
        self._stray: list[int] = []
        self._ahead: list[tuple[int, list[str]]] = []
        self._plain: PlainRows | None = None

    def put_back(self, first: int, cells: list[str]) -> None:
        """Give a record out once more."""
        self._ahead.append((first, cells))

    def plain(self, width: int, most: int) -> PlainRows | None:
        """Give the next records all at once; None where they are to be read one by one, or there is none."""
        if self._ahead or self.layout.skip_space:
            return None
        rows = self._plain or self.feed.plain(self.layout.delimiter, width)
        self._plain = None
        if rows is None or len(rows) <= most:
            return rows
        self._plain = rows.part(most)
        return rows.part(0, most)

    def _read(self, lines: Iterator[str], *, strict: bool) -> Iterator[list[str]]:
        layout = self.layout
        return csv.reader(lines, delimiter=layout.delimiter, skipinitialspace=layout.skip_space, strict=strict)

    def __next__(self) -> tuple[int, list[str]]:
        if self._ahead:
            return self._ahead.pop()
        while True:
            first = self.feed.number + 1
            try:
                cells = next(self._reader)
            except csv.Error as error:
                cells = self._read_leniently(first, error)
            if cells:
                return first, cells

    def take_notes(self) -> list[str]:
        """Say what was read leniently since the last time."""
        stray, self._stray = self._stray, []
        if not stray:
            return []
        return [f'a quote inside a quoted cell was not doubled ("") in {_rows(len(stray), stray)}; read as it stands']

    def _read_leniently(self, first: int, error: csv.Error) -> list[str]:
        """Accept a stray quote within one line; when it runs on over lines, rows would vanish in a cell: refuse."""
        last = self.feed.number
        rest = iter([self.feed.last, ""])
        if first == last and "field larger" not in str(error):
            cells = next(self._read(rest, strict=False))
            if next(rest, None) is not None:  # else the line's last quote is open
                self._stray.append(first)
                return cells
        if first == last and "field larger" in str(error):
            raise DataError(
                "cell-too-long",
                f"a cell is longer than {_MAX_CELL:,} characters",
                where=f"{self.source}:{first}",
                found=f"the row begins {quote(self.feed.last[:100])}",
                advice="shorten this cell or leave the row out",
            )
        noticed = "the end of the file" if "end of data" in str(error) else f"line {last}"
        raise DataError(
            "unclosed-quote",
            "a quote that opens in this row is not closed",
            where=f"{self.source}:{first}",
            found=f"a quoted cell runs from the row on line {first} to {noticed}",
            allowed='a quoted cell ends with a quote before the delimiter or the line end; inside it "" is a quote',
            advice=f'look at line {first}: close the quote, or double it ("")',
        )


class _Chunk:
    """Records put together, some one by one and some many at once."""

    def __init__(self, width: int) -> None:
        self._columns: list[list[str]] = [[] for _ in range(width)]
        self._lines: list[NDArray[np.int64]] = []
        self._rows: list[list[str]] = []  # not yet in columns
        self._firsts: list[int] = []
        self._n_rows = 0

    def __len__(self) -> int:
        return self._n_rows

    def add(self, first: int, cells: list[str]) -> None:
        """Put one record behind the others."""
        self._rows.append(cells)
        self._firsts.append(first)
        self._n_rows += 1

    def extend(self, rows: PlainRows) -> None:
        """Put many records behind the others."""
        self._settle()
        for column, cells in zip(self._columns, rows.columns, strict=True):
            column.extend(cells)
        self._lines.append(rows.lines)
        self._n_rows += len(rows)

    def columns(self) -> list[list[str]]:
        """Give the cells by column."""
        self._settle()
        return self._columns

    def lines(self) -> NDArray[np.int64]:
        """Give the line each record begins on."""
        self._settle()
        return np.concatenate(self._lines)

    def _settle(self) -> None:
        if not self._rows:
            return
        for column, cells in zip(self._columns, zip(*self._rows, strict=True), strict=True):
            column.extend(cells)
        self._lines.append(np.array(self._firsts, dtype=np.int64))
        self._rows, self._firsts = [], []


def _chunk(records: _Records, width: int, chunk_rows: int, *, live: bool, bad_rows: BadRows | None) -> _Chunk | None:
    """Collect the next records, None at the end; plain ones in one go, which is several times faster."""
    chunk = _Chunk(width)
    more = True
    while more and len(chunk) < chunk_rows:
        plain = records.plain(width, chunk_rows - len(chunk))
        if plain is not None:
            chunk.extend(plain)
        else:
            more = _add_one_by_one(chunk, records, width, most=chunk_rows, live=live, bad_rows=bad_rows)
    return chunk if len(chunk) else None


def _add_one_by_one(
    chunk: _Chunk, records: _Records, width: int, *, most: int, live: bool, bad_rows: BadRows | None
) -> bool:
    """Collect records to the end of the block; False at the end of the file. A ragged one is told with all others."""
    for first, cells in records:
        if len(cells) == width:
            chunk.add(first, cells)
        elif bad_rows is not None:
            bad_rows.add(f"{records.source}:{first}")
        else:
            raise _ragged(records, first, cells, width=width, live=live)
        if len(chunk) == most or records.feed.at_block:
            return True
    return False


def _ragged(records: _Records, first: int, cells: list[str], *, width: int, live: bool) -> DataError:
    """Count the rows of another width to the end of the file and tell the first."""
    last = records.feed.number
    lines = [first]
    try:
        lines += [line for line, others in records if len(others) != width] if not live else []
    except DataError:  # another fault further down; the first one is told first
        pass
    spans = f"; the row runs to line {last}, so a quote in it may be unclosed" if last > first else ""
    return DataError(
        "ragged-row",
        f"the row has {counted(len(cells), 'cell')} where the header has {width}",
        where=f"{records.source}:{first}",
        found=f"{_rows(len(lines), lines)} of another width; line {first} begins {quote(cells[0][:60])}{spans}",
        allowed=f"{counted(width, 'cell')} in every row, delimiter {records.layout.name!r}",
        advice=f"quote the cells that hold the delimiter, mend line {first}, or leave such rows out: --skip-bad-rows",
    )


def _rows(count: int, lines: list[int]) -> str:
    more = ", ..." if count > _SHOWN_LINES else ""
    return f"{counted(count, 'row')} ({plural(count, 'line')} {', '.join(map(str, lines[:_SHOWN_LINES]))}{more})"
