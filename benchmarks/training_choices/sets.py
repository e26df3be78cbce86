"""The rows that choices are compared on: a part of three data sets, in which every label has its share."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from benchmarks.rows import find_dataset, read_rows


@dataclass(frozen=True)
class Set:
    """A data set, how many of its train rows are taken, and how often training passes over them."""

    name: str
    n_rows: int | None
    """None for all."""
    epochs: float | None
    """Written out, so that every choice sees as many tokens; None leaves it to the rung."""


SETS = {
    each.name: each
    for each in (
        Set("financial_phrasebank", 1000, 5.0),
        Set("banking77", 1540, 6.0),
        Set("sst2_glue", 3000, 4.0),
    )
}


def stratified(path: Path, part: Path, *, n_rows: int) -> Path:
    """Write a part of a file in which every label has its share, to a row; of each label evenly spaced rows.

    Args:
        path: The whole file.
        part: The file to write.
        n_rows: Rows to keep at most.

    Returns:
        ``part``.
    """
    rows = read_rows(path)
    by_label = defaultdict(list)
    for row, label in enumerate(rows.labels):
        by_label[label].append(row)
    in_order = [row for label in sorted(by_label) for row in by_label[label]]
    n_kept = min(n_rows, len(in_order))
    kept = sorted(in_order[position * len(in_order) // n_kept] for position in range(n_kept))
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows((rows.texts[row], rows.labels[row]) for row in kept)
    return part


def files_of(chosen: Set, scratch: Path, *, n_rows: int | None = None) -> tuple[Path, Path]:
    """Give the files to train and to test on.

    Args:
        chosen: The data set.
        scratch: Folder to write to.
        n_rows: Train rows at most, to try the benchmark out; a third as many test rows.

    Returns:
        Train and test file.
    """
    found = find_dataset(chosen.name)
    kept = min((n for n in (chosen.n_rows, n_rows) if n is not None), default=None)
    train = found.train if kept is None else stratified(found.train, scratch / f"{chosen.name}.csv", n_rows=kept)
    if n_rows is None:
        return train, found.test
    return train, stratified(found.test, scratch / f"{chosen.name}-test.csv", n_rows=max(1, n_rows // 3))
