"""Rows that a query of a database gives, as tables: SQLite by Python itself, any other through SQLAlchemy."""

from __future__ import annotations

import importlib.util
import sqlite3
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote as url_quote
from urllib.parse import urlsplit

from tunesmith.data.frames import as_text
from tunesmith.data.places import Places
from tunesmith.data.table import Table, distinct_names
from tunesmith.errors import ConfigError, DataError, plural, quote

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_SQLITE = "sqlite://"
_MOST_ROWS_HELD = 10_000


@dataclass(frozen=True, slots=True)
class Query:
    """A query and the database that answers it."""

    sql: str
    url: str = field(repr=False)
    """As SQLAlchemy writes it, such as ``sqlite:///tickets.db`` or ``postgresql+psycopg://user:password@host/name``."""

    @property
    def source(self) -> str:
        """The database without name and password of its user, for messages."""
        try:
            parts = urlsplit(self.url)
        except ValueError:
            return "the database"
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def sql_tables(query: Query, *, chunk_rows: int) -> Iterator[Table]:
    """Read the rows of a query, ``chunk_rows`` at a time; nothing that it changes is kept.

    Args:
        query: What to ask of which database.
        chunk_rows: Most records a table holds.

    Yields:
        Tables of the same columns, cells as text, missing ones empty; at least one, of at least one record.

    Raises:
        ConfigError: ``bad-database``, the address is none or its driver is missing.
        DataError: ``file-missing``, ``database-unreachable``, ``query-failed``, ``header-only``, ``not-text``.
    """
    rows = _sqlite_rows(query) if query.url.startswith(_SQLITE) else _sqlalchemy_rows(query, chunk_rows)
    with closing(rows):
        names, notes = distinct_names(list(next(rows)))
        for number in count(1, chunk_rows):
            part = list(islice(rows, chunk_rows))
            if part:
                places = Places.of(query.source, range(number, number + len(part)), unit="row")
                yield Table(_as_texts(names, part, query), places, tuple(notes))
            if len(part) < chunk_rows:
                break
        if number == 1 and not part:
            raise DataError(
                "header-only",
                "the query gives no rows",
                where=query.source,
                found=f"{plural(len(names), 'column')} {', '.join(map(quote, names[:10]))}",
                advice="ask for rows that are there",
            )


def _as_texts(names: list[str], rows: list[Sequence[Any]], query: Query) -> dict[str, list[str]]:
    columns = {}
    for name, values in zip(names, zip(*rows, strict=True), strict=True):
        try:
            columns[name] = [as_text(value) for value in values]
        except UnicodeDecodeError as error:
            raise DataError(
                "not-text",
                f"the column {quote(name)} holds bytes that are no UTF-8",
                where=query.source,
                found=str(error),
                advice="leave it out of the query",
            ) from error
    return columns


def _sqlite_rows(query: Query) -> Generator[Sequence[Any], None, None]:
    """Give the names of the columns, then the rows."""
    file = Path(urlsplit(query.url).path.removeprefix("/"))
    if not file.is_file():
        raise DataError(
            "file-missing",
            "there is no such database",
            where=query.source,
            found=f"looked for {file}",
            allowed="sqlite:///tickets.db beside you, sqlite:////data/tickets.db from the root",
            advice=f"check the path; looked from {Path.cwd()}",
        )
    try:
        with closing(sqlite3.connect(f"file:{url_quote(str(file))}?mode=ro", uri=True)) as database:
            answer = database.execute(query.sql)
            yield _columns_of(answer.description, query)
            yield from answer
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise _failed(query, error) from error


def _sqlalchemy_rows(query: Query, chunk_rows: int) -> Generator[Sequence[Any], None, None]:
    """Give the names of the columns, then the rows, of which the driver holds one part."""
    if importlib.util.find_spec("sqlalchemy") is None:
        raise ConfigError(
            "bad-database",
            "databases other than SQLite need SQLAlchemy",
            where=query.source,
            advice="pip install 'tunesmith[sql]', and the database's driver, such as psycopg",
        )
    import sqlalchemy

    try:
        engine = sqlalchemy.create_engine(query.url)
    except (sqlalchemy.exc.ArgumentError, ImportError) as error:
        raise ConfigError(
            "bad-database",
            "the address of the database cannot be used",
            where=query.source,
            found=_first_line(error),
            allowed="sqlite:///FILE, postgresql+psycopg://USER:PASSWORD@HOST/NAME, or another that SQLAlchemy knows",
            advice="correct --db, or install the driver that it names",
        ) from None  # the error's own text may hold the password
    held = min(chunk_rows, _MOST_ROWS_HELD)
    try:
        connection = _connected(engine, query)
        with connection.execution_options(stream_results=True, max_row_buffer=held, no_parameters=True):
            answer = connection.exec_driver_sql(query.sql)
            yield _columns_of(list(answer.keys()) if answer.returns_rows else None, query)
            yield from answer
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise _failed(query, getattr(error, "orig", None) or error) from error
    finally:
        engine.dispose()


def _connected(engine: Engine, query: Query) -> Connection:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return engine.connect()
    except SQLAlchemyError as error:
        raise DataError(
            "database-unreachable",
            "the database cannot be reached",
            where=query.source,
            found=_first_line(getattr(error, "orig", None) or error),
            advice="start it, or correct --db",
        ) from error


def _columns_of(described: Sequence[Any] | None, query: Query) -> list[str]:
    """Give the names of the columns; a statement that is no query has none."""
    if not described:
        raise DataError(
            "query-failed", "this is no query: it gives no rows", where=query.source, found=query.sql, advice="select …"
        )
    return [name if isinstance(name, str) else name[0] for name in described]


def _failed(query: Query, error: BaseException) -> DataError:
    return DataError(
        "query-failed",
        "the database refuses the query",
        where=query.source,
        found=_first_line(error),
        advice=f"correct --sql {quote(query.sql)}",
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
