"""Rows that cannot be read: refused, or left out and counted where the user says so."""

from __future__ import annotations

import pytest
from tests.data.conftest import Write

from tunesmith.data.bad_rows import BadRows
from tunesmith.data.read import read_chunks, read_table
from tunesmith.errors import DataError

CSV = "text,label\none,a\ntwo,b,c\nthree\nfour,a\nfive,b,\n"
JSONL = '{"text": "one"}\nnonsense\n["two"]\n{"text": "four"}\n{"text": \n'


@pytest.mark.parametrize(("name", "content", "lines"), [("a.csv", CSV, [3, 4, 6]), ("a.jsonl", JSONL, [2, 3, 5])])
def test_they_are_left_out_and_told(write: Write, name: str, content: str, lines: list[int]) -> None:
    """With their number and their lines; all others are read."""
    path = write(name, content)
    with pytest.raises(DataError, match="--skip-bad-rows"):
        read_table(path)
    table = read_table(path, skip_bad_rows=True)
    assert table.columns["text"] == ["one", "four"]
    places = ", ".join(f"{path}:{line}" for line in lines)
    assert table.notes == (f"warning: 3 rows that cannot be read were left out ({places})",)


@pytest.mark.parametrize("chunk_rows", [1, 2, 3])
@pytest.mark.parametrize(("name", "content"), [("a.csv", CSV), ("a.jsonl", JSONL)])
def test_they_are_counted_while_streaming(write: Write, name: str, content: str, chunk_rows: int) -> None:
    """To the very last, behind which no part comes."""
    bad = BadRows()
    chunks = list(read_chunks(write(name, content), chunk_rows=chunk_rows, bad_rows=bad))
    assert [text for chunk in chunks for text in chunk.columns["text"]] == ["one", "four"]
    assert bad.count == 3


def test_nothing_is_said_where_every_row_is_good(write: Write) -> None:
    """The flag alone is no news."""
    assert read_table(write("a.csv", "text\none\n"), skip_bad_rows=True).notes == ()


@pytest.mark.parametrize(("name", "content"), [("a.csv", "text,label\none\ntwo\n"), ("a.jsonl", "one\ntwo\n")])
def test_a_file_of_bad_rows_alone_is_refused(write: Write, name: str, content: str) -> None:
    """Nothing would be left to learn from."""
    with pytest.raises(DataError, match=r"no row can be read|is empty"):
        read_table(write(name, content), skip_bad_rows=True)


def test_an_open_quote_is_no_bad_row(write: Write) -> None:
    """It swallows all rows behind it, good ones among them: still refused."""
    with pytest.raises(DataError, match="unclosed-quote"):
        read_table(write("a.csv", 'text,label\n"one,a\ntwo,b\n'), skip_bad_rows=True)


def test_at_most_twenty_are_named() -> None:
    """And how many there are in all."""
    bad = BadRows()
    for line in range(2, 32):
        bad.add(f"a.csv:{line}")
    (note,) = bad.notes()
    assert note.startswith("warning: 30 rows")
    assert note.endswith("a.csv:21, ...)")
