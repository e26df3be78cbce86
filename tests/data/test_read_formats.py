"""Reading packed files, Parquet, and several files as one."""

from __future__ import annotations

import datetime
import gzip
import io
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet
from tests.data.conftest import Write

from tunesmith.data.read import read_chunks, read_table
from tunesmith.errors import DataError

CSV = "text,label\nWhere is my card?,cards\nToo slow,app\n"
JSONL = '{"text": "Where is my card?", "label": "cards"}\n{"text": "Too slow", "label": "app"}\n'
COLUMNS = {"text": ["Where is my card?", "Too slow"], "label": ["cards", "app"]}


def fault(*paths: Path | str) -> DataError:
    """Read what cannot be read."""
    with pytest.raises(DataError, match=r"^error\[") as caught:
        read_table(list(paths))
    return caught.value


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv.gz", CSV),
        ("a.tsv.gz", CSV.replace(",", "\t")),
        ("a.jsonl.gz", JSONL),
        ("csv.gz", CSV),
        ("jsonl.gz", JSONL),
        ("a.csv", CSV),
    ],
)
def test_gzip_is_unpacked_whatever_the_name(write: Write, name: str, content: str) -> None:
    """By its first bytes, as a web server or a copy may have dropped the ending; lines are those of the text."""
    table = read_table(write(name, gzip.compress(content.encode())))
    assert table.columns == COLUMNS
    assert table.places.numbers[-1] == (2 if "jsonl" in name else 3)


def test_gzip_of_several_members_is_one_file(write: Write) -> None:
    """As logs are that were packed in parts and put together."""
    head, tail = CSV[:20], CSV[20:]
    packed = gzip.compress(head.encode()) + gzip.compress(tail.encode())
    assert read_table(write("a.csv.gz", packed)).columns == COLUMNS


def test_gzip_comes_through_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """As from ``cat a.csv.gz``."""
    stream = io.BufferedReader(io.BytesIO(gzip.compress(CSV.encode())))
    monkeypatch.setattr("sys.stdin", type("Stdin", (), {"buffer": stream})())
    assert read_table("-").columns == COLUMNS


@pytest.mark.parametrize("n_bytes", [12, 30, -9, -1])
def test_a_gzip_file_cut_short_is_told(write: Write, n_bytes: int) -> None:
    """Never read as far as it goes: the missing rows would be missed by nobody."""
    told = fault(write("a.csv.gz", gzip.compress(CSV.encode())[:n_bytes]))
    assert told.code == "gzip-damaged"
    assert "cut off" in told.message


def test_a_damaged_gzip_file_is_told(write: Write) -> None:
    """By its checksum."""
    packed = bytearray(gzip.compress(CSV.encode()))
    packed[-6] ^= 1
    assert fault(write("a.csv.gz", bytes(packed))).code == "gzip-damaged"


@pytest.mark.parametrize(
    ("start", "name"),
    [(b"PK\x03\x04", "spreadsheet"), (b"BZh9", "bzip2"), (b"\xfd7zXZ\x00", "xz"), (b"\x28\xb5\x2f\xfd", "zstandard")],
)
def test_other_packed_files_are_named(write: Write, start: bytes, name: str) -> None:
    """Not read as text full of bad bytes."""
    told = fault(write("a.csv", start + b"0123456789"))
    assert told.code == "unknown-format"
    assert name in f"{told.found}"


def parquet_file(path: Path, columns: dict[str, object], **options: object) -> Path:
    """Write a Parquet file."""
    parquet.write_table(pa.table(columns), path, **options)
    return path


def test_parquet_is_read_as_text(tmp_path: Path) -> None:
    """Missing cells are empty; numbers, truth values, times and lists are what they look like; names are trimmed."""
    path = parquet_file(
        tmp_path / "a.parquet",
        {
            " text ": ["null", None, "é"],
            "label": [3, 1, None],
            "ok": [True, None, False],
            "at": [datetime.date(2024, 1, 2), None, None],
            "tags": [["a", "b"], [], None],
            "raw": [b"x", None, "é".encode()],
            "kind": pa.array(["p", "q", None]).dictionary_encode(),
        },
    )
    table = read_table(path)
    assert table.columns == {
        "text": ["null", "", "é"],
        "label": ["3", "1", ""],
        "ok": ["true", "", "false"],
        "at": ["2024-01-02", "", ""],
        "tags": ['["a", "b"]', "[]", ""],
        "raw": ["x", "", "é"],
        "kind": ["p", "q", ""],
    }
    assert [table.places.at(row) for row in (0, 2)] == [f"{path}, row 1", f"{path}, row 3"]


def test_parquet_is_streamed_over_its_row_groups(tmp_path: Path) -> None:
    """Parts hold at most as many rows as asked for, and number on."""
    rows = [f"text {row}" for row in range(25)]
    path = parquet_file(tmp_path / "a.pq", {"text": rows}, row_group_size=10)
    chunks = list(read_chunks(path, chunk_rows=7))
    assert max(chunk.n_rows for chunk in chunks) <= 7
    assert [text for chunk in chunks for text in chunk.columns["text"]] == rows
    assert [number for chunk in chunks for number in chunk.places.numbers.tolist()] == list(range(1, 26))
    assert read_table(path).columns["text"] == rows


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"PAR1" + data[4:20]])
def test_a_damaged_parquet_file_is_told(tmp_path: Path, damage: object) -> None:
    """A copy that was cut off, and a name that is not true."""
    path = parquet_file(tmp_path / "a.parquet", {"text": ["a"] * 100})
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    assert fault(path).code == "parquet-damaged"


def test_parquet_without_rows_is_told(tmp_path: Path) -> None:
    """By the columns it has."""
    told = fault(parquet_file(tmp_path / "a.parquet", {"text": pa.array([], pa.string())}))
    assert (told.code, told.found) == ("header-only", 'column "text"')


def test_a_parquet_column_of_other_bytes_is_told(tmp_path: Path) -> None:
    """By its name."""
    told = fault(parquet_file(tmp_path / "a.parquet", {"text": ["a"], "image": [b"\xff\xd8"]}))
    assert told.code == "not-text"
    assert '"image"' in told.message


def test_several_files_are_one(write: Write, tmp_path: Path) -> None:
    """Of any format, with columns in any order and case; in the order they are named, each row with its own place."""
    first = write("b.csv", CSV)
    second = write("a.jsonl", '{"label": "app", "text": "It hangs"}\n')
    third = parquet_file(tmp_path / "c.parquet", {"Label": ["cards"], "TEXT": ["Lost it"]})
    table = read_table([first, second, third])
    assert table.columns == {
        "text": [*COLUMNS["text"], "It hangs", "Lost it"],
        "label": [*COLUMNS["label"], "app", "cards"],
    }
    assert [table.places.at(row) for row in range(4)] == [
        f"{first}:2",
        f"{first}:3",
        f"{second}:1",
        f"{third}, row 1",
    ]


def test_a_pattern_stands_for_its_files_in_order(write: Write, tmp_path: Path) -> None:
    """As from a shell that does not know patterns; a file whose own name has such characters is itself."""
    for month in ("02", "01"):
        write(f"tickets-{month}.csv", f"text,label\nof {month},x\n")
    write("other.csv", "text\nno\n")
    assert read_table(f"{tmp_path}/tickets-*.csv").columns["text"] == ["of 01", "of 02"]
    write("odd[1].csv", "text\nodd\n")
    assert read_table(tmp_path / "odd[1].csv").columns["text"] == ["odd"]


def test_a_pattern_without_files_is_told(tmp_path: Path) -> None:
    """And so is no file at all."""
    assert fault(f"{tmp_path}/*.csv").code == "no-files"
    assert fault().code == "no-files"


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("text,queue", 'without "label"; besides "queue"'),
        ("text", 'without "label"'),
        ("text,label,id", 'besides "id"'),
        ("text,label,LABEL", "columns alike in all but case"),
    ],
)
def test_files_with_other_columns_are_refused(write: Write, header: str, found: str) -> None:
    """Named by the second file, and with what the first one has."""
    second = write("b.csv", f"{header}\n{','.join('x' * len(header.split(',')))}\n")
    told = fault(write("a.csv", CSV), second)
    assert (told.code, told.where, told.found) == ("columns-differ", str(second), found)
    assert '"text", "label"' in f"{told.allowed}"


def test_columns_that_next_adds_make_no_difference(write: Write) -> None:
    """Nor do others of such a file; its mark stays, since rows of it that have no label yet are not learnt."""
    plain, ours = write("a.csv", "text,label\nhi,x\n"), write("b.csv", "label,text,id,tunesmith_row\ny,bye,3,7\n")
    table = read_table([plain, ours])
    assert table.columns == {"text": ["hi", "bye"], "label": ["x", "y"], "tunesmith_row": ["", "7"]}
    assert [note.partition(": ")[2] for note in table.notes] == [f'"id" left out, which {plain} does not have']
    ours = write("b.csv", "label,text,tunesmith_row\ny,bye,7\n")
    columns = {"label": ["y", "x"], "text": ["bye", "hi"], "tunesmith_row": ["7", ""]}
    assert read_table([ours, plain]).columns == columns
    told = fault(plain, write("c.csv", "text,label,tunesmith\nbye,y,7\n"))
    assert told.code == "columns-differ"


def test_a_key_that_a_later_file_of_json_lines_lacks_is_empty(write: Write) -> None:
    """As within one such file."""
    table = read_table([write("a.jsonl", JSONL), write("b.jsonl", '{"text": "bare"}\n')])
    assert table.columns["label"] == ["cards", "app", ""]


def test_several_files_are_streamed(write: Write) -> None:
    """One after the other, none of their parts mixed."""
    files = [write("a.csv", CSV), write("b.csv", CSV)]
    chunks = list(read_chunks(files, chunk_rows=1))
    assert [chunk.columns["text"] for chunk in chunks] == [[text] for text in COLUMNS["text"] * 2]
    assert [chunk.source for chunk in chunks] == [str(file) for file in files for _ in range(2)]
