"""Parquet files to tables, a batch of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tunesmith.data.frames import as_text
from tunesmith.data.places import Places
from tunesmith.data.table import Table, distinct_names
from tunesmith.errors import DataError, plural, quote

if TYPE_CHECKING:
    from pyarrow import Array


def parquet_tables(file: str, *, chunk_rows: int) -> Iterator[Table]:
    """Read rows of a Parquet file, ``chunk_rows`` at a time.

    Args:
        file: Its name.
        chunk_rows: Most records a table holds.

    Yields:
        Tables of the same columns, cells as text, missing ones empty; at least one, of at least one record.

    Raises:
        DataError: ``parquet-damaged``, ``header-only``, or ``not-text`` for a column of bytes that are no UTF-8.
    """
    import pyarrow
    from pyarrow import parquet

    first = 1
    try:
        with parquet.ParquetFile(file) as rows:
            names, notes = distinct_names(rows.schema_arrow.names)
            for batch in rows.iter_batches(batch_size=min(chunk_rows, 1 << 20)):
                if batch.num_rows:
                    cells = {
                        name: _cells(column, name, file) for name, column in zip(names, batch.columns, strict=True)
                    }
                    places = Places.of(file, range(first, first + batch.num_rows), unit="row")
                    first += batch.num_rows
                    yield Table(cells, places, tuple(notes))
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(
            "parquet-damaged",
            "the Parquet file cannot be read",
            where=file,
            found=str(error).splitlines()[0],
            advice="write it again, or export it as CSV",
        ) from error
    if first == 1:
        raise DataError(
            "header-only",
            "the file has columns but no rows",
            where=file,
            found=f"{plural(len(names), 'column')} {', '.join(map(quote, names[:10]))}",
            advice="give a file with rows",
        )


def _cells(column: Array, name: str, file: str) -> list[str]:
    try:
        return [as_text(value) for value in column.to_pylist()]
    except UnicodeDecodeError as error:
        raise DataError(
            "not-text",
            f"the column {quote(name)} holds bytes that are no UTF-8",
            where=file,
            found=str(error),
            advice="write it as a column of strings",
        ) from error
