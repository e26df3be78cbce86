"""The few-labels benchmark draws as it says, pairs what it compares, and trains for real."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from benchmarks.cells import TABLE_BEGINS, TABLE_ENDS
from benchmarks.few_labels import run
from benchmarks.few_labels.compare import compared, interval, markdown, marks
from benchmarks.few_labels.contenders import Cell, packed
from benchmarks.few_labels.draws import draw_rows, pairs_of_all
from benchmarks.few_labels.environment import PACKAGES, pinned_versions
from benchmarks.rows import read_rows
from tests.benchmarks.trials import long_trial


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of data sets with one of two labels in it."""
    (tmp_path / "sst2_glue").mkdir()
    for part, n_rows in (("train", 60), ("test", 20)):
        with (tmp_path / "sst2_glue" / f"{part}.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["text", "label"])
            rows.writerows(
                (f"{part} {row} is {'fine' if row % 3 else 'dull'}", str(int(row % 3 > 0))) for row in range(n_rows)
            )
    monkeypatch.setenv("TUNESMITH_DATA", str(tmp_path))
    return tmp_path


def test_a_draw_has_as_many_rows_of_each_label(data: Path) -> None:
    """The same by the same seed, others by another, and never a row twice."""
    paths = [data / f"{number}.csv" for number in range(3)]
    assert [
        draw_rows("sst2_glue", path, per_label=8, seed=seed) for path, seed in zip(paths, (0, 0, 1), strict=True)
    ] == [16] * 3
    first, again, other = map(read_rows, paths)
    assert Counter(first.labels) == {"0": 8, "1": 8}
    assert len(set(first.texts)) == 16
    assert first == again
    assert set(first.texts) != set(other.texts)
    assert first.labels != sorted(first.labels)


@pytest.mark.parametrize(("n_labels", "per_label"), [(2, 8), (3, 2), (5, 1)])
def test_pairs_are_counted_as_setfit_makes_them(n_labels: int, per_label: int) -> None:
    """Each pair of texts once, a text beside itself too; of the rarer kind as many as of the other."""
    labels = np.repeat(np.arange(n_labels), per_label)
    alike = [labels[one] == labels[two] for one in range(len(labels)) for two in range(one, len(labels))]
    assert pairs_of_all(n_labels, per_label) == 2 * max(sum(alike), len(alike) - sum(alike))


def test_marks_come_back() -> None:
    """Also where their number is no multiple of four, and where the first are wrong."""
    for right in ([False] * 9 + [True], [True, False, True], [False] * 4):
        assert marks({"right": packed(right)}, len(right)).tolist() == [float(mark) for mark in right]


def test_a_gain_is_paired_by_draw_and_by_row() -> None:
    """Two draws with luck and machines of their own, on which tunesmith is right on one row of ten more."""

    def cell(right: list[bool], seconds: float) -> dict[str, object]:
        return {"right": packed(right), "seconds": seconds, "cpu_seconds": seconds / 4, "train_seconds": seconds / 2}

    cells = {}
    for seed, n_right, theirs_s, ours_s in ((0, 3, 40.0, 4.0), (1, 8, 164.0, 16.0)):
        theirs = [row < n_right for row in range(10)]
        cells[f"8/{seed}/SetFit"] = cell(theirs, theirs_s)
        cells[f"8/{seed}/tunesmith"] = cell([*theirs[:9], True], ours_s)
    cells["8/2/tunesmith"] = cell([False] * 10, 400.0)
    entries = {entry["contender"]: entry for entry in compared({"cells": cells, "test_rows": 10})}
    assert entries["SetFit"]["tunesmith_gains"][0] == pytest.approx(0.1)
    assert entries["SetFit"]["accuracy"][0] == pytest.approx(0.55)
    assert (
        entries["SetFit"]["seconds_ratio"] == entries["SetFit"]["cpu_seconds_ratio"] == pytest.approx(10.12)
    )  # of each draw 10, 10.25
    assert entries["tunesmith"]["draws"] == 3
    assert "tunesmith_gains" not in entries["tunesmith"]
    assert "+10.0 (" in markdown({"sets": {"sst2_glue": list(entries.values())}})


def test_an_interval_counts_the_luck_of_draws_and_of_rows() -> None:
    """Where only draws differ it is as wide as draws alone make it, and the same of rows."""
    draws = np.repeat(np.array([[0.0], [1.0]]), 400, axis=1)
    assert interval(draws) == [0.5, 0.0, 1.0]
    value, low, high = interval(np.tile([0.0, 1.0], (2, 200)))
    assert value == 0.5
    assert 0.4 < low < 0.47
    assert 0.53 < high < 0.6


def test_few_rows_come_first_and_setfit_has_fewer_draws_of_many() -> None:
    """All sizes, whatever their number of labels, in the order of their rows."""
    cells = list(run.ordered(list(run.SETS), [8, 64], 3))
    assert [cell.n_rows for cell in cells] == sorted(cell.n_rows for cell in cells)
    names = [sum("SetFit" in cell.contenders() for cell in cells if cell.n_rows == rows) for rows in (16, 616, 4928)]
    assert names == [3, 3, 1]
    assert "SetFit, all pairs" in Cell("sst2_glue", 2, 64, 0).contenders()
    assert "SetFit, all pairs" not in Cell("banking77", 77, 8, 0).contenders()


def test_setfit_trains_on_fewer_pairs_where_its_own_would_take_hours() -> None:
    """As many of each row as its paper has, or as give 10,000 in all; a draw that its own come to has no such cell."""
    few, many = Cell("sst2_glue", 2, 64, 0), Cell("clinc150", 150, 64, 0)
    assert [few.iterations("SetFit"), many.iterations("SetFit")] == [20, 20]
    assert many.iterations("SetFit, fewer pairs") == 1
    assert Cell("banking77", 77, 16, 0).iterations("SetFit, fewer pairs") == 4
    assert many.iterations("SetFit, all pairs") is None
    assert "SetFit, fewer pairs" in many.contenders()
    assert "SetFit, fewer pairs" not in few.contenders()


def test_a_draw_is_of_one_machine() -> None:
    """A cell without a processor is of the one that the results began on."""
    cells: dict[str, dict[str, str]] = {"8/0/tunesmith": {}, "8/1/tunesmith": {"cpu": "new"}, "8/10/SetFit": {}}
    whole = {"machine": {"cpu": "old"}, "cells": cells}
    assert run.is_of_another("new", whole, Cell("sst2_glue", 2, 8, 0))
    assert not run.is_of_another("new", whole, Cell("sst2_glue", 2, 8, 1))
    assert not run.is_of_another("old", whole, Cell("sst2_glue", 2, 8, 0))


def test_the_environment_of_setfit_is_pinned() -> None:
    """Every package that a result names, and nothing by a range."""
    assert pinned_versions().keys() == set(PACKAGES)


@long_trial
def test_it_trains_and_goes_on_where_it_was_stopped(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One draw by the frozen encoder alone; a second call measures nothing, and the table stands in the text."""
    (data / "here").mkdir()
    (data / "here" / "README.md").write_text(f"before\n{TABLE_BEGINS}\n{TABLE_ENDS}\nafter\n", "utf-8")
    monkeypatch.setattr(run, "README", data / "here" / "README.md")
    flags = ["--sets", "sst2_glue", "--rows-a-label", "8", "--draws", "1", "--only", "tunesmith --rungs probe"]
    run.main([*flags, "--threads", "1"])
    whole = json.loads((data / "here" / "results" / "sst2_glue.json").read_text("utf-8"))
    (cell,) = whole["cells"].values()
    assert cell["kept"] == "probe"
    assert 0.0 < cell["train_seconds"] < cell["seconds"]
    assert 0.0 < cell["cpu_seconds"]
    assert marks(cell, 20).mean() == pytest.approx(cell["accuracy"])
    assert cell["cpu"] == whole["machine"]["cpu"]
    capsys.readouterr()
    run.main([*flags, "--threads", "1"])
    assert "8/0/" not in capsys.readouterr().out
    text = (data / "here" / "README.md").read_text("utf-8")
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert text.count("| sst2_glue | 8 | tunesmith --rungs probe | 1 |") == 1
