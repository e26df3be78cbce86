"""Compression: a cell is a model trained, compressed and held to test rows, and its figures stand in the table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks.cells import TABLE_BEGINS, TABLE_ENDS
from benchmarks.compression import run as subject
from benchmarks.compression.plot import draw
from benchmarks.rows import write_part
from tests.cli.small_world import write_rows


def test_a_cell_is_measured_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the commands of a user, on a small file of that name; a second run measures nothing anew."""
    whole = tmp_path / "data" / "banking77"
    whole.mkdir(parents=True)
    rows = write_rows(tmp_path / "rows.csv", label="label")
    for part in ("train", "test"):
        write_part(rows, whole / f"{part}.csv", n_rows=60)
    folder = tmp_path / "results"
    folder.mkdir()
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{TABLE_BEGINS}\n{TABLE_ENDS}\nafter\n", "utf-8")
    monkeypatch.setenv("TUNESMITH_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(subject, "places", lambda *given, **named: (folder, readme, tmp_path))
    asked = ["--sets", "banking77", "--rungs", "probe", "--to", "int8", "--threads", "1"]
    subject.main(asked)
    whole_result = json.loads((folder / "banking77.json").read_text("utf-8"))
    assert list(whole_result["cells"]) == ["probe/int8"]
    cell = whole_result["cells"]["probe/int8"]
    assert cell["kept"] == "probe"
    assert cell["test"]["rows"] == 60
    told = readme.read_text("utf-8")
    assert "| banking77 | `probe` | `int8` | " in told
    assert told.startswith("before")
    picture = (folder / "banking77.svg").read_text("utf-8")
    assert "int8" in picture
    draw(whole_result, "banking77", folder / "again.svg")
    assert (folder / "again.svg").read_text("utf-8") == picture
    monkeypatch.setattr(subject.Bench, "measured", lambda *given: pytest.fail("it was measured"))
    subject.main(asked)
