"""The data of the benchmark: labelled CSV files that tunesmith and every peer read alike."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MAX_SEQ_LENGTH = 256


@dataclass(frozen=True)
class Rows:
    """Texts and their labels, in the order of the file."""

    texts: list[str]
    labels: list[str]


@dataclass(frozen=True)
class Dataset:
    """A train and a test file with the columns ``text`` and ``label``, and the budgets that tunesmith is given."""

    name: str
    train: Path
    test: Path
    budgets: tuple[str, ...] = ("2m", "5m")


BUDGETS = {"sst2_glue": ("5m", "15m")}
"""Where a dataset is too large for the usual budgets."""


def data_folder() -> Path:
    """Find the folder of real data.

    Returns:
        What ``TUNESMITH_DATA`` names, else ``shared/data`` beside the project.
    """
    return Path(os.environ.get("TUNESMITH_DATA") or ROOT.parent / "shared" / "data")


def find_dataset(name: str) -> Dataset:
    """Find a dataset by its folder's name.

    Returns:
        The dataset, whose files exist.

    Raises:
        SystemExit: There is no such folder, or one of its two files is missing.
    """
    folder = data_folder() / name
    found = Dataset(name, folder / "train.csv", folder / "test.csv", BUDGETS.get(name, Dataset.budgets))
    for path in (found.train, found.test):
        if not path.is_file():
            raise SystemExit(f"{name}: no {path.name} in its folder; TUNESMITH_DATA names the folder that holds {name}")
    return found


def read_rows(path: Path) -> Rows:
    """Read a CSV file with the columns ``text`` and ``label``.

    Returns:
        Its rows.
    """
    with path.open(encoding="utf-8", newline="") as file:
        records = list(csv.DictReader(file))
    return Rows([record["text"] for record in records], [record["label"] for record in records])


def write_part(path: Path, part: Path, *, n_rows: int) -> Path:
    """Write evenly spaced rows of a file, so that a file sorted by label still gives every label its share.

    Args:
        path: The whole file.
        part: The file to write.
        n_rows: Rows to keep at most.

    Returns:
        ``part``.
    """
    rows = read_rows(path)
    n_all = len(rows.texts)
    kept = sorted({int(position * n_all / n_rows) for position in range(n_rows)}) if n_rows < n_all else range(n_all)
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows((rows.texts[row], rows.labels[row]) for row in kept)
    return part
