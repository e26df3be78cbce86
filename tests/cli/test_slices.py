"""``evaluate --by``: the rows of each value of a column measured apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Model
from tests.cli.running import assert_error, run
from tests.cli.schemas import problems
from tests.cli.small_world import csv_text, rows

CHANNELS = ("mail", "chat", "mail", " ", "chat", "mail")


def written(path: Path, channel: str | None = None, *, unlabelled: int = 0) -> Path:
    """The labelled rows with their channel; those of one channel alone, if one is named."""
    records = [(text, label, CHANNELS[row % 6]) for row, (text, label) in enumerate(rows())]
    records[:0] = [(f"who knows {number}?", "", "lost") for number in range(unlabelled)]
    kept = [record for record in records if channel is None or record[2] == channel]
    path.write_text(csv_text(["text", "topic", "Channel"], kept), "utf-8")
    return path


def test_each_value_has_the_figures_of_its_own_rows(probed: Model, tmp_path: Path) -> None:
    """As if they stood in a file of their own; most rows first, and the whole as without the flag."""
    data = written(tmp_path / "all.csv")
    found = run("evaluate", probed.folder, data, "--by", "channel", "--json").json()
    assert problems("evaluate.json", found) == []
    assert found["metrics"] == run("evaluate", probed.folder, data, "--json").json()["metrics"]
    assert [(each["value"], each["rows"]) for each in found["slices"]] == [("mail", 60), ("chat", 40), ("", 20)]
    for each, channel in zip(found["slices"], ("mail", "chat", " "), strict=True):
        alone = run("evaluate", probed.folder, written(tmp_path / "one.csv", channel), "--json").json()["metrics"]
        assert {name: each[name] for name in ("accuracy", "macro_f1")} == {
            name: alone[name] for name in ("accuracy", "macro_f1")
        }


def test_rows_left_out_do_not_shift_the_values(probed: Model, tmp_path: Path) -> None:
    """A value belongs to its row, whatever was left out before it."""
    plain = run("evaluate", probed.folder, written(tmp_path / "a.csv"), "--by", "Channel", "--json").json()
    data = written(tmp_path / "b.csv", unlabelled=7)
    assert run("evaluate", probed.folder, data, "--by", "Channel", "--drop-unlabelled", "--json").json() == plain


def test_they_are_printed_beside_one_another(probed: Model, tmp_path: Path) -> None:
    """With their intervals, under the column's name; an empty cell has one too."""
    out = run("evaluate", probed.folder, written(tmp_path / "all.csv"), "--by", "channel").out.splitlines()
    head = next(place for place, line in enumerate(out) if line.split()[:1] == ["channel"])
    assert out[head].split() == ["channel", "accuracy", "macro_f1", "rows"]
    assert [line.split()[0] for line in out[head + 1 :]] == ["mail", "chat", "(empty)"]
    assert all(line.count("(0.") + line.count("(1.") == 2 for line in out[head + 1 : head + 3])
    assert max(map(len, out)) <= 100


@pytest.mark.parametrize(
    ("by", "error", "words"),
    [
        ("chanel", "no-such-column", ["did you mean --by Channel?"]),
        ("text", "too-many-slices", ["120 different values", "at most 100", "--by"]),
    ],
)
def test_a_column_that_cannot_be_measured_by_is_told(
    probed: Model, tmp_path: Path, by: str, error: str, words: list[str]
) -> None:
    """One that is not there, and one that is different in every row."""
    assert_error(run("evaluate", probed.folder, written(tmp_path / "all.csv"), "--by", by, "--quiet"), error, *words)
