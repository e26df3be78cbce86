"""Rows found all at once: whatever the text, they are those that reading record by record gives."""

from __future__ import annotations

import csv
import io
import random
from typing import Any

import pytest
from tests.data.conftest import Write

from tunesmith.data import csv_rows, decode, feed
from tunesmith.data.bad_rows import BadRows
from tunesmith.data.csv_rows import csv_tables
from tunesmith.data.decode import decoded_blocks
from tunesmith.data.plain_rows import PlainRows, plain_rows
from tunesmith.data.read import read_table
from tunesmith.errors import DataError

_N_TEXTS = 4000
_DELIMITERS = [",", ",", ";", "\t", "|", "\x1f"]
_CELLS = [
    "a",
    "b c",
    "é",
    "日本",
    "😀",
    "null",
    "NA",
    "",
    "",
    " ",
    '"',
    '""',
    'x"y',
    "\n",
    "\r\n",
    "\r",
    "\n\n",
    ",",
    ";",
    "\x0c",
]
_SPOILS = [
    b'"',
    b'""',
    b"\n",
    b"\r",
    b"\r\n",
    b"\n\n",
    b",",
    b";",
    b"\0",
    b"\1",
    b"\xff",
    b"\xc3",
    b"\xef\xbb\xbf",
    b" ",
    b"",
]


def random_text(lot: random.Random) -> bytes:
    """Write rows as programs do, then spoil some of the texts here and there."""
    delimiter = lot.choice(_DELIMITERS)
    buffer = io.StringIO(newline="")
    ending = lot.choice(["\n", "\n", "\r\n", "\r"])
    quoting = lot.choice([csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator=ending, quoting=quoting)
    width = lot.randrange(1, 4)
    cells = lot.sample(_CELLS, lot.randrange(1, len(_CELLS)))
    if lot.random() < 0.8:
        writer.writerow(["text", "label", "n"][:width])
    else:  # cells of the first row come again, so it is no header
        cells = lot.sample(_CELLS, 2)
    for _ in range(lot.randrange(30)):
        writer.writerow("".join(lot.choices(cells, k=lot.randrange(3))) for _ in range(width))
        buffer.write(lot.choice(["", "", "", ending]))
    text = buffer.getvalue()
    if lot.random() < 0.2:
        text = text.replace(delimiter, f"{delimiter} ")
    data = bytearray(text.encode())
    for _ in range(lot.choice([0, 0, 1, 2, 5])):
        at = lot.randrange(len(data) + 1)
        data[at : at + lot.randrange(3)] = lot.choice(_SPOILS)
    return bytes(data)


def outcome(data: bytes, *, chunk_rows: int, skips: bool) -> tuple[Any, ...]:
    """Read bytes: tables with the lines of their rows and their notes, what was left out, and the fault."""
    bad_rows = BadRows() if skips else None
    tables, fault = [], None
    blocks = decoded_blocks(io.BufferedReader(io.BytesIO(data)), source="a.csv")  # type: ignore[arg-type]
    try:
        for table in csv_tables(blocks, source="a.csv", chunk_rows=chunk_rows, bad_rows=bad_rows):
            tables.append((table.columns, table.places.numbers.tolist(), table.notes))
    except DataError as error:
        fault = error.render()
    return tables, bad_rows and bad_rows.notes(), fault


def test_plain_rows_are_those_read_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells, lines, notes, rows left out and faults are the same, wherever blocks and tables are cut."""
    lot = random.Random(11)
    n_plain = 0

    def counted(raw: bytes, delimiter: str, width: int) -> PlainRows | None:
        nonlocal n_plain
        rows = plain_rows(raw, delimiter, width)
        n_plain += 0 if rows is None else len(rows)
        return rows

    monkeypatch.setattr(feed, "plain_rows", counted)
    n_rows = n_faults = 0
    for number in range(_N_TEXTS):
        data = random_text(lot)
        how = {"chunk_rows": lot.choice([1, 3, 7, 1000]), "skips": lot.random() < 0.3}
        monkeypatch.setattr(csv_rows, "_SNIFF_LINES", lot.choice([2, 5, 50]))
        monkeypatch.setattr(decode, "_BLOCK", lot.choice([16, 50, 200, 1 << 17]))
        monkeypatch.setattr(feed, "_FAILURES_IN_A_ROW", lot.choice([0, 1000]))
        monkeypatch.setattr(feed, "_PIECE_BYTES", lot.choice([8, 40, 1 << 14]))
        monkeypatch.setattr(feed, "_LEAST_BYTES", len(data) + 1)
        slow = outcome(data, **how)
        monkeypatch.setattr(feed, "_LEAST_BYTES", 0)
        assert outcome(data, **how) == slow, (number, data, how)
        n_rows += sum(len(lines) for _, lines, _ in slow[0])
        n_faults += slow[2] is not None
    assert n_plain > 0.2 * n_rows
    assert 0.1 * _N_TEXTS < n_faults < 0.9 * _N_TEXTS


@pytest.mark.parametrize(
    ("raw", "columns"),
    [
        (b"a,b\n", [["a"], ["b"]]),
        (b'"a, b",""\r\n\r\n,x\r\n', [["a, b", ""], ["", "x"]]),
        (b'"""",a\n"""a""","b"""\n', [['"', '"a"'], ["a", 'b"']]),
        (b'"a\rb\r\nc",x\nd,"e', [["a\rb\r\nc"], ["x"]]),
        ("é,日本\nü,x\n".encode(), [["é", "ü"], ["日本", "x"]]),
    ],
)
def test_what_is_plain(raw: bytes, columns: list[list[str]]) -> None:
    """Quoted separators are text, doubled quotes one quote; blank lines and a record without an end are no rows."""
    rows = plain_rows(raw, ",", 2)
    assert rows is not None
    assert rows.columns == columns


@pytest.mark.parametrize(
    "raw",
    [
        b'5" pipe,x\n',
        b'"a"b,c\n',
        b'a,"b" \n',
        b"a\rb,c\n",
        b"a,b,c\n",
        b"a\n",
        b"a\nb,c,d\n",
        b"a,\0\n",
        b"a,\xff\n",
        b"a,b\n\xff",
        b"a,b",
    ],
)
def test_what_is_left_to_be_read_one_by_one(raw: bytes) -> None:
    """Stray quotes and returns, other widths, bytes that are no UTF-8, and a text without an end."""
    assert plain_rows(raw, ",", 2) is None


def test_a_row_that_is_not_plain_spoils_its_neighbours_only() -> None:
    """Of a block of thousands of rows nearly all are read at once in spite of a stray quote in the middle."""
    lines = [f"text {number},x\n" for number in range(9000)]
    lines[5000] = 'he said "hi",x\n'
    stream = io.BytesIO(("text,label\n" + "".join(lines)).encode())
    source = feed.Feed(decoded_blocks(io.BufferedReader(stream), source="a.csv"))  # type: ignore[arg-type]
    assert source.head(1) == ["text,label\n"] == [next(source)]
    n_plain = n_others = 0
    while (rows := source.plain(",", 2)) is not None or not source.at_block:
        n_plain += len(rows or ())
        while not source.at_block:
            next(source)
            n_others += 1
    assert n_plain + n_others == 9000
    assert 0 < n_others < 2000


def test_text_that_is_never_plain_is_soon_not_tried_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A try costs time; where the text becomes plain again, it is found out."""
    tries: list[int] = []

    def counted(raw: bytes, delimiter: str, width: int) -> PlainRows | None:
        rows = plain_rows(raw, delimiter, width)
        tries.append(0 if rows is None else len(rows))
        return rows

    monkeypatch.setattr(feed, "plain_rows", counted)
    monkeypatch.setattr(feed, "_LONGEST_REST_BYTES", 1 << 18)
    lines = ["text,label\n", *(f'{number}" pipe,x\n' for number in range(100_000)), *(["pipe,x\n"] * 100_000)]
    stream = io.BytesIO("".join(lines).encode())
    tables = csv_tables(decoded_blocks(io.BufferedReader(stream), source="a.csv"), source="a.csv", chunk_rows=999)  # type: ignore[arg-type]
    assert sum(table.n_rows for table in tables) == 200_000
    assert tries.count(0) < 20
    assert sum(tries) > 50_000


def test_text_of_another_encoding_is_read_at_once_too(write: Write) -> None:
    """Its rows are plain like others; half a surrogate pair, which no UTF-8 can hold, goes the slow way."""
    rows = ["grün,x"] * 400
    assert (
        read_table(write("a.csv", "\n".join(["text,label", *rows, ""]).encode("latin-1")), encoding="latin-1").columns[
            "text"
        ]
        == ["grün"] * 400
    )
    halves = "\n".join(["text,label", *["a+2D0-,x"] * 400, ""]).encode("ascii")
    assert read_table(write("b.csv", halves), encoding="utf-7").columns["text"] == ["a\ud83d"] * 400
