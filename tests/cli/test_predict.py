"""Predicting: every input column is kept, in every form the answers can take."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from tests.cli.conftest import Model
from tests.cli.running import assert_error, command, run
from tests.cli.small_world import LABELS, csv_text, rows
from tests.cli.test_streams import seen_on_a_terminal

from tunesmith.api import answer
from tunesmith.data import formulas

HEADER = ["note", "text", "price, EUR"]
RECORDS = [
    ["=HYPERLINK(1)", "where is my card?", "-5"],
    ["two\nlines", 'they said "soon", twice', "+1.5e3"],
    ["@cmd", "- a parcel?", "3"],
    ["ünïcode", "", ""],
    ["-2+3", "+49 is my number", "1,000.5%"],
]


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A file with all that a table can hold: quotes, line ends, formulas, nothing."""
    path = tmp_path / "odd.csv"
    path.write_text(csv_text(HEADER, RECORDS), "utf-8")
    return path


def records(text: str) -> list[list[str]]:
    """Read CSV back."""
    return list(csv.reader(io.StringIO(text)))


def test_all_columns_are_kept_in_order_with_the_answer_behind(probed: Model, odd: Path) -> None:
    """Cells come back as they were, in their order; label and probability follow."""
    ended = run("predict", probed.folder, odd)
    assert (ended.code, ended.err) == (0, "")
    header, *found = records(ended.out)
    assert header == [*HEADER, "prediction", "probability"]
    assert [[cell.removeprefix("'") for cell in record[:3]] for record in found] == RECORDS
    assert all(record[3] in LABELS and 1 / 3 <= float(record[4]) <= 1 for record in found)


def test_cells_that_a_spreadsheet_would_run_are_disarmed(probed: Model, odd: Path) -> None:
    """An apostrophe in front of formulas; numbers stay numbers, whatever their sign."""
    found = records(run("predict", probed.folder, odd).out)[1:]
    assert [record[0] for record in found] == ["'=HYPERLINK(1)", "two\nlines", "'@cmd", "ünïcode", "'-2+3"]
    assert [record[1][:1] for record in found] == ["w", "t", "'", "", "'"]
    assert [record[2] for record in found] == [record[2] for record in RECORDS]


@pytest.mark.parametrize("cell", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "-", "+A1", "-1;2"])
def test_a_formula_is_disarmed(cell: str) -> None:
    """Whatever a spreadsheet takes for the beginning of a formula."""
    assert formulas.disarmed([cell]) == ["'" + cell]


@pytest.mark.parametrize("cell", ["", "-5", "+1.5e3", "-1.000,50", "-7%", "a=b", "5-3", "e-mail", "'=1"])
def test_what_is_no_formula_is_left_as_it_is(cell: str) -> None:
    """Numbers and ordinary words."""
    assert formulas.disarmed([cell]) == [cell]


def test_columns_of_answers_never_take_an_input_column_s_name(probed: Model, tmp_path: Path) -> None:
    """Predicting on the output of a prediction keeps both."""
    once, twice = tmp_path / "once.csv", tmp_path / "twice.csv"
    once.write_text(csv_text(["text", "prediction"], [["where is my card?", "mine"]]), "utf-8")
    assert run("predict", probed.folder, once, "--out", twice).code == 0
    header, record = records(twice.read_text("utf-8"))
    assert header == ["text", "prediction", "prediction_", "probability"]
    assert record[1] == "mine"


def test_all_gives_every_label_a_column(probed: Model, tickets: Path) -> None:
    """The shares of a row add up to 1, and the largest is that of the answer."""
    header, *found = records(run("predict", probed.folder, tickets, "--all").out)
    assert header[5:] == [f"probability:{label}" for label in LABELS]
    for record in found:
        shares = dict(zip(LABELS, map(float, record[5:]), strict=True))
        assert sum(shares.values()) == pytest.approx(1.0, abs=2e-6)
        assert max(shares, key=shares.__getitem__) == record[3]
        assert float(record[4]) == max(shares.values())


def test_stdin_is_read_as_a_file_is(probed: Model, odd: Path) -> None:
    """CSV and JSON lines; the kind is told from the content."""
    from_file = run("predict", probed.folder, odd, "--json").lines()
    assert run("predict", probed.folder, "-", "--json", stdin=odd.read_bytes()).lines() == from_file
    lines = "".join(json.dumps(dict(zip(HEADER, record, strict=True))) + "\n" for record in RECORDS)
    assert run("predict", probed.folder, "-", "--json", stdin=lines.encode()).lines() == from_file


def test_a_file_can_be_written_instead(probed: Model, odd: Path, tmp_path: Path) -> None:
    """``.csv`` as on stdout, ``.jsonl`` as with --json; then nothing is printed."""
    table, lines = tmp_path / "answers.csv", tmp_path / "answers.jsonl"
    for path in (table, lines):
        assert run("predict", probed.folder, odd, "--out", path).out == ""
    assert table.read_text("utf-8") == run("predict", probed.folder, odd).out
    assert lines.read_text("utf-8") == run("predict", probed.folder, odd, "--json").out


def test_texts_of_the_command_line_can_go_to_a_file(probed: Model, tmp_path: Path) -> None:
    """--out is not forgotten where there is no input file."""
    out = tmp_path / "answers.csv"
    assert run("predict", probed.folder, "--text", "where is my card?", "--out", out).code == 0
    header, record = records(out.read_text("utf-8"))
    assert header == ["text", "prediction", "probability"]
    assert record[0] == "where is my card?"


def test_a_failed_prediction_leaves_the_old_file(probed: Model, tmp_path: Path) -> None:
    """The fault lies in the last row; what was there before is still there, and nothing else."""
    data, out = tmp_path / "bad.csv", tmp_path / "answers.csv"
    data.write_text("text,label\n" + "fine,a\n" * 20 + "one,two,three\n", "utf-8")
    out.write_text("old", "utf-8")
    assert_error(run("predict", probed.folder, data, "--out", out), "ragged-row", "bad.csv:22:")
    assert out.read_text("utf-8") == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["answers.csv", "bad.csv"]


def test_parts_of_a_large_file_join_without_a_seam(
    probed: Model, tickets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answered seven rows at a time, the answers are those of the whole: one header, rows numbered through."""
    table, lines = run("predict", probed.folder, tickets).out, run("predict", probed.folder, tickets, "--json").lines()
    monkeypatch.setattr(answer, "_CHUNK_ROWS", 7)
    for record, whole in zip(records(run("predict", probed.folder, tickets).out), records(table), strict=True):
        assert record[:-1] == whole[:-1]
    for part, whole in zip(run("predict", probed.folder, tickets, "--json").lines(), lines, strict=True):
        assert part.pop("probability") == pytest.approx(whole.pop("probability"), abs=1e-5)  # sums in another order
        assert part == whole


def test_a_key_that_comes_after_the_header_is_written_is_refused(
    probed: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A CSV cannot take it any more; JSON lines can."""
    monkeypatch.setattr(answer, "_CHUNK_ROWS", 2)
    data = tmp_path / "late.jsonl"
    data.write_text('{"text": "a"}\n{"text": "b"}\n{"text": "c", "extra": 1}\n', "utf-8")
    ended = run("predict", probed.folder, data, "--out", tmp_path / "answers.csv")
    assert_error(ended, "new-column", "late.jsonl:3:", '"extra"', "--out FILE.jsonl")
    assert len(run("predict", probed.folder, data, "--json").lines()) == 3


def test_the_column_of_the_training_file_is_taken_where_it_is_there(probed: Model, tmp_path: Path) -> None:
    """Even where another column has a likelier name; else --column settles it."""
    data = tmp_path / "new.csv"
    data.write_text(csv_text(["title", "text"], [["Hello", "where is my card?"]]), "utf-8")
    alike = ("--json", "--threads", "1")  # how many threads there are changes the last digits
    expected = run("predict", probed.folder, "--text", "where is my card?", *alike).lines()
    assert run("predict", probed.folder, data, *alike).lines() == expected
    other = run("predict", probed.folder, data, "--column", "title", *alike).lines()
    assert other != expected
    assert_error(run("predict", probed.folder, data, "--column", "txet"), "no-such-column", "did you mean")


def test_a_text_cannot_move_the_cursor(probed: Model) -> None:
    """Control characters and broken bytes of a text are not sent to the terminal."""
    printed = seen_on_a_terminal(command("predict", probed.folder, "--text", "my \x1b[31mcard\udcff", "--all"))
    assert "[31mcard\ufffd" in printed.splitlines()[0]
    assert "\x1b[31m" not in printed
    assert len(printed.splitlines()) == 1 + len(LABELS)


def test_texts_of_the_command_line_become_csv_in_a_pipe(probed: Model) -> None:
    """As rows of a file do: whole, with a header."""
    long = "where is my card? " * 10
    header, *found = records(run("predict", probed.folder, "--text", long, "--text", "a, b").out)
    assert header == ["text", "prediction", "probability"]
    assert [record[0] for record in found] == [long, "a, b"]


@pytest.mark.parametrize("how", [[], ["--json"], ["--keep", "text"], ["--out", "answers.csv"]])
@pytest.mark.parametrize("given", [["--text", "where is it?"], ["FILE"]])
def test_a_second_text_is_refused_by_a_model_of_single_texts(
    probed: Model, odd: Path, how: list[str], *, given: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it is answered: an answer to the first text alone would look like one to both."""
    monkeypatch.chdir(tmp_path)
    given = [str(odd) if word == "FILE" else word for word in given]
    ended = run("predict", probed.folder, *given, "--pair", "note", *how)
    assert_error(ended, "texts-expected", "this model answers single texts", "--pair")
    assert not (tmp_path / "answers.csv").exists()


def test_the_text_column_is_chosen_once(probed: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the first part of the file: a later part that looks different must neither fail nor be read elsewhere."""
    monkeypatch.setattr(answer, "_CHUNK_ROWS", 2)
    data = tmp_path / "new.csv"
    texts = ["where is my card, please?", "a parcel has not come yet", "card?"]
    notes = ["x", "y", "this one is far longer than the text beside it, and has more words"]
    data.write_text(
        csv_text(["id", "remark", "memo"], [[str(n), *pair] for n, pair in enumerate(zip(texts, notes, strict=True))]),
        "utf-8",
    )
    found = run("predict", probed.folder, data, "--json").lines()
    expected = [run("predict", probed.folder, "--text", text, "--json").lines()[0] for text in texts]
    assert [row["probability"] for row in found] == pytest.approx([row["probability"] for row in expected], abs=1e-5)


@pytest.mark.parametrize("cell", ["hi\r=1+1", "\r=1", "a\r\nb", "\0=1"])
def test_a_line_end_inside_a_cell_stays_inside(probed: Model, tmp_path: Path, cell: str) -> None:
    """Whatever Python writes it: the next cell of a spreadsheet must not begin with what follows."""
    data = tmp_path / "new.jsonl"
    data.write_text(json.dumps({"text": cell, "note": "n"}) + "\n", "utf-8")
    out = run("predict", probed.folder, data).out
    assert len(records(out)) == 2
    assert records(out)[1][0].removeprefix("'") == cell
    if "\r" in cell:
        assert f'"{records(out)[1][0]}"' in out
    assert not cell.startswith(("\r", "\0")) or records(out)[1][0].startswith("'")


def test_an_encoding_can_be_named(probed: Model, tmp_path: Path) -> None:
    """And the answers are written in UTF-8 all the same."""
    data = tmp_path / "old.csv"
    data.write_bytes("text\ncafé\n".encode("latin-1"))
    assert_error(run("predict", probed.folder, data), "bad-byte", "--encoding")
    assert records(run("predict", probed.folder, data, "--encoding", "latin-1").out)[1][0] == "café"


def test_both_kinds_of_model_answer_what_they_were_measured_on(climbed: Model, tickets: Path) -> None:
    """The kept model of the climb is right on nearly all rows it was trained on: answers and rows belong together."""
    found = records(run("predict", climbed.folder, tickets).out)[1:]
    right = sum(record[3] == label for record, (_, label) in zip(found, rows(), strict=True))
    assert right >= 114
