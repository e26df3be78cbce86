"""The rate benchmark trains for real and holds its rate against the machine's on both sides."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from benchmarks.finetune_rate.run import measured
from benchmarks.fresh import module_command, run_fresh


def test_a_rate_is_held_against_both_sides() -> None:
    """A neighbour who came in the middle slows one side only."""
    assert measured(120.0, [200.0, 100.0], 0.5)["share"] == pytest.approx(0.8)


def test_the_loop_trains_on_a_file(tmp_path: Path) -> None:
    """A few steps of the real encoder; the rate is of the order of the machine's, and never above it by much."""
    with (tmp_path / "train.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows((f"my parcel number {row} has not come", str(row % 3)) for row in range(120))
    command = module_command("finetune_rate.loop", train=tmp_path / "train.csv", threads=1, steps=2, batch_tokens=256)
    found = json.loads(run_fresh(command, threads=1, log=tmp_path / "log").output)
    assert len(found["matmul_gflops"]) == 2
    assert 0.05 < found["gflops"] / max(found["matmul_gflops"]) < 1.5
