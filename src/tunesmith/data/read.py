"""Read the user's rows: files of every format or a query, whole or streamed, every fault told by its place."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TypeAlias

from tunesmith.data.bad_rows import BadRows
from tunesmith.data.cats import labels_of_cats
from tunesmith.data.csv_rows import csv_tables
from tunesmith.data.decode import Block, decoded_blocks, lines_of
from tunesmith.data.fasttext_rows import PREFIX, fasttext_tables
from tunesmith.data.files_given import STDIN, PathLike, files_given, format_of
from tunesmith.data.formulas import rearmed
from tunesmith.data.join import Layout, joined_tables
from tunesmith.data.json_rows import json_tables
from tunesmith.data.names import PROPOSED_ROW
from tunesmith.data.opened import opened
from tunesmith.data.parquet_rows import parquet_tables
from tunesmith.data.rasa_rows import rasa_tables
from tunesmith.data.spacy_rows import spacy_tables
from tunesmith.data.sql_rows import Query, sql_tables
from tunesmith.data.table import Table

Source: TypeAlias = PathLike | Sequence[PathLike] | Query
"""What can be read: a file, several with the same columns, or a query of a database."""


def read_table(source: Source, *, encoding: str | None = None, skip_bad_rows: bool = False) -> Table:
    """Read whole files; their kind goes by their ending, that of ``.txt`` and of ``.gz`` alone by the first line.

    ``.csv .tsv .jsonl .parquet``, ``.json`` for JSON lines; fastText's ``.ft``, Rasa's ``.yml``, spaCy's ``.spacy``.
    Cells are text just as they stand: ``null`` and ``NA`` are words, an empty cell is ``""``. The delimiter is found
    among comma, semicolon, TAB and bar; header cells are trimmed. Text may be packed with gzip.

    Args:
        source: The file, or several with the same columns; ``-`` is standard input, and a name with ``*``, ``?`` or
            ``[`` a pattern. Or a query.
        encoding: Name of the encoding; left out, UTF-8, or UTF-16 where the file begins with its mark.
        skip_bad_rows: Leave out rows of another width than the header's, and lines that are no JSON object.

    Returns:
        All records, in the order of the files; a note says what was left out.

    Raises:
        DataError: ``no-files``, ``file-missing``, ``file-is-directory``, ``file-unreadable``, ``unknown-format``,
            ``gzip-damaged``, ``parquet-damaged``, ``file-empty``, ``header-only``, ``unknown-encoding``, ``bad-byte``,
            ``line-too-long``, ``cell-too-long``, ``unclosed-quote``, ``ragged-row``, ``json-line-damaged``,
            ``not-text``, ``columns-differ``, ``database-unreachable``, ``query-failed``.
        ConfigError: ``bad-database``.
    """
    bad_rows = BadRows() if skip_bad_rows else None
    with closing(_tables(source, encoding, sys.maxsize, bad_rows=bad_rows)) as tables:
        table = joined_tables(list(tables))
    return replace(table, notes=(*table.notes, *bad_rows.notes())) if bad_rows else table


def read_chunks(
    source: Source, *, encoding: str | None = None, chunk_rows: int = 4096, bad_rows: BadRows | None = None
) -> Iterator[Table]:
    """Read part by part, in memory that does not grow with the number of rows.

    Args:
        source: As for ``read_table``; of standard input JSON lines are told from CSV by their first character.
        encoding: As for ``read_table``.
        chunk_rows: Most records a table holds.
        bad_rows: Takes the rows that cannot be read; left out, they are refused.

    Yields:
        Tables in order; of JSON lines a later one may have further columns.

    Raises:
        TunesmithError: As for ``read_table``; the parts before the fault have been given out by then.
    """
    yield from _tables(source, encoding, chunk_rows, bad_rows=bad_rows)


def _tables(
    source: Source, encoding: str | None, chunk_rows: int, *, bad_rows: BadRows | None
) -> Generator[Table, None, None]:
    if isinstance(source, Query):
        yield from sql_tables(source, chunk_rows=chunk_rows)
        return
    layout: Layout | None = None
    for file in files_given(source):
        known = layout.names if layout else ()
        for table in _tables_of(file, encoding, chunk_rows=chunk_rows, known=known, bad_rows=bad_rows):
            given = _as_given(table)
            layout = layout or Layout(given.source, list(given.columns))
            yield layout.applied(given)


def _as_given(table: Table) -> Table:
    """Undo what ``tunesmith next`` did to the cells of a file that it wrote for spreadsheets."""
    if PROPOSED_ROW not in table.columns or table.source.lower().endswith(".jsonl"):
        return table
    cells = {name: rearmed(cells) for name, cells in table.columns.items()}
    return replace(table, columns=dict(zip(rearmed(cells), cells.values(), strict=True)))


def _tables_of(
    file: str, encoding: str | None, *, chunk_rows: int, known: Sequence[str], bad_rows: BadRows | None
) -> Iterator[Table]:
    """Read one file; JSON lines may lack some of the columns known from the files before."""
    kind: str = "" if file == STDIN else format_of(Path(file))
    if kind == "parquet":
        yield from parquet_tables(file, chunk_rows=chunk_rows)
    elif kind == "spacy":
        yield from (labels_of_cats(table, bad_rows=bad_rows) for table in spacy_tables(file, chunk_rows=chunk_rows))
    else:
        yield from _tables_of_text(file, kind, encoding, chunk_rows=chunk_rows, known=known, bad_rows=bad_rows)


def _tables_of_text(
    file: str, kind: str, encoding: str | None, *, chunk_rows: int, known: Sequence[str], bad_rows: BadRows | None
) -> Iterator[Table]:
    live = file == STDIN
    source = "<stdin>" if live else file
    with opened(file) as stream:
        blocks = decoded_blocks(stream, source=source, encoding=encoding)
        if not kind:
            kind, blocks = _sniffed(blocks)
        lines = lines_of(blocks)
        match kind:
            case "json":
                tables = json_tables(lines, source=source, chunk_rows=chunk_rows, known=known, bad_rows=bad_rows)
                yield from (labels_of_cats(table, bad_rows=bad_rows) for table in tables)
            case "fasttext":
                yield from fasttext_tables(lines, source=source, chunk_rows=chunk_rows, bad_rows=bad_rows)
            case "rasa":
                yield from rasa_tables("".join(lines), source=source)
            case _:
                tab = kind == "tsv"
                yield from csv_tables(
                    blocks, source=source, chunk_rows=chunk_rows, prefer_tab=tab, live=live, bad_rows=bad_rows
                )


def _sniffed(blocks: Iterator[Block]) -> tuple[str, Iterator[Block]]:
    """Tell JSON lines and fastText's lines from CSV by the first line that is not blank."""
    seen: list[Block] = []
    first, n_lines = "", 0
    for block in blocks:
        seen.append(block)
        lines = block.lines(n_lines)
        n_lines += len(lines)
        first = next((line.lstrip() for line in lines if not line.isspace()), "")
        if first:
            break
    kind = "json" if first.startswith("{") else "fasttext" if first.startswith(PREFIX) else "csv"
    return kind, chain(seen, blocks)
