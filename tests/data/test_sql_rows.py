"""Queries: SQLite by Python itself, others through SQLAlchemy; rows as text, and nothing of a password anywhere."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tunesmith.data.read import read_chunks, read_table
from tunesmith.data.sql_rows import Query
from tunesmith.errors import ConfigError, DataError, TunesmithError


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Tickets of five customers."""
    file = tmp_path / "tick ets.db"
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("create table tickets (id integer, text text, queue text, score real, raw blob)")
        rows = [(row, f"text {row}", "ab"[row % 2], row / 2, b"x") for row in range(5)]
        database.executemany("insert into tickets values (?, ?, ?, ?, ?)", rows)
        database.execute("insert into tickets values (9, 'null', null, null, null)")
    return file


def url(file: Path, driver: str = "sqlite") -> str:
    """The address of a file."""
    return f"{driver}:///{file}"


def fault(sql: str, address: str) -> TunesmithError:
    """Ask what cannot be answered."""
    with pytest.raises(TunesmithError, match=r"^error\[") as caught:
        read_table(Query(sql, address))
    return caught.value


@pytest.mark.parametrize("driver", ["sqlite", "sqlite+pysqlite"])
def test_rows_come_as_text(database: Path, driver: str) -> None:
    """By Python itself and through SQLAlchemy alike: the word null is a word, a missing cell is empty."""
    table = read_table(
        Query("select id, text as Text, queue, score, raw from tickets order by id", url(database, driver))
    )
    assert table.columns == {
        "id": ["0", "1", "2", "3", "4", "9"],
        "Text": [*(f"text {row}" for row in range(5)), "null"],
        "queue": ["a", "b", "a", "b", "a", ""],
        "score": ["0.0", "0.5", "1.0", "1.5", "2.0", ""],
        "raw": ["x"] * 5 + [""],
    }
    assert table.places.at(5).endswith("tick ets.db, row 6")


@pytest.mark.parametrize("driver", ["sqlite", "sqlite+pysqlite"])
@pytest.mark.parametrize("chunk_rows", [1, 2, 3, 6, 100])
def test_rows_are_streamed(database: Path, driver: str, chunk_rows: int) -> None:
    """In parts of at most so many, every row once."""
    chunks = list(read_chunks(Query("select id from tickets", url(database, driver)), chunk_rows=chunk_rows))
    assert all(chunk.n_rows == chunk_rows for chunk in chunks[:-1])
    assert [cell for chunk in chunks for cell in chunk.columns["id"]] == ["0", "1", "2", "3", "4", "9"]
    assert [number for chunk in chunks for number in chunk.places.numbers.tolist()] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    "sql", ["select text from tickets where text like '%:text %'", "select 'a:b' as text, 5 % 3 as n"]
)
def test_signs_of_parameters_are_text(database: Path, sql: str) -> None:
    """A colon or a percent sign stands for no parameter, as there is none."""
    try:
        answers = [read_table(Query(sql, url(database, driver))).columns for driver in ("sqlite", "sqlite+pysqlite")]
    except DataError as error:
        assert error.code == "header-only"  # noqa: PT017 - the query was understood
    else:
        assert answers[0] == answers[1] == {"text": ["a:b"], "n": ["2"]}


@pytest.mark.parametrize("driver", ["sqlite", "sqlite+pysqlite"])
def test_nothing_is_changed(database: Path, driver: str) -> None:
    """Whatever the query says."""
    fault("delete from tickets", url(database, driver))
    with pytest.raises(TunesmithError) if driver == "sqlite" else closing(sqlite3.connect(":memory:")):
        read_table(Query("delete from tickets returning id", url(database, driver)))
    assert read_table(Query("select id from tickets", url(database))).n_rows == 6


@pytest.mark.parametrize("driver", ["sqlite", "sqlite+pysqlite"])
def test_a_wrong_query_is_told_in_the_words_of_the_database(database: Path, driver: str) -> None:
    """And by the query itself."""
    told = fault("select txt from tickets", url(database, driver))
    assert told.code == "query-failed"
    assert "no such column: txt" in f"{told.found}"
    assert "select txt" in f"{told.advice}"


def test_no_rows_are_told_with_the_columns(database: Path) -> None:
    """As for a file with nothing but a header."""
    told = fault("select text, queue from tickets where id > 99", url(database))
    assert (told.code, told.found) == ("header-only", 'columns "text", "queue"')


def test_a_missing_sqlite_file_is_not_made(tmp_path: Path) -> None:
    """As SQLite itself would."""
    told = fault("select 1", url(tmp_path / "none.db"))
    assert told.code == "file-missing"
    assert not (tmp_path / "none.db").exists()


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    """By the words of SQLite."""
    (tmp_path / "a.db").write_bytes(b"text,label\n" * 200)
    assert fault("select 1 from t", url(tmp_path / "a.db")).code == "query-failed"


@pytest.mark.parametrize(
    "address",
    ["nonsense", "nodb://me:s3cret@host/db", "postgresql+nodriver://me:s3cret@host/db", "x://[me:s3cret@h/db"],
)
def test_a_wrong_address_is_told_without_its_password(address: str) -> None:
    """What can be read over a shoulder or in a log is no place for it."""
    told = fault("select 1", address)
    assert told.code == "bad-database"
    assert "s3cret" not in told.render()
    assert "s3cret" not in repr(Query("select 1", address))


def test_without_sqlalchemy_the_way_to_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra; SQLite goes without."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "sqlalchemy" else sys.modules[name])
    told = fault("select 1", "postgresql://host/db")
    assert isinstance(told, ConfigError)
    assert "tunesmith[sql]" in f"{told.advice}"
