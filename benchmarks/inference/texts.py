"""What is answered: test rows as they are, and longer texts, each some test rows of one label one after the other."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path

from benchmarks.rows import Dataset, Rows, read_rows, write_part

SETS = ("short", "long")
_MOST_WORDS = 130
"""About 170 tokens: no text is longer than the encoder reads at once, so all runners read all of it."""
_FEWEST_ROWS, _MOST_ROWS = 3, 14
_MOST_LONG = 240


def texts_of(dataset: Dataset, name: str) -> Rows:
    """Read what is answered.

    Args:
        dataset: Its test file.
        name: One of ``SETS``.

    Returns:
        Texts and labels.
    """
    rows = read_rows(dataset.test)
    return rows if name == "short" else joined(rows)


def joined(rows: Rows, *, seed: int = 0) -> Rows:
    """Put rows of one label one after the other, 3 to 14 of them, no longer than the encoder reads at once.

    Args:
        rows: Texts and labels.
        seed: Of how many.

    Returns:
        240 longer texts at most with the labels of their parts; no row is in two of them.
    """
    by_label: dict[str, list[str]] = defaultdict(list)
    for text, label in zip(rows.texts, rows.labels, strict=True):
        by_label[label].append(" ".join(text.split()))
    drawn = random.Random(seed)
    found = []
    for label, texts in by_label.items():
        place = 0
        while len(texts) - place >= _FEWEST_ROWS:
            parts = texts[place : place + drawn.randint(_FEWEST_ROWS, _MOST_ROWS)]
            while len(parts) > 1 and sum(len(part.split()) for part in parts) > _MOST_WORDS:
                parts.pop()
            found.append((" ".join(parts), label))
            place += len(parts)
    drawn.shuffle(found)
    del found[_MOST_LONG:]
    return Rows([text for text, _ in found], [label for _, label in found])


def some(rows: Rows, n_rows: int) -> list[str]:
    """Take evenly spaced texts.

    Args:
        rows: All of them.
        n_rows: How many at most.

    Returns:
        The texts.
    """
    n_all = len(rows.texts)
    return [rows.texts[position * n_all // n_rows] for position in range(n_rows)] if n_rows < n_all else rows.texts


def parts_of(dataset: Dataset, folder: Path, *, n_rows: int | None) -> Dataset:
    """Cut both files of a dataset down.

    Args:
        dataset: The whole.
        folder: To write to.
        n_rows: Rows of each at most; None leaves them whole.

    Returns:
        The dataset of the same name.
    """
    if n_rows is None:
        return dataset
    train, test = (
        write_part(path, folder / f"{path.stem}.csv", n_rows=n_rows) for path in (dataset.train, dataset.test)
    )
    return Dataset(dataset.name, train, test)
