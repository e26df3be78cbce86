"""Reading files: what is accepted, and that every fault is told by its exact line and the way out."""

from __future__ import annotations

import csv
import io
import random
import time
import tracemalloc
from pathlib import Path

import pytest
from tests.data.conftest import Write

from tunesmith.data.csv_rows import csv_tables
from tunesmith.data.decode import decoded_blocks, lines_of
from tunesmith.data.json_rows import json_tables
from tunesmith.data.read import read_chunks, read_table
from tunesmith.errors import DataError


def fault(path: Path, **options: str) -> str:
    """Read a file that cannot be read and give the whole message."""
    with pytest.raises(DataError, match=r"^error\[") as caught:
        read_table(path, **options)
    return caught.value.render()


def standard_input(content: bytes) -> object:
    """Stand in for ``sys.stdin`` with the given bytes behind it."""
    return type("Stdin", (), {"buffer": io.BufferedReader(io.BytesIO(content))})()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_delimiter_and_line_end_reads_alike(write: Write, delimiter: str, ending: str) -> None:
    """The table must not depend on how its cells and rows are separated."""
    rows = [f"Hello, you; there{delimiter}pos", f"No, thanks{delimiter}neg"]
    if delimiter in ",;":
        rows = [f'"Hello, you; there"{delimiter}pos', f'"No, thanks"{delimiter}neg']
    table = read_table(write("a.csv", ending.join([f"text {delimiter} label", *rows, ""])))
    assert table.columns == {"text": ["Hello, you; there", "No, thanks"], "label": ["pos", "neg"]}
    assert table.places.numbers.tolist() == [2, 3]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_marks_and_line_ends_are_no_part_of_the_text(write: Write, encoding: str, ending: str) -> None:
    """UTF-8 with and without its mark and UTF-16 with its mark are read without being named."""
    content = ending.join(["text,label", "Grüße 😀,é", ""]).encode(encoding)
    table = read_table(write("a.csv", content))
    assert table.columns == {"text": ["Grüße 😀"], "label": ["é"]}


def test_big_endian_utf16_is_told_by_its_mark(write: Write) -> None:
    """The mark, not the machine, settles the byte order."""
    content = "\ufefftext\n日本\n".encode("utf-16-be")
    assert read_table(write("a.csv", content)).columns == {"text": ["日本"]}


def test_header_cells_are_trimmed_named_and_made_distinct(write: Write) -> None:
    """A trailing blank in the header is no part of the name; nameless and doubled columns are named and noted."""
    table = read_table(write("a.csv", " text ,label ,,label\nhi,a,x,b\n"))
    assert list(table.columns) == ["text", "label", "column_3", "label_4"]
    assert table.notes == (
        "column 3 has no name in the header; called column_3",
        "column 4 has the name of an earlier one; called label_4",
    )


def test_null_words_stay_words(write: Write) -> None:
    """``null``, ``NA`` and ``None`` are text; only an empty cell is empty."""
    table = read_table(write("a.csv", "text,label\nnull,NA\nNone,\n"))
    assert table.columns == {"text": ["null", "None"], "label": ["NA", ""]}


def test_quoted_line_ends_keep_the_line_numbers_right(write: Write) -> None:
    """A record is named by the line it begins on, whatever lines its cells span."""
    table = read_table(write("a.csv", '\n\ntext,label\n"one\ntwo\r\nthree",a\n\nfour,b\n'))
    assert table.columns["text"] == ["one\ntwo\r\nthree", "four"]
    assert table.places.numbers.tolist() == [4, 8]


def test_characters_that_only_look_like_line_ends_stay_in_the_cell(write: Write) -> None:
    """Form feeds, separators and next-line characters are text."""
    table = read_table(write("a.csv", "text,label\none\x0btwo\x0cthree\x85four\u2028five\x1c,a\n"))
    assert table.columns["text"] == ["one\x0btwo\x0cthree\x85four\u2028five\x1c"]


def test_one_column_needs_no_quotes(write: Write) -> None:
    """Where the header has no delimiter each line is one cell, commas and all."""
    assert read_table(write("a.csv", "text\nWell, then; go\n")).columns == {"text": ["Well, then; go"]}


def test_spaces_behind_delimiters_do_not_break_quoted_cells(write: Write) -> None:
    """``a, "b, c"`` has two cells when the header too puts a space behind each delimiter."""
    table = read_table(write("a.csv", 'label, text\npos, "fine, thanks"\n'))
    assert table.columns == {"label": ["pos"], "text": ["fine, thanks"]}


def test_a_declared_separator_is_used(write: Write) -> None:
    """Spreadsheets write ``sep=;`` above the header."""
    table = read_table(write("a.csv", "sep=;\ntext;label\na,b;c\n"))
    assert (table.columns, table.places.numbers.tolist()) == ({"text": ["a,b"], "label": ["c"]}, [3])


def test_tsv_takes_tab_whatever_else_the_header_holds(write: Write) -> None:
    """By its ending the delimiter is TAB, even where commas split more often."""
    table = read_table(write("a.tsv", "text, or so, it seems\tlabel\na, b, c\tpos\n"))
    assert list(table.columns) == ["text, or so, it seems", "label"]


def test_a_stray_quote_within_a_line_is_noted(write: Write) -> None:
    """Nothing is lost by a quote that was not doubled, so it is read, and said."""
    table = read_table(write("a.csv", 'text,label\n"he said "hi", twice",a\nb,c\n'.replace('", twice"', ' twice"')))
    assert table.columns["label"] == ["a", "c"]
    assert table.notes == ('a quote inside a quoted cell was not doubled ("") in 1 row (line 2); read as it stands',)


def test_json_values_become_text(write: Write) -> None:
    """Numbers, truth values, null and nested values have one way to be written as text."""
    lines = [
        '{"text": "a\u2028b", "label": true, "n": 3, "x": null}',
        "",
        '{"text": "NA", "label": false, "n": 2.50, "new ": ["b", 1]}',
    ]
    table = read_table(write("a.jsonl", "\n".join(lines)))
    assert table.columns == {
        "text": ["a\u2028b", "NA"],
        "label": ["true", "false"],
        "n": ["3", "2.5"],
        "x": ["", ""],
        "new": ["", '["b", 1]'],
    }
    assert table.places.numbers.tolist() == [1, 3]
    assert table.notes == ("1 row lacks some of the keys; those cells are empty",)


def test_half_a_surrogate_pair_becomes_the_replacement_character(write: Write) -> None:
    """What no encoding can write must not reach tokenizers or files."""
    assert read_table(write("a.jsonl", '{"text": "a\\ud83d b \\ud83d\\ude00"}')).columns == {"text": ["a\ufffd b 😀"]}


def test_missing_file_offers_the_nearest_name(write: Write) -> None:
    """A mistyped name is answered with the file that is there."""
    write("tickets.csv", "text\nhi\n")
    message = fault(write("other.csv", "").parent / "tikets.csv")
    assert message.startswith("error[file-missing]")
    assert "tickets.csv?" in message


def test_a_directory_is_told_with_the_files_inside(write: Write) -> None:
    """A folder in place of a file names a file that would do."""
    message = fault(write("tickets.csv", "text\nhi\n").parent)
    assert "error[file-is-directory]" in message
    assert "for example" in message
    assert "tickets.csv" in message


@pytest.mark.parametrize("content", ["", "\n\n", "  \r\n", "\ufeff"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl"])
def test_an_empty_file_is_told(write: Write, name: str, content: str) -> None:
    """No bytes, only blank lines or only a mark: the file is empty."""
    assert "error[file-empty]" in fault(write(name, content))


def test_a_header_alone_is_told(write: Write) -> None:
    """A header without rows names its columns."""
    message = fault(write("a.csv", "text,label\n\n"))
    assert "error[header-only]" in message
    assert '"text", "label"' in message


@pytest.mark.parametrize("name", ["a.xlsx", "a.doc", "a.gz.zip", "a"])
def test_an_unknown_ending_is_told(write: Write, name: str) -> None:
    """Other endings name the ones that are read."""
    message = fault(write(name, "text\nhi\n"))
    assert "error[unknown-format]" in message
    assert ".jsonl" in message


@pytest.mark.parametrize("content", [b"PK\x03\x04...", b"PAR1..."])
def test_another_kind_of_file_under_our_ending_is_told(write: Write, content: bytes) -> None:
    """A spreadsheet called .csv is named for what it is."""
    message = fault(write("a.csv", content))
    assert "error[unknown-format]" in message
    assert "the content of a" in message


def test_a_bad_byte_is_told_with_place_and_way_out(write: Write) -> None:
    """Byte, offset, line, what stands before it, and the encoding to name."""
    content = b"text,label\nfine,a\n" + "il a bu un caf\xe9 ici,b\n".encode("latin-1")
    message = fault(write("a.csv", content))
    assert "a.csv:3: the byte 0xE9 cannot be read as UTF-8" in message
    assert f"byte 0xE9 at offset {content.index(0xE9)}, line 3" in message
    assert 'after "il a bu un caf"' in message
    assert "add --encoding windows-1252" in message
    assert "(or latin-1)" in message


@pytest.mark.parametrize("n_rows", [3, 40_000])
def test_the_place_of_a_bad_byte_is_exact_far_into_a_file(write: Write, n_rows: int) -> None:
    """Offset and line hold across the blocks a file is read in, with long characters before it."""
    content = b"text\n" + "Grüße aus 東京\r\n".encode() * n_rows + b"bad \xff byte\n" + b"more\n" * 5
    message = fault(write("a.csv", content))
    assert f"a.csv:{n_rows + 2}:" in message
    assert f"offset {content.index(0xFF)}, line {n_rows + 2}" in message


def test_a_wrong_named_encoding_is_told(write: Write) -> None:
    """An encoding that the user named and that does not fit is refused like any other."""
    message = fault(write("a.csv", b"text\n\x81\n"), encoding="windows-1252")
    assert "byte 0x81" in message
    assert "WINDOWS-1252" in message


def test_utf16_without_its_mark_is_told(write: Write) -> None:
    """Zero bytes everywhere are UTF-16, which has to be named without its mark; named, it reads."""
    path = write("a.csv", "text,label\nhi,a\n".encode("utf-16-le"))
    assert "--encoding utf-16-le" in fault(path)
    assert read_table(path, encoding="utf-16-le").columns == {"text": ["hi"], "label": ["a"]}
    assert read_table(path, encoding="utf-16").n_rows == 1


def test_utf16_that_is_cut_is_told(write: Write) -> None:
    """Half a character at the end of the file is a bad byte, too."""
    message = fault(write("a.csv", "text\nhi\n".encode("utf-16") + b"\x41"))
    assert "a.csv:3: the byte 0x41 cannot be read as UTF-16-LE" in message
    assert "is damaged" in message


@pytest.mark.parametrize("name", ["latim-1", "base64", "undefined", "utf\0", ""])
def test_an_unknown_encoding_is_told(write: Write, name: str) -> None:
    """Names that are no encoding of text are refused; a mistyped one gets the nearest."""
    message = fault(write("a.csv", "text\nhi\n"), encoding=name)
    assert "error[unknown-encoding]" in message
    assert ("did you mean --encoding latin-1?" in message) == (name == "latim-1")


@pytest.mark.parametrize(
    ("text", "line", "noticed"),
    [
        ('text,label\na,b\n"open,c\nd,e\n', 3, "the end of the file"),
        ('text,label\n"one\ntwo",a\n"open,c\nd,e\n"f",g\n', 4, "line 6"),
        ('text,label\n"a" b,"open\n', 2, "line 2"),
    ],
)
def test_an_unclosed_quote_is_told_by_its_row(write: Write, text: str, line: int, noticed: str) -> None:
    """A quote that swallows the rows below it is refused, also where a later quote seems to close it."""
    message = fault(write("a.csv", text))
    assert f"error[unclosed-quote]: {write('b.csv', '').parent / 'a.csv'}:{line}:" in message
    assert f"to {noticed}" in message


def test_a_quote_that_swallows_the_whole_rest_is_told_without_reading_all_of_it(write: Write) -> None:
    """Beyond a cell of a million characters the quote must be open."""
    message = fault(write("a.csv", 'text,label\n"open,a\n' + "more,b\n" * 300_000))
    assert "error[unclosed-quote]" in message
    assert "row on line 2" in message


def test_cells_may_be_long(write: Write) -> None:
    """A cell of half a million characters is a text like any other."""
    assert len(read_table(write("a.csv", "text,label\n" + "x" * 500_000 + ",a\n")).columns["text"][0]) == 500_000


def test_keys_that_are_equal_once_trimmed_are_one_column(write: Write) -> None:
    """The last value wins, as it does for a key given twice, and the columns stay of one length."""
    table = read_table(write("a.jsonl", '{"a": 1, "a ": 2, "b": 3, "b": 4}\n{"a": 5, "b": 6}\n'))
    assert table.columns == {"a": ["2", "5"], "b": ["4", "6"]}


def test_a_key_that_is_given_twice_does_not_hide_one_that_is_missing(write: Write) -> None:
    """A row with two keys of one column and none of another must leave every later value in its own row."""
    lines = ['{"text": "a", "label": "x"}', '{"text": "b", "text ": "c"}', '{"text": "d", "label": "y"}']
    table = read_table(write("a.jsonl", "\n".join(lines)))
    assert table.columns == {"text": ["a", "c", "d"], "label": ["x", "", "y"]}
    assert table.notes == ("1 row lacks some of the keys; those cells are empty",)
    chunks = list(read_chunks(write("b.jsonl", "\n".join(lines)), chunk_rows=2))
    assert [chunk.columns["label"] for chunk in chunks] == [["x", ""], ["y"]]


def test_a_cell_and_a_line_have_a_limit(write: Write) -> None:
    """A file that is one endless line must not fill the memory."""
    assert "error[cell-too-long]" in fault(write("a.csv", "text,label\n" + "x" * 1_100_000 + ",a\n"))
    assert "error[line-too-long]" in fault(write("b.jsonl", '{"text": "' + "x" * 5_000_000))


def test_ragged_rows_are_told_with_line_width_and_number(write: Write) -> None:
    """The first row of another width, what it has, what it should have, and all such lines."""
    message = fault(write("a.csv", "text,label\nfine,a\n\none, two,b\nfine,a\nshort\n"))
    assert "a.csv:4: the row has 3 cells where the header has 2" in message
    assert "2 rows (lines 4, 6) of another width" in message
    assert 'line 4 begins "one"' in message
    assert "2 cells in every row, delimiter ','" in message


def test_a_missing_last_cell_is_ragged(write: Write) -> None:
    """Cells are never made up: a row that stops early is told."""
    assert "the row has 1 cell where the header has 2" in fault(write("a.csv", "text,label\nhi\n"))


def test_a_ragged_row_over_lines_points_to_the_quote(write: Write) -> None:
    """A row of the wrong width that spans lines has its quotes wrong."""
    assert "runs to line 3, so a quote in it may be unclosed" in fault(write("a.csv", 'text,label\n"one\ntwo",a,b\n'))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"text": "hi"', "expecting ',' delimiter"),
        ("[1, 2]", "not an object but a list"),
        ('"hi"', "not an object but a text"),
        ('{"text": NaN}', "the value NaN is not JSON"),
        ("[" * 100_000, "not readable (RecursionError)"),
        ('{"n": ' + "1" * 5000 + "}", "not readable (ValueError)"),
        ("{", "expecting property name"),
    ],
)
def test_a_damaged_json_line_is_told(write: Write, line: str, problem: str) -> None:
    """Line, what is wrong with it, and how to make lines of a list."""
    message = " ".join(
        fault(write("a.jsonl", '{"text": "ok"}\n\n' + line + "\n")).split()
    )  # however long the folder's name is
    assert f"a.jsonl:3: the line is not a JSON object: {problem}" in message
    assert "jq -c" in message


def test_no_message_holds_more_than_eighty_characters_of_a_cell(write: Write) -> None:
    """Faults show a glimpse of the user's text, never all of it."""
    secret = "x" * 500
    for content in (f"text,label\n{secret},a,b\n", f'text,label\n"{secret}\n'):
        assert "x" * 81 not in fault(write("a.csv", content))
    assert "x" * 81 not in fault(write("a.jsonl", f'{{"text": "{secret}"'))


def test_chunks_join_to_the_whole_table(write: Write) -> None:
    """Streaming gives the same cells and lines as reading at once, in parts of the size asked for."""
    path = write("a.csv", "text,label\n" + "".join(f'"t\n{n}",l{n % 3}\n' for n in range(10)))
    chunks = list(read_chunks(path, chunk_rows=4))
    whole = read_table(path)
    assert [chunk.n_rows for chunk in chunks] == [4, 4, 2]
    assert [line for chunk in chunks for line in chunk.places.numbers.tolist()] == whole.places.numbers.tolist()
    for name, cells in whole.columns.items():
        assert [cell for chunk in chunks for cell in chunk.columns[name]] == cells


def test_json_chunks_keep_the_columns_of_earlier_ones(write: Write) -> None:
    """A later part has all earlier columns, filled with nothing where a row lacks them, and its new ones behind."""
    chunks = list(read_chunks(write("a.jsonl", '{"a": 1, "b": 2}\n{"a": 3}\n{"c": 4}\n'), chunk_rows=2))
    assert [chunk.columns for chunk in chunks] == [
        {"a": ["1", "3"], "b": ["2", ""]},
        {"a": [""], "b": [""], "c": ["4"]},
    ]


def test_chunks_before_a_fault_are_given_out(write: Write) -> None:
    """A fault further down does not hold back what could be read."""
    chunks = read_chunks(write("a.csv", "text,label\na,b\nc,d\ne\n"), chunk_rows=2)
    assert next(chunks).columns["text"] == ["a", "c"]
    with pytest.raises(DataError, match=r"a\.csv:4"):
        next(chunks)


@pytest.mark.parametrize("content", [b'\n{"text": "hi"}\n', b"\ntext\nhi\n"])
def test_standard_input_tells_json_lines_from_csv(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    """Without an ending the first character decides."""
    monkeypatch.setattr("sys.stdin", standard_input(content))
    (table,) = read_chunks("-")
    assert (table.source, table.columns) == ("<stdin>", {"text": ["hi"]})


def test_memory_is_flat_in_the_number_of_rows(write: Write) -> None:
    """Streaming holds a few blocks and one part, however long the file is."""
    peaks = []
    for n_rows in (20_000, 60_000):
        path = write("a.csv", "text,label\n" + "some words of a usual length,label\n" * n_rows)
        tracemalloc.start()
        assert sum(table.n_rows for table in read_chunks(path, chunk_rows=1000)) == n_rows
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


def test_the_messy_real_file_is_refused_and_then_read(real_data: Path) -> None:
    """The latin-1 file names its first bad byte; with the encoding given, all its rows are there."""
    path = real_data / "sms_spam" / "raw_latin1.csv"
    message = fault(path)
    assert ":7: the byte 0xE5 cannot be read as UTF-8" in message
    assert "at offset 607, line 7" in message
    assert "add --encoding windows-1252" in message
    for encoding in ("windows-1252", "latin-1"):
        table = read_table(path, encoding=encoding)
        assert (table.n_rows, table.places.numbers[0]) == (5572, 2)
        assert list(table.columns) == ["v1", "v2", "column_3", "column_4", "column_5"]
        assert set(table.columns["v1"]) == {"ham", "spam"}


@pytest.mark.parametrize(("name", "n_rows"), [("banking77", 10_003), ("chnsenticorp", 9600), ("multi30k", 29_000)])
def test_real_files_have_the_rows_they_say(real_data: Path, name: str, n_rows: int) -> None:
    """Files with quotes, Chinese and long texts give the documented number of rows, as the csv module sees them."""
    path = real_data / name / "train.csv"
    table = read_table(path)
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))[1:]
    assert table.n_rows == len(rows) == n_rows
    assert [list(row) for row in zip(*table.columns.values(), strict=True)] == rows


def test_a_large_real_file_reads_fast(real_data: Path) -> None:
    """67,349 rows take well under half a second of computing."""
    path = real_data / "sst2_glue" / "train.csv"
    seconds = []
    for _ in range(3):
        start = time.process_time()
        assert read_table(path).n_rows == 67_349
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.5


def outcome(data: bytes, *, as_json: bool) -> str:
    """Read bytes; the place of the fault, or nothing where they could be read."""
    blocks = decoded_blocks(io.BufferedReader(io.BytesIO(data)), source="fuzz")
    try:
        tables = (
            json_tables(lines_of(blocks), source="fuzz", chunk_rows=9)
            if as_json
            else csv_tables(blocks, source="fuzz", chunk_rows=9)
        )
        for table in tables:
            assert all(len(cells) == table.n_rows for cells in table.columns.values())
    except DataError as error:
        return str(error.where)
    return ""


def test_mutilated_files_are_read_or_refused_with_a_place() -> None:
    """Any bytes at all give a table or a DataError that says where, never another exception."""
    lot = random.Random(7)
    seeds = [
        b'text,label\n"a ""q"" b",x\nc,d\n',
        "text;label\r\nä;b\r\n".encode("utf-16"),
        b'{"text": "a", "n": 1.5}\n{"text": null, "m": [1]}\n',
    ]
    bits = [b'"', b"\n", b"\r", b",", b"\0", b"\xff", b"\xef\xbb\xbf", b"{", b"]", b"\\ud800", b"", b"\t;|"]
    places = []
    for number in range(600):
        data = bytearray(seeds[number % 3])
        for _ in range(lot.randrange(1, 6)):
            at = lot.randrange(len(data) + 1)
            data[at : at + lot.randrange(3)] = lot.choice(bits)
        places.append(outcome(bytes(data), as_json=number % 3 == 2))
    assert all(place.startswith("fuzz") for place in places if place)
    assert 50 < places.count("") < 550


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_a_first_line_of_data_is_a_row(write: Write, delimiter: str) -> None:
    """As in the SMS collection: no header, and the label of the first row comes again below."""
    rows = [("ham", "See you"), ("spam", "You won"), ("ham", "Late"), ("ham", "Call me")]
    table = read_table(write("a.csv", "".join(f"{label}{delimiter}{text}\n" for label, text in rows)))
    assert table.columns == {"column_1": [label for label, _ in rows], "column_2": [text for _, text in rows]}
    assert table.places.numbers.tolist() == [1, 2, 3, 4]
    assert any("line 1 is no header" in note for note in table.notes)


@pytest.mark.parametrize("header", ["text,label", "Spam?,x", "ham,queue", "label,ham"])
def test_a_header_stays_one(write: Write, header: str) -> None:
    """A known name makes it one, whatever comes below; and so do cells that never come again."""
    cells = {"ham,queue": "ham", "label,ham": "label"}.get(header, "spam")
    table = read_table(write("a.csv", f"{header}\n" + f"{cells},ham\n" * 3))
    assert list(table.columns) == header.split(",")


def test_another_delimiter_is_told(write: Write) -> None:
    """It was guessed, so it is said; a comma is what everybody expects."""
    assert read_table(write("a.csv", "text;label\nhi;x\n")).notes == ("the delimiter is ;, not a comma",)
    assert read_table(write("b.csv", "text\tlabel\nhi\tx\n")).notes == ("the delimiter is TAB, not a comma",)
    assert read_table(write("c.tsv", "text\tlabel\nhi\tx\n")).notes == ()
    assert read_table(write("d.csv", "text,label\nhi,x\n")).notes == ()


def test_columns_that_are_numbered_are_a_header(write: Write) -> None:
    """As pandas writes columns without names, beside labels that are numbers too."""
    table = read_table(write("a.csv", "0,1\nhi,1\nwhere,0\nwho,1\n"))
    assert table.columns == {"0": ["hi", "where", "who"], "1": ["1", "0", "1"]}
