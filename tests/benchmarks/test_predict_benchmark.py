"""The texts of the predict benchmark are those of real files, each once, in a shuffled order."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from benchmarks.predict import run
from benchmarks.rows import read_rows


def test_texts_come_from_all_files_in_a_shuffled_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same order each time; no more than asked for."""
    for name in run.SOURCES:
        (tmp_path / name).mkdir()
        for part in ("train", "test"):
            with (tmp_path / name / f"{part}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerows([["text", "label"], *((f"{name} {row}", "x") for row in range(10))])
    monkeypatch.setenv("TUNESMITH_DATA", str(tmp_path))
    assert run.write_texts(tmp_path / "all.csv", 1000) == 50
    texts = read_rows(tmp_path / "all.csv").texts
    assert sorted(texts) == sorted(f"{name} {row}" for name in run.SOURCES for row in range(10))
    assert texts != sorted(texts, key=lambda text: run.SOURCES.index(text.split()[0]))
    assert run.write_texts(tmp_path / "again.csv", 1000) == 50
    assert read_rows(tmp_path / "again.csv").texts == texts
    assert run.write_texts(tmp_path / "few.csv", 7) == 7
