"""From files to rows: read, choose columns, check, group and split, once for all rungs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tunesmith.config.recipe import DataSection
from tunesmith.data.check import Finding, check
from tunesmith.data.columns import Columns, choose_columns
from tunesmith.data.labelled import Labelled, labelled
from tunesmith.data.near_duplicates import exact_groups, near_duplicate_groups
from tunesmith.data.read import read_table
from tunesmith.data.split import Split, split_rows
from tunesmith.data.table import Table
from tunesmith.errors import DataError
from tunesmith.tasks import Task


@dataclass(frozen=True)
class Prepared:
    """All rows of a run: those of the training file first, then of the validation and the test file."""

    source: str
    columns: Columns
    texts: list[str]
    """Prepared texts, one a row."""
    lines: list[int]
    """Line of its file on which each row begins."""
    labels: tuple[str, ...]
    """Distinct labels in the order of the outputs."""
    targets: NDArray[np.int64]
    """Class of each row, ``[N]``."""
    groups: NDArray[np.int64]
    """Near-duplicate group of each row, ``[N]``."""
    split: Split
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    sha256: str
    """Digest over texts and labels."""

    def rows_to_choose(self) -> NDArray[np.int64]:
        """List the rows that may be fitted on once a rung is chosen.

        Returns:
            Train and validation rows, ascending.
        """
        return np.sort(np.concatenate([self.split.train, self.split.validation]))


def prepare(table: Table, section: DataSection, task: Task, *, seed: int) -> Prepared:
    """Turn the training table and the files beside it into rows with targets and splits.

    Args:
        table: The training file as read.
        section: Columns, encodings, validation and test.
        task: Reads the labels.
        seed: Of the split.

    Returns:
        The rows.

    Raises:
        DataError: Some file cannot be used as it is.
        ConfigError: A column that was named does not exist.
    """
    columns = choose_columns(table, text=section.text or None, label=section.label)
    main = labelled(table, columns, drop_unlabelled=section.drop_unlabelled)
    n_main = len(main.texts)
    parts = {"train": main}
    for name, path in (("validation", section.validation), ("test", section.test)):
        if path is not None:
            parts[name] = _beside(path, columns, section)
    labels = task.label_order(main.labels)
    targets = np.concatenate([task.read_targets(p.labels, labels, source=p.source) for p in parts.values()])
    texts = [text for part in parts.values() for text in part.texts]
    groups = near_duplicate_groups(texts)
    split = split_rows(
        main.labels,
        groups[:n_main],
        exact_groups=exact_groups(texts[:n_main]),
        seed=seed,
        test_share=section.test_share,
    )
    split, notes = _with_files(split, parts, n_main)
    if not len(split.validation):
        raise _nothing_to_choose_by(main, split)
    return Prepared(
        source=table.source,
        columns=columns,
        texts=texts,
        lines=[line for part in parts.values() for line in part.lines],
        labels=labels,
        targets=targets,
        groups=groups,
        split=split,
        findings=tuple(check(main, groups=groups[:n_main])),
        notes=(*table.notes, *columns.reasons, *main.notes, *split.notes, *notes, *_leaks(split, groups)),
        sha256=digest(texts, [label for part in parts.values() for label in part.labels]),
    )


def digest(texts: list[str], labels: list[str]) -> str:
    """Name the data by its content.

    Args:
        texts: One a row.
        labels: One a row.

    Returns:
        SHA-256 in hexadecimal over every text and label with its length, so that no two tables share one.
    """
    found = hashlib.sha256()
    for pair in zip(texts, labels, strict=True):
        for cell in pair:
            data = cell.encode()
            found.update(len(data).to_bytes(8, "little") + data)
    return found.hexdigest()


def _nothing_to_choose_by(main: Labelled, split: Split) -> DataError:
    """Make the error for rows of which none can be held back."""
    return DataError(
        "too-few-rows",
        "no rows can be held back to choose between models by",
        where=main.source,
        found=f"{len(main.texts)} rows, {len(set(main.labels))} labels; {'; '.join(split.notes)}",
        allowed="at least one label with two different texts, better twenty texts of each label",
        advice="add rows, name another column with --label, or give rows to choose by with --validation FILE",
    )


def _beside(path: str, columns: Columns, section: DataSection) -> Labelled:
    """Read a validation or test file with the training file's columns."""
    table = read_table(path, encoding=section.encoding)
    chosen = choose_columns(table, text=columns.text, label=columns.label)
    return labelled(table, chosen, drop_unlabelled=section.drop_unlabelled, may_be_uniform=True)


def _with_files(split: Split, parts: dict[str, Labelled], n_main: int) -> tuple[Split, list[str]]:
    """Put the rows of a validation or test file in the place of those split off."""
    notes = []
    start = n_main
    for name, part in list(parts.items())[1:]:
        rows = np.arange(start, start + len(part.texts), dtype=np.int64)
        start += len(part.texts)
        notes.append(f"{name} rows come from {Path(part.source).name} ({len(rows)} rows)")
        if name == "validation":
            train = np.sort(np.concatenate([split.train, split.validation]))
            split = replace(split, train=train, validation=rows)
        else:
            split = replace(split, test=rows)
    return split, notes


def _leaks(split: Split, groups: NDArray[np.int64]) -> list[str]:
    """Say how many rows of a separate file repeat rows that are trained on."""
    seen = np.unique(groups[split.train])
    found = []
    for name, rows in (("validation", split.validation), ("test", split.test)):
        count = int(np.isin(groups[rows], seen).sum())
        if count:
            found.append(
                f"warning: {count} of {len(rows)} {name} rows repeat training rows (near-duplicates); "
                f"their figures flatter the model"
            )
    return found
