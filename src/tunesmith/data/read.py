"""Read the user's file: CSV, TSV or JSON lines, whole or streamed, with every fault told by its line."""

from __future__ import annotations

import difflib
import io
import os
import sys
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path

from tunesmith.data.csv_rows import csv_tables
from tunesmith.data.decode import decoded_lines
from tunesmith.data.json_rows import json_tables
from tunesmith.data.table import Table
from tunesmith.errors import DataError

_ENDINGS = {".csv": "csv", ".tsv": "tsv", ".jsonl": "json", ".json": "json"}
_OTHER_FILES = {
    b"PK\x03\x04": "a spreadsheet (.xlsx, .ods) or another zip archive",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet (.xls)",
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "a gzip archive",
    b"%PDF": "a PDF document",
    b"SQLite f": "a database",
}


def read_table(path: str | os.PathLike[str], *, encoding: str | None = None) -> Table:
    """Read a whole file; its kind goes by its ending: ``.csv .tsv .jsonl``, and ``.json`` for JSON lines.

    Cells are text just as they stand: ``null`` and ``NA`` are words, an empty cell is ``""``. The delimiter is found
    among comma, semicolon, TAB and bar; header cells are trimmed.

    Args:
        path: The file, or ``-`` for standard input.
        encoding: Name of the encoding; left out, UTF-8, or UTF-16 where the file begins with its mark.

    Returns:
        All records.

    Raises:
        DataError: ``file-missing``, ``file-is-directory``, ``file-unreadable``, ``unknown-format``, ``file-empty``,
            ``header-only``, ``unknown-encoding``, ``bad-byte``, ``line-too-long``, ``cell-too-long``,
            ``unclosed-quote``, ``ragged-row``, ``json-line-damaged``.
    """
    with closing(_tables(path, encoding, sys.maxsize)) as tables:
        return next(tables)


def read_chunks(
    path: str | os.PathLike[str], *, encoding: str | None = None, chunk_rows: int = 4096
) -> Iterator[Table]:
    """Read a file part by part, in memory that does not grow with the number of rows.

    Args:
        path: The file, or ``-`` for standard input, where JSON lines are told from CSV by their first character.
        encoding: As for ``read_table``.
        chunk_rows: Most records a table holds.

    Yields:
        Tables in order; of JSON lines a later one may have further columns.

    Raises:
        DataError: As for ``read_table``; the parts before the fault have been given out by then.
    """
    yield from _tables(path, encoding, chunk_rows)


def _tables(path: str | os.PathLike[str], encoding: str | None, chunk_rows: int) -> Generator[Table, None, None]:
    live = os.fspath(path) == "-"
    source = "<stdin>" if live else os.fspath(path)
    kind = "" if live else _kind(Path(path))
    with _opened(path) as stream:
        _refuse_other_files(stream, source)
        lines = decoded_lines(stream, source=source, encoding=encoding)
        if live:
            kind, lines = _sniffed(lines)
        if kind == "json":
            yield from json_tables(lines, source=source, chunk_rows=chunk_rows)
        else:
            yield from csv_tables(lines, source=source, chunk_rows=chunk_rows, prefer_tab=kind == "tsv", live=live)


def _kind(path: Path) -> str:
    """Tell the format by the ending, once it is sure that a file is there."""
    if path.is_dir():
        inside = sorted(entry.name for entry in path.iterdir() if entry.suffix.lower() in _ENDINGS)
        raise DataError(
            "file-is-directory",
            "this is a directory, not a file",
            where=str(path),
            found=f"inside: {', '.join(inside[:10])}" if inside else "no .csv, .tsv or .jsonl file inside",
            advice=f"name the file, for example {path / inside[0]}" if inside else "name the file itself",
        )
    if not path.exists():
        beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        close = difflib.get_close_matches(path.name, beside, n=1)
        raise DataError(
            "file-missing",
            "there is no such file",
            where=str(path),
            advice=f"did you mean {path.parent / close[0]}?" if close else f"check the path; looked from {Path.cwd()}",
        )
    kind = _ENDINGS.get(path.suffix.lower())
    if kind is None:
        raise _unknown_format(str(path), f"a name that ends in {path.suffix or 'nothing'!r}")
    return kind


def _unknown_format(source: str, found: str) -> DataError:
    return DataError(
        "unknown-format",
        "this is not a kind of file that can be read",
        where=source,
        found=found,
        allowed=".csv, .tsv, .jsonl (one JSON object a line)",
        advice="save or export it as CSV (UTF-8), or rename it if it is one",
    )


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[io.BufferedReader]:
    if os.fspath(path) == "-":
        yield sys.stdin.buffer  # type: ignore[misc]  # a BufferedReader wherever there is a descriptor
        return
    try:
        stream = Path(path).open("rb")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DataError(
            "file-unreadable", f"the file cannot be opened: {reason}", where=os.fspath(path), advice="check its rights"
        ) from error
    with stream:
        yield stream


def _refuse_other_files(stream: io.BufferedReader, source: str) -> None:
    start = stream.peek(8)
    for magic, name in _OTHER_FILES.items():
        if start.startswith(magic):
            raise _unknown_format(source, f"the content of {name}")


def _sniffed(lines: Iterator[str]) -> tuple[str, Iterator[str]]:
    """Tell JSON lines from CSV by the first line that is not blank."""
    seen = []
    for line in lines:
        seen.append(line)
        if not line.isspace():
            break
    return "json" if seen and seen[-1].lstrip().startswith("{") else "csv", chain(seen, lines)
