"""The benchmark of scaling: files have the size that they should, and exponents are fitted to what was measured."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.cells import TABLE_BEGINS, TABLE_ENDS
from benchmarks.rows import read_rows
from benchmarks.scaling import run as subject
from benchmarks.scaling.files import counter, write_lengths, write_rows
from benchmarks.scaling.fit import Point, draw, exponent, last_exponent, markdown, points_of
from benchmarks.train_time.peers import base_model_folder
from tests.benchmarks.trials import long_trial
from tests.cli.small_world import csv_text


@pytest.fixture
def train(tmp_path: Path) -> Path:
    """Forty rows of two labels."""
    path = tmp_path / "data" / "sst2_glue" / "train.csv"
    path.parent.mkdir(parents=True)
    for each in (path, path.with_name("test.csv")):
        with each.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["text", "label"])
            writer.writerows((f"parcel number {row} is {word}", word) for word in ("late", "lost") for row in range(20))
    return path


def test_a_file_has_as_many_rows_as_asked_for(train: Path, tmp_path: Path) -> None:
    """Where there are not as many, none is there twice, and each again has the words of one before."""
    assert len(read_rows(write_rows(train, tmp_path / "few.csv", 10)).texts) == 10
    texts = read_rows(write_rows(train, tmp_path / "many.csv", 150)).texts
    assert len(set(texts)) == len(texts) == 150
    assert sorted(texts[40].split()) == sorted(texts[0].split())


@pytest.mark.parametrize("n_tokens", [16, 300])
def test_texts_are_of_one_length(train: Path, tmp_path: Path, n_tokens: int) -> None:
    """Of every label as many, and of the tokens that were asked for but for the last word's."""
    tokenizer = counter(base_model_folder())
    rows = read_rows(write_lengths(train, tmp_path / "long.csv", tokenizer=tokenizer, n_rows=6, n_tokens=n_tokens))
    assert rows.labels == ["late", "lost"] * 3
    lengths = [len(tokenizer.encode(text, add_special_tokens=False).ids) for text in rows.texts]
    assert all(n_tokens <= length <= n_tokens + 3 for length in lengths)


def test_exponents_are_of_powers() -> None:
    """Exact where seconds are a power of the size; of the last two sizes alone where asked for."""
    points = [Point(size, 0.5 * size**1.5, 0.0) for size in (10, 100, 1000)]
    assert exponent(points) == pytest.approx(1.5)
    assert last_exponent([Point(1, 100.0, 0.0), *points[1:]]) == pytest.approx(1.5)
    assert exponent(points[:1]) is None


@pytest.fixture
def whole() -> dict[str, Any]:
    """Two sizes of two steps."""
    machine = {"cpu": "Example 1", "cores": 1, "memory_gib": 8.0, "system": "Linux", "python": "3.11"}
    cells = {
        f"{step}/rows/{size}": {"cpu_s": size / 100, "above_mib": 50.0}
        for step in ("probe", "predict")
        for size in (1000, 100)
    }
    return {"date": "2026-01-31", "machine": machine, "threads": 1, "versions": {"torch": "2"}, "cells": cells}


def test_the_table_has_a_line_for_each_size(whole: dict[str, Any], tmp_path: Path) -> None:
    """The smallest first, empty where nothing was measured; the plot is drawn alike twice."""
    assert [point.size for point in points_of(whole["cells"], "probe", "rows")] == [100, 1000]
    lines = markdown(whole).splitlines()
    assert lines[2] == "| 100 | 1.0 | 50 |  |  | 1.0 | 50 |"
    assert lines[4] == "| exponent | 1.00 |  |  |  | 1.00 |  |"
    for name in ("one.svg", "two.svg"):
        draw(whole, tmp_path / name)
    text = (tmp_path / "one.svg").read_text("utf-8")
    assert text == (tmp_path / "two.svg").read_text("utf-8")
    assert "exponent 1.00" in text


@long_trial
def test_it_measures(train: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every step by rows, one by length; a trial leaves the text as it is."""
    (tmp_path / "README.md").write_text(f"before\n{TABLE_BEGINS}\n{TABLE_ENDS}\nafter\n", "utf-8")
    monkeypatch.setenv("TUNESMITH_DATA", str(train.parents[1]))
    monkeypatch.setattr(subject, "README", tmp_path / "README.md")
    asked = ["sst2_glue", "--threads", "1", "--limit", "30"]
    subject.main([*asked, "--rows", "60", "--tokens"])
    words = [f"{first}{second}" for first in "bcdfghklmn" for second in "aeiou"]
    drawn = np.random.default_rng(0).choice(words, (60, 200))
    texts = [[" ".join(each), "late" if row % 2 else "lost"] for row, each in enumerate(drawn)]
    train.write_text(csv_text(["text", "label"], texts), "utf-8")  # long ones of few rows would be near-duplicates
    subject.main([*asked, "--rows", "--tokens", "300", "--only", "probe"])
    cells = json.loads((tmp_path / "scratch" / "sst2_glue.json").read_text("utf-8"))["cells"]
    assert list(cells) == ["probe/rows/60", "finetune/rows/60", "predict/rows/60", "probe/tokens/300"]
    assert cells["probe/tokens/300"]["tokens"] > 30 * 300
    assert all(cell["cpu_s"] > 0.0 for cell in cells.values())
    assert (tmp_path / "README.md").read_text("utf-8").startswith(f"before\n{TABLE_BEGINS}\n{TABLE_ENDS}")
