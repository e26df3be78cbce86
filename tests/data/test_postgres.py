"""Queries against a real PostgreSQL server."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest
import sqlalchemy
from tests.data.postgres import postgres_server

from tunesmith.data.read import read_chunks, read_table
from tunesmith.data.sql_rows import Query
from tunesmith.errors import TunesmithError


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server with three tickets and a large table."""
    with postgres_server() as url:
        engine = sqlalchemy.create_engine(url)
        with engine.begin() as connection:
            connection.exec_driver_sql(
                "create table tickets (id int, body text, queue text, at timestamp, tags text[])"
            )
            connection.exec_driver_sql(
                "insert into tickets values (1, 'Wo ist 100 %% davon: null?', 'cards', '2024-01-02', '{a,b}'),"
                " (2, 'null', null, null, null), (3, 'é', 'app', '2024-01-02 03:04', '{}')"
            )
            rows = "select n as id, repeat('text ', 40) || n as body from generate_series(1, 100000) n"
            connection.exec_driver_sql(f"create table many as {rows}")
        engine.dispose()
        yield url


def test_rows_come_as_text(server: str) -> None:
    """Lists and times too; a cast with two colons and a percent sign are no parameters."""
    sql = "select id::text, body, queue, at, tags from tickets where body not like '%nothing:x%' order by id"
    assert read_table(Query(sql, server)).columns == {
        "id": ["1", "2", "3"],
        "body": ["Wo ist 100 % davon: null?", "null", "é"],
        "queue": ["cards", "", "app"],
        "at": ["2024-01-02 00:00:00", "", "2024-01-02 03:04:00"],
        "tags": ['["a", "b"]', "", "[]"],
    }


def test_many_rows_are_streamed(server: str) -> None:
    """The server sends them in parts: memory holds one of them, not the twenty megabytes of all."""
    tracemalloc.start()
    n_rows = sum(part.n_rows for part in read_chunks(Query("select * from many", server), chunk_rows=1000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert n_rows == 100_000
    assert peak < 8_000_000


def test_nothing_is_changed(server: str) -> None:
    """The server lets a cursor read alone; nor is anything committed."""
    with pytest.raises(TunesmithError, match="query-failed"):
        read_table(Query("delete from tickets returning id", server))
    assert read_table(Query("select id from tickets", server)).n_rows == 3


@pytest.mark.parametrize("sql", ["select nobody from tickets", "select 1/0", "drop table none", "create table t ()"])
def test_a_wrong_query_is_told(server: str, sql: str) -> None:
    """In the words of the server, without the password."""
    with pytest.raises(TunesmithError, match="query-failed") as caught:
        read_table(Query(sql, server))
    assert "s3cret" not in caught.value.render()


def test_a_server_that_is_not_there_is_told() -> None:
    """By its address without the password."""
    with pytest.raises(TunesmithError, match="database-unreachable") as caught:
        read_table(Query("select 1", "postgresql+psycopg://me:s3cret@127.0.0.1:1/db"))
    assert "127.0.0.1:1/db" in caught.value.render()
    assert "s3cret" not in caught.value.render()
