"""Files of the other tasks, made from real rows: two messages in one for several labels, folds for few pairs."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from benchmarks.rows import data_folder, read_rows

SEPARATOR = ";"
N_FOLDS = 5


def write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Path:
    """Write a CSV file.

    Args:
        path: The file.
        header: Names of the columns.
        rows: Cells of each row.

    Returns:
        ``path``.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(header)
        table.writerows(rows)
    return path


def joined_messages(scratch: Path, *, n_train: int = 9000, n_test: int = 3000, seed: int = 0) -> tuple[Path, Path]:
    """Join real messages of clinc150, one to three at random, to one with several intents.

    Each row of the train file is used about equally often, and rows of the test file make the test rows alone.

    Args:
        scratch: Folder to write to.
        n_train: Messages to make of the train rows.
        n_test: Messages to make of the test rows.
        seed: Of the draws.

    Returns:
        Train and test file with the columns ``text`` and ``labels``.
    """
    found = []
    for part, n_rows in (("train", n_train), ("test", n_test)):
        rows = read_rows(data_folder() / "clinc150" / f"{part}.csv")
        random = np.random.default_rng([seed, n_rows])
        drawn = np.concatenate([random.permutation(len(rows.texts)) for _ in range(1 + 3 * n_rows // len(rows.texts))])
        made, at = [], 0
        for n_joined in random.integers(1, 4, size=n_rows).tolist():
            places, at = drawn[at : at + n_joined], at + n_joined
            labels = sorted({rows.labels[place] for place in places})
            made.append((". ".join(rows.texts[place] for place in places), SEPARATOR.join(labels)))
        found.append(write(scratch / f"joined-{part}.csv", ["text", "labels"], made))
    return found[0], found[1]


def pair_folds(scratch: Path, *, seed: int = 0) -> list[tuple[Path, Path]]:
    """Deal the English question pairs of covid_faq out to folds, all pairs of one first question to one of them.

    Args:
        scratch: Folder to write to.
        seed: Of the order of the questions.

    Returns:
        Train and test file of each fold.
    """
    with (data_folder() / "covid_faq" / "question_similarity_en.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    questions = sorted({row[0] for row in rows})
    order = np.random.default_rng(seed).permutation(len(questions))
    fold_of = {questions[place]: number % N_FOLDS for number, place in enumerate(order.tolist())}
    return [
        (
            write(scratch / f"pairs-{fold}-train.csv", header, [row for row in rows if fold_of[row[0]] != fold]),
            write(scratch / f"pairs-{fold}-test.csv", header, [row for row in rows if fold_of[row[0]] == fold]),
        )
        for fold in range(N_FOLDS)
    ]


def read_columns(path: Path, *names: str) -> list[list[str]]:
    """Read columns of a CSV file.

    Args:
        path: The file.
        names: Of the columns.

    Returns:
        The cells of each.
    """
    with path.open(encoding="utf-8", newline="") as file:
        records = list(csv.DictReader(file))
    return [[record[name] for record in records] for name in names]
