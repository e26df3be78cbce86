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
        The table, and below it the machine and the versions. Seconds leave out what a peer spent on evaluating.
    """
    lines = [
        "| | test accuracy | macro-F1 | seconds | peak memory above the loaded model |",
        "|---|---:|---:|---:|---:|",
    ]
    for point in sorted(best_points(result["points"]), key=training_seconds):
        epoch = f", epoch {point['epoch']}" if point.get("epoch") else ""
        above = point["peak_mib"] - point["loaded_mib"]
        cells = (
            point["name"] + epoch,
            f"{point['accuracy']:.1%}",
            f"{point['macro_f1']:.3f}",
            f"{training_seconds(point):,.0f}",
            f"{above:,.0f} MiB",
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", f"{result['dataset']}, {told(result)}"])


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
