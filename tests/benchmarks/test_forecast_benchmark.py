"""Forecasts held against runs: a cell is a run foreseen and made, and the table counts those that held."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from benchmarks.cells import TABLE_BEGINS, TABLE_ENDS
from benchmarks.forecast import run as subject
from tests.cli.small_world import write_rows


def cell(*, seconds: float, peak_mib: float) -> dict[str, Any]:
    """A run of which 10 to 20 s and 100 to 200 MiB were foreseen."""
    foreseen = {"told": "10 to 20 s", "seconds": {"low": 10, "high": 20}, "peak_mib": {"low": 100, "high": 200}}
    return {
        "how": "--budget 5m",
        "forecast": foreseen,
        "seconds": seconds,
        "peak_mib": peak_mib,
        "stopped_because": "top",
    }


def test_the_table_counts_what_held() -> None:
    """Time and memory each; an end of a range is within it."""
    cells = {
        "one": cell(seconds=10, peak_mib=200),
        "two": cell(seconds=9.9, peak_mib=150),
        "three": cell(seconds=15, peak_mib=201),
    }
    table = subject.markdown(cells)
    assert "Within: time 2 of 3, memory 2 of 3." in table
    assert "| two | `--budget 5m` | 10 to 20 s | 10 s, 0.16 GB | top | **no** | yes |" in table


def test_a_cell_is_foreseen_and_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the commands of a user, on a small file; a second call measures nothing anew."""
    (tmp_path / "small").mkdir()
    write_rows(tmp_path / "small" / "train.csv", label="label")
    (tmp_path / "results").mkdir()
    readme = tmp_path / "README.md"
    readme.write_text(f"{TABLE_BEGINS}\n{TABLE_ENDS}\n", "utf-8")
    monkeypatch.setenv("TUNESMITH_DATA", str(tmp_path))
    monkeypatch.setattr(subject, "places", lambda *given, **named: (tmp_path / "results", readme, tmp_path))
    monkeypatch.setattr(subject, "CELLS", {"covid_faq": subject.Cell("small/train.csv", how=("--rungs", "linear"))})
    subject.main(["--only", "covid_faq", "--threads", "1"])
    found = json.loads((tmp_path / "results" / "forecasts.json").read_text("utf-8"))["cells"]["covid_faq"]
    assert found["stopped_because"] == "top"
    assert 1.0 < found["seconds"] < 300.0
    assert 100.0 < found["peak_mib"] < 5000.0
    assert "| covid_faq | `--rungs linear` | " in readme.read_text("utf-8")
    monkeypatch.setattr(subject, "measured", lambda *given, **named: pytest.fail("it was measured"))
    subject.main(["--only", "covid_faq", "--threads", "1"])
