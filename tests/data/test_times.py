"""Times are read as people write them, and what is held out by them is later than what is trained on."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from tests.cli.running import run

from tunesmith.data.places import Places
from tunesmith.data.split import split_by_time
from tunesmith.data.times import read_times
from tunesmith.errors import DataError


def times(*cells: str) -> list[float]:
    """Read cells."""
    return read_times(cells, places=Places.of("a.csv", range(2, 2 + len(cells))), column="when").tolist()


def test_dates_and_numbers_are_put_in_order() -> None:
    """With and without a time of day, with zones, and plain numbers; numbers as text are no dates."""
    dates = ["2026-01-02", "2026-01-02 08:00", "2026-01-02T08:00:00+02:00", "20260103", "2026-01-02T07:59:59.5Z"]
    assert np.argsort(times(*dates)).tolist() == [0, 2, 4, 1, 3]
    assert times("10", "9", "1.5e1") == [10.0, 9.0, 15.0]


@pytest.mark.parametrize("cell", ["", "yesterday", "03/04/2026", "nan", "inf"])
def test_what_is_no_time_is_told(cell: str) -> None:
    """By its line; a date whose day and month could be either is not guessed."""
    with pytest.raises(DataError, match="time-unclear") as caught:
        times("2026-01-02", cell)
    assert "a.csv:3" in caught.value.render()
    assert "year-month-day" in caught.value.render()


@pytest.mark.parametrize("seed", range(5))
def test_parts_follow_one_another(seed: int) -> None:
    """Whatever the order in the file; rows of one time are on one side; every row is in one part."""
    generator = np.random.default_rng(seed)
    when = generator.integers(40, size=500).astype(float)
    labels = generator.choice(["a", "b", "c"], 500).tolist()
    split = split_by_time(labels, when, np.arange(500), test_share=0.1)
    assert when[split.train].max() < when[split.validation].min()
    assert when[split.validation].max() < when[split.test].min()
    everything = np.concatenate([split.train, split.validation, split.test])
    assert sorted(everything.tolist()) == list(range(500))
    assert 60 <= len(split.validation) <= 130
    assert 25 <= len(split.test) <= 75


@pytest.mark.parametrize("seed", range(5))
def test_groups_stay_whole_and_are_as_late_as_their_latest_row(seed: int) -> None:
    """Both promises hold: no group is parted, and all rows from some time on are held out."""
    generator = np.random.default_rng(seed)
    groups = generator.integers(120, size=600)
    when = (groups + generator.integers(30, size=600)).astype(float)  # one comes after the other, and stays a while
    split = split_by_time(["a", "b"] * 300, when, np.arange(600), test_share=0.1, whole=groups)
    parts = [split.train, split.validation, split.test]
    assert sorted(np.concatenate(parts).tolist()) == list(range(600))
    for number, rows in enumerate(parts):
        others = np.concatenate(parts[:number] + parts[number + 1 :])
        assert not set(groups[rows].tolist()) & set(groups[others].tolist())
    for before, after in ((parts[0], parts[1]), (np.concatenate(parts[:2]), parts[2])):
        ends = [when[groups == group].max() for group in set(groups[after].tolist())]
        assert when[before].max() < min(ends)
    early = [int((when[rows] <= when[split.train].max()).sum()) for rows in parts[1:]]
    assert all(early)
    assert split.notes == tuple(
        f"{count} of {len(rows)} {name} rows came no later than the last row to train on: "
        "a later row of the same group is held out"
        for count, name, rows in zip(early, ("validation", "test"), parts[1:], strict=True)
    )


def test_rows_of_one_group_throughout_leave_nothing_to_choose_by() -> None:
    """And it is said."""
    split = split_by_time(["a", "b"] * 10, np.arange(20.0), np.arange(20), whole=np.zeros(20, dtype=np.int64))
    assert len(split.validation) == 0
    assert split.notes == ("no rows could be held out: there are too few times or groups",)


def test_a_label_of_later_rows_alone_is_told() -> None:
    """No model could know it."""
    labels = ["old"] * 90 + ["new"] * 10
    (note,) = split_by_time(labels, np.arange(100.0), np.arange(100)).notes
    assert '"new"' in note


def test_one_time_throughout_leaves_nothing_to_choose_by() -> None:
    """And that is an error of the caller's, as with texts that are all alike."""
    split = split_by_time(["a", "b"] * 10, np.zeros(20), np.arange(20))
    assert len(split.validation) == 0


def test_a_model_is_trained_on_the_past(tmp_path: Path) -> None:
    """What is held out is the last of the file's time; the last fit on all rows does not take it in."""
    random = np.random.default_rng(0)
    data = tmp_path / "rows.csv"
    rows = []
    for day in random.permutation(300).tolist():
        label = random.choice(["cards", "loans"])
        rows.append((f"{day} my {label} question", label, f"2026-{1 + day // 28:02d}-{1 + day % 28:02d}"))
    with data.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["text", "label", "day"])
        table.writerows(rows)
    out = tmp_path / "m"
    done = run(
        "train",
        str(data),
        "--rungs",
        "linear",
        "--budget",
        "none",
        "--time",
        "day",
        "--test-share",
        "0.1",
        "--out",
        str(out),
    )
    assert done.code == 0, done.err
    assert 'later rows by "day" are held out' in done.err
    assert "on earlier rows alone" in done.err
    facts = json.loads((out / "tunesmith.json").read_text("utf-8"))
    assert (facts["data"]["train"], facts["data"]["validation"], facts["data"]["test"]) == (216, 54, 30)
    assert facts["measured_on"] == "validation rows"
    vocabulary = json.loads((out / "vocabulary.json").read_text("utf-8"))["words"]["terms"]
    assert "100" in vocabulary
    assert "295" not in vocabulary, "a row of the future was fitted on"
    refused = run("train", str(data), "--time", "label", "--out", str(tmp_path / "x"))
    assert refused.code == 2
