"""``predict --keep``: the columns by which an answer finds its way back to its row."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from tests.cli.conftest import Model
from tests.cli.running import assert_error, run
from tests.cli.schemas import problems
from tests.cli.small_world import csv_text

ROWS = [("a-7", "where is my card?", "mail"), ("", "the parcel did not come", "chat"), ("=1+1", "my money", "mail")]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Texts with a number of their own."""
    path = tmp_path / "new.csv"
    path.write_text(csv_text(["Ticket ID", "text", "channel"], ROWS), "utf-8")
    return path


def test_json_lines_hold_the_columns(probed: Model, data: Path) -> None:
    """As they stand in the file, under the file's own names; without the flag there are none."""
    found = run("predict", probed.folder, data, "--keep", "ticket_id,channel", "--json").lines()
    assert [answer["columns"] for answer in found] == [{"Ticket ID": row[0], "channel": row[2]} for row in ROWS]
    assert [problems("predict.json", answer) for answer in found] == [[], [], []]
    plain = run("predict", probed.folder, data, "--json").lines()
    assert [{name: value for name, value in answer.items() if name != "columns"} for answer in found] == plain


def test_csv_holds_those_columns_alone(probed: Model, data: Path, tmp_path: Path) -> None:
    """In the order asked for; without the flag all are there."""
    run("predict", probed.folder, data, "--keep", "channel,Ticket ID", "--out", tmp_path / "out.csv")
    found = list(csv.reader(io.StringIO((tmp_path / "out.csv").read_text("utf-8"))))
    assert found[0] == ["channel", "Ticket ID", "prediction", "probability"]
    assert [row[:2] for row in found[1:]] == [["mail", "a-7"], ["chat", ""], ["mail", "'=1+1"]]
    plain = list(csv.reader(io.StringIO(run("predict", probed.folder, data).out)))
    assert plain[0][:3] == ["Ticket ID", "text", "channel"]
    assert [row[2:] for row in found] == [row[3:] for row in plain]


def test_a_column_that_is_not_there_is_told(probed: Model, data: Path) -> None:
    """With the nearest one, before anything is answered."""
    assert_error(run("predict", probed.folder, data, "--keep", "chanel"), "no-such-column", "--keep channel")


def test_no_column_at_all_can_be_kept(probed: Model, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the answers stand alone, one a row, with one header, in however many parts they come."""
    monkeypatch.setattr("tunesmith.api.answer._CHUNK_ROWS", 2)
    found = list(csv.reader(io.StringIO(run("predict", probed.folder, data, "--keep", "").out)))
    assert [len(row) for row in found] == [2, 2, 2, 2]
    assert found[0] == ["prediction", "probability"]
    assert [answer["columns"] for answer in run("predict", probed.folder, data, "--keep", "", "--json").lines()] == [
        {}
    ] * 3
