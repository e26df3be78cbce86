"""The table of the README, made from results.

python -m benchmarks.train_time.table benchmarks/train_time/results/banking77.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.provenance import told


def table(result: dict[str, Any]) -> str:
    """Lay the best point of each curve out as a Markdown table, in the order of its seconds.

    Args:
        result: What ``run.py`` wrote.

    Returns:
        The table, and below it the machine and the versions. Seconds leave out what a peer spent on evaluating between;
        those of the clock beside them do not.
    """
    lines = [
        "| | test accuracy | macro-F1 | seconds | peak memory above the loaded model | by the clock |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    points = middle_runs(counted_points(result))
    for point in sorted(best_points(points), key=training_seconds):
        epoch = f", epoch {point['epoch']}" if point.get("epoch") else ""
        above = point["peak_mib"] - point["loaded_mib"]
        cells = (
            point["name"] + epoch,
            f"{point['accuracy']:.1%}",
            f"{point['macro_f1']:.3f}",
            f"{training_seconds(point):,.0f}",
            f"{above:,.0f} MiB",
            f"{point['clock_seconds']:,.0f}" if "clock_seconds" in point else "",
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", headline(points), "", f"{result['dataset']}, {told(result)}"])


def counted_points(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Give points with the seconds that count: of one thread the processor's, whatever else the machine was at.

    Args:
        result: What ``run.py`` wrote.

    Returns:
        Its points, or copies whose ``clock_seconds`` are those of the clock; evaluation takes the same share of both.
    """
    points: list[dict[str, Any]] = result["points"]
    if result["threads"] > 1 or not all("cpu_seconds" in point for point in points):
        return points
    return [
        {
            **point,
            "seconds": point["cpu_seconds"],
            "evaluation_seconds": point["evaluation_seconds"] * point["cpu_seconds"] / point["seconds"],
            "clock_seconds": point["seconds"],
        }
        for point in points
    ]


def middle_runs(points: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep of each run that was repeated the one with the middle time, the slower where two are in the middle.

    Args:
        points: Records of all contenders.

    Returns:
        One record for each name and epoch, in the order in which they first ran.
    """
    runs: dict[tuple[str, int | None], list[dict[str, Any]]] = {}
    for point in points:
        runs.setdefault((point["name"], point.get("epoch")), []).append(point)
    return [sorted(repeats, key=training_seconds)[len(repeats) // 2] for repeats in runs.values()]


def headline(points: Iterable[dict[str, Any]]) -> str:
    """Say how soon tunesmith is as good as the Trainer ever gets.

    Args:
        points: Records of all contenders, none repeated.

    Returns:
        One sentence; nothing where a contender is missing or never gets there.
    """
    by_time = sorted(points, key=training_seconds)
    theirs = [point for point in by_time if point["peer"] == "trainer"]
    best = max(theirs, key=lambda point: float(point["accuracy"]), default=None)
    ours = [point for point in by_time if point["peer"] == "tunesmith"]
    first = next((point for point in ours if best is not None and point["accuracy"] >= best["accuracy"]), None)
    if best is None or first is None:
        return ""
    ratio = training_seconds(best) / training_seconds(first)
    return (
        f"{first['name']} reaches {first['accuracy']:.1%} after {training_seconds(first):,.0f} s; the Trainer's best, "
        f"{best['accuracy']:.1%} ({best['name']}, epoch {best['epoch']}), takes {ratio:.1f} times as long."
    )


def best_points(points: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep of each curve the point with the best accuracy, the earlier one where two are level.

    Args:
        points: Records of all contenders.

    Returns:
        One record a curve.
    """
    best: dict[str, dict[str, Any]] = {}
    for point in points:
        known = best.get(point["name"])
        if known is None or point["accuracy"] > known["accuracy"]:
            best[point["name"]] = point
    return list(best.values())


def training_seconds(point: dict[str, Any]) -> float:
    """Give the time from process start to the model on disk, without the evaluations on the test file between.

    Args:
        point: One record.

    Returns:
        Seconds.
    """
    return float(point["seconds"] - point["evaluation_seconds"])


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(table(json.loads(Path(name).read_text("utf-8"))) + "\n")
