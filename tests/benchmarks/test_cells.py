"""Cells stand on the disk as soon as they are measured, and figures that do not compare are kept apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks.cells import TABLE_BEGINS, TABLE_ENDS, Results, places, put_table, read_results

WHERE = {"machine": "this one", "threads": 2, "versions": {"torch": "2"}, "date": "2026-01-02"}


def test_a_run_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    """What one life has written the next one finds, with the day of the first."""
    path = tmp_path / "set.json"
    Results(path, WHERE).add("full/0", {"accuracy": 0.5})
    again = Results(path, {**WHERE, "date": "2026-01-03"})
    assert again.has("full/0")
    assert not again.has("full/1")
    again.add("full/1", {"accuracy": 0.6})
    assert json.loads(path.read_text("utf-8")) == {
        **WHERE,
        "cells": {"full/0": {"accuracy": 0.5}, "full/1": {"accuracy": 0.6}},
    }
    assert list(tmp_path.iterdir()) == [path]
    assert list(read_results(tmp_path, ["set", "other"])) == ["set"]


@pytest.mark.parametrize(("name", "value"), [("threads", 1), ("machine", "another"), ("versions", {"torch": "3"})])
def test_figures_that_do_not_compare_are_not_mixed(tmp_path: Path, name: str, value: object) -> None:
    """Another machine, other threads, other versions."""
    Results(tmp_path / "set.json", WHERE).add("full/0", {})
    with pytest.raises(SystemExit, match=f"set.json is of another {name}"):
        Results(tmp_path / "set.json", {**WHERE, name: value})


def test_a_trial_leaves_text_and_results_alone(tmp_path: Path) -> None:
    """It writes into the scratch folder."""
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{TABLE_BEGINS}\nold\n{TABLE_ENDS}\nafter\n", "utf-8")
    folder, copied, scratch = places(readme, is_trial=True)
    put_table(copied, "| new |")
    assert folder == scratch == copied.parent == tmp_path / "scratch"
    assert "old" in readme.read_text("utf-8")
    assert copied.read_text("utf-8") == f"before\n{TABLE_BEGINS}\n| new |\n{TABLE_ENDS}\nafter\n"
    folder, kept, _ = places(readme, is_trial=False)
    assert (folder, kept) == (tmp_path / "results", readme)
