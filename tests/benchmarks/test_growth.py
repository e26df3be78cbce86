"""The growth benchmark climbs real files, and its factor is per ten times the rows."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.growth.run import HERE, factor_per_tenfold
from benchmarks.rows import ROOT
from tests.benchmarks.trials import long_trial


@pytest.mark.parametrize(
    ("rows", "seconds", "factor"),
    [((1000, 10000), (20.0, 160.0), 8.0), ((10000, 100000), (5.0, 5.0), 1.0), ((100, 10000), (1.0, 64.0), 8.0)],
)
def test_growth_is_told_per_ten_times_the_rows(
    rows: tuple[int, int], seconds: tuple[float, float], factor: float
) -> None:
    """Two tenfold steps multiply, so a hundredfold counts as the square."""
    before, after = ({"rows": n, "seconds": s} for n, s in zip(rows, seconds, strict=True))
    assert factor_per_tenfold(before, after) == pytest.approx(factor)


@long_trial
def test_it_runs_on_a_real_file(tmp_path: Path) -> None:
    """Two sizes of a small file, each climbed over three rungs; a trial does not touch the results."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    for name in ("train", "test"):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["text", "label"])
            writer.writerows((f"parcel {row} is {word}", word) for word in ("late", "lost") for row in range(40))
    kept = sorted((HERE / "results").glob("*"))
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.growth.run", "tiny", "--rows", "40", "80", "--threads", "1"],
        cwd=ROOT,
        env={**os.environ, "TUNESMITH_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert [line.split()[0] for line in ended.stdout.splitlines()] == ["40", "80"]
    found = json.loads((HERE / "scratch" / "tiny.json").read_text("utf-8"))
    assert [point["rows"] for point in found["points"]] == [40, 80]
    for point in found["points"]:
        assert {rung["name"] for rung in point["rungs"]} <= {"linear", "probe", "finetune"}
        assert point["seconds"] > sum(rung["seconds"] for rung in point["rungs"])
    assert found["points"][1]["factor_per_tenfold"] > 0.0
    assert sorted((HERE / "results").glob("*")) == kept
