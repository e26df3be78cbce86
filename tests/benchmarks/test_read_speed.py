"""The benchmark of reading measures all contenders on the same rows, and predicts from files of any size."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.read_speed import reading
from benchmarks.read_speed.run import HERE, write_again
from benchmarks.rows import ROOT

from tunesmith.data.read import read_table


def test_lines_are_written_again_to_any_number_of_rows_or_bytes(tmp_path: Path) -> None:
    """Whole rows under one header, a return within a cell among them."""
    train, again = tmp_path / "train.csv", tmp_path / "again.csv"
    train.write_bytes(b'text,label\none,a\n"two\rlines",b\nthree,a\n')
    assert write_again(again, train, n_rows=5) == 5
    assert read_table(again).columns["text"] == ["one", "two\rlines", "three", "one", "two\rlines"]
    n_rows = write_again(again, train, n_bytes=1000)
    assert again.stat().st_size >= 1000
    for read in reading.CONTENDERS.values():
        assert read(again) == n_rows == read_table(again).n_rows


def test_it_runs_on_a_real_file(tmp_path: Path) -> None:
    """Reading and two sizes of prediction; a trial does not touch the results."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    for name in ("train", "test"):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["text", "label"])
            writer.writerows((f"parcel {row} is {word}", word) for word in ("late", "lost") for row in range(40))
    kept = sorted((HERE / "results").glob("*"))
    flags = ["--rows", "100", "300", "--megabytes", "0.1", "--rounds", "1", "--threads", "1"]
    subprocess.run(
        [sys.executable, "-m", "benchmarks.read_speed.run", "tiny", *flags],
        cwd=ROOT,
        env={**os.environ, "TUNESMITH_DATA": str(tmp_path)},
        capture_output=True,
        check=True,
    )
    found = json.loads((HERE / "scratch" / "tiny.json").read_text("utf-8"))
    assert len({found["reading"][name]["rows"] for name in reading.CONTENDERS}) == 1
    assert [point["rows"] for point in found["predicting"]] == [100, 300]
    assert all(point["peak_mib"] > 0 and point["mb_written"] >= 0 for point in found["predicting"])
    assert sorted((HERE / "results").glob("*")) == kept
