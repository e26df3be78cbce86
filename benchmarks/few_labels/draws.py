"""The files of the comparison: so many rows of each label, drawn by seed from a train file."""

from __future__ import annotations

import csv
import random
from pathlib import Path

from benchmarks.rows import find_dataset, read_rows

ROWS_A_LABEL = (8, 16, 32, 64)


def draw_rows(name: str, path: Path, *, per_label: int, seed: int) -> int:
    """Write some rows of each label of a train file, in an order of their own.

    Args:
        name: Folder of the data set.
        path: File to write, with the columns ``text`` and ``label``.
        per_label: Rows of each label; all of them where there are fewer.
        seed: Another seed draws other rows.

    Returns:
        Rows written.
    """
    whole = read_rows(find_dataset(name).train)
    texts_of: dict[str, list[str]] = {}
    for text, label in zip(whole.texts, whole.labels, strict=True):
        texts_of.setdefault(label, []).append(text)
    random_source = random.Random(seed)
    drawn = [
        (text, label)
        for label, texts in sorted(texts_of.items())
        for text in random_source.sample(texts, min(per_label, len(texts)))
    ]
    random_source.shuffle(drawn)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows(drawn)
    return len(drawn)


def pairs_of_all(n_labels: int, per_label: int) -> int:
    """Count the pairs of texts that SetFit trains on where it takes each at least once, alike and unlike equally often.

    Args:
        n_labels: Labels.
        per_label: Rows of each.

    Returns:
        Pairs; a text beside itself is one, as SetFit has it.

    Example:
        >>> pairs_of_all(2, 8), pairs_of_all(77, 8)
        (144, 374528)
    """
    alike = n_labels * per_label * (per_label + 1) // 2
    unlike = n_labels * (n_labels - 1) // 2 * per_label**2
    return 2 * max(alike, unlike)
