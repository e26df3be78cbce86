"""From files to rows: read, choose columns, check, group and split, once for all rungs."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tunesmith.config.recipe import DataSection
from tunesmith.data.check import Finding, check
from tunesmith.data.columns import Columns, choose_columns
from tunesmith.data.grouping import groups_of_cells, joined_groups
from tunesmith.data.labelled import Labelled, labelled
from tunesmith.data.names import plain_name
from tunesmith.data.near_duplicates import exact_groups, near_duplicate_groups
from tunesmith.data.parts_of_others import with_near_duplicates
from tunesmith.data.places import Places
from tunesmith.data.rows_by_part import rows_by_part
from tunesmith.data.source import read_rows
from tunesmith.data.split import Split, split_by_time, split_rows
from tunesmith.data.split_column import unfollowed
from tunesmith.data.table import Table
from tunesmith.data.times import read_times
from tunesmith.errors import ConfigError, DataError, counted, plural, quote
from tunesmith.ladder.asked_columns import asked_columns
from tunesmith.ladder.unlabelled import read_unlabelled
from tunesmith.tasks import Coding, Targets, Task
from tunesmith.types import Text, as_one


@dataclass(frozen=True)
class Prepared:
    """All rows of a run: those to train on first, then those of a validation and a test file or of a split column."""

    source: str
    columns: Columns
    texts: list[Text]
    """Prepared texts or pairs, one a row."""
    places: Places
    """Where each row is."""
    coding: Coding
    """How answers are coded as targets."""
    targets: Targets
    """Of N rows."""
    strata: NDArray[np.int64]
    """Kind of each row, all of which are held out in proportion, ``[N]``."""
    groups: NDArray[np.int64]
    """Group of each row that the split keeps together, ``[N]``: near-duplicates, or exact ones as it had to."""
    split: Split
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    sha256: str
    """Digest over texts and labels."""
    label_rows: Mapping[str, int] = field(default_factory=dict)
    """Rows that have each label; empty where answers are numbers."""
    unlabelled: tuple[Text, ...] = ()
    """Further texts, or pairs, without labels."""

    @property
    def are_pairs(self) -> bool:
        """Whether rows are pairs of texts."""
        return self.columns.pair is not None

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
        DataError: Some file cannot be used as it is, or a column that was named does not exist.
        ConfigError: Test rows are asked for in two ways.
    """
    _refuse_two_tests(section)
    columns = asked_columns(table, section)
    how: dict[str, Any] = {
        "drop_unlabelled": section.drop_unlabelled,
        "normalise": section.normalise,
        "may_be_empty": task.reads_empty,
    }
    whole = labelled(table, columns, **how)
    parts, notes = _parts(whole, table, columns, section=section, labels_in=task.labels_in, how=how)
    main = parts["train"]
    n_main = len(main.texts)
    coding = task.coding(main.labels, places=main.places)
    targets = [task.read_targets(part.labels, coding, places=part.places) for part in parts.values()]
    cells = [cell for part in parts.values() for cell in part.labels]
    strata = task.strata(cells)
    texts = [text for part in parts.values() for text in part.texts]
    asked = _asked_groups(list(parts.values()))
    kept = _kept_together(list(map(as_one, texts)), asked)
    split = _split(
        main,
        strata[:n_main],
        kept.first(n_main),
        task=task,
        section=section,
        seed=seed,
        hold_validation="validation" not in parts,
    )
    groups = kept.together if np.array_equal(split.groups, kept.together[:n_main]) else kept.at_least
    split = _with_parts(split, parts)
    if not len(split.validation):
        raise _nothing_to_choose_by(main, split, task)
    beside = read_unlabelled(section, columns, known=texts)
    return Prepared(
        source=table.source,
        columns=columns,
        texts=texts,
        places=Places.joined([part.places for part in parts.values()]),
        coding=coding,
        targets=np.concatenate(targets),
        strata=np.unique(strata, return_inverse=True)[1].astype(np.int64),
        groups=groups,
        split=split,
        findings=tuple(check(main, groups=kept.near[:n_main], is_part=kept.is_part[:n_main], labels_in=task.labels_in)),
        notes=(
            *table.notes,
            *columns.reasons,
            *_of_time(columns, section, has_validation="validation" in parts),
            *whole.notes,
            *notes,
            *split.notes,
            *_leaks(split, kept.near, asked),
            *beside.notes,
        ),
        sha256=digest(texts, cells),
        label_rows=Counter(label for cell in cells for label in task.labels_in(cell)),
        unlabelled=beside.texts,
    )


def digest(texts: Sequence[Text], labels: Sequence[str]) -> str:
    """Name the data by its content.

    Args:
        texts: One a row, or a pair.
        labels: One a row.

    Returns:
        SHA-256 in hexadecimal over every text and label with its length, so that no two tables share one.
    """
    found = hashlib.sha256()
    for text, label in zip(texts, labels, strict=True):
        for cell in (*((text,) if isinstance(text, str) else text), label):
            data = cell.encode()
            found.update(len(data).to_bytes(8, "little") + data)
    return found.hexdigest()


class _Groups(NamedTuple):
    """Rows that are not parted, each a group number a row."""

    together: NDArray[np.int64]
    """Near-duplicates, parts of other texts, and what is asked for."""
    at_least: NDArray[np.int64]
    """Exact duplicates and what is asked for, where one of the first is too large."""
    asked: NDArray[np.int64] | None
    """What is asked for alone, which stays whole by time too."""
    near: NDArray[np.int64]
    """Near-duplicates alone."""
    is_part: NDArray[np.bool_]
    """Whether a row stays with others as part of their text."""

    def first(self, n_rows: int) -> _Groups:
        """Those of the first rows."""
        asked = None if self.asked is None else self.asked[:n_rows]
        return _Groups(self.together[:n_rows], self.at_least[:n_rows], asked, self.near[:n_rows], self.is_part[:n_rows])


def _kept_together(texts: list[str], asked: NDArray[np.int64] | None) -> _Groups:
    """Say which rows stay together: those alike, and those of a group that is asked for."""
    near, exact = near_duplicate_groups(texts), exact_groups(texts)
    alike = with_near_duplicates(near, texts)
    together, at_least = (groups if asked is None else joined_groups(groups, asked) for groups in (alike.groups, exact))
    return _Groups(together, at_least, asked, near, alike.is_part)


def _split(
    main: Labelled,
    strata: list[str],
    groups: _Groups,
    *,
    task: Task,
    section: DataSection,
    seed: int,
    hold_validation: bool,
) -> Split:
    """Hold rows out: the latest where a column says when they were made, else some of every kind."""
    how: dict[str, Any] = {
        "test_share": section.test_share,
        "hold_validation": hold_validation,
        "held": [task.labels_in(cell) for cell in main.labels],
    }
    if main.times is None or section.time is None:
        return split_rows(strata, groups.together, exact_groups=groups.at_least, seed=seed, **how)
    times = read_times(main.times, places=main.places, column=section.time)
    return split_by_time(strata, times, groups.together, whole=groups.asked, **how)


def _asked_groups(parts: list[Labelled]) -> NDArray[np.int64] | None:
    """Number all rows by their group cells, ``[N]``; a file without that column has none."""
    if all(part.groups is None for part in parts):
        return None
    return groups_of_cells([cell for part in parts for cell in part.groups or [""] * len(part.texts)])


def _nothing_to_choose_by(main: Labelled, split: Split, task: Task) -> DataError:
    """Make the error for rows of which none can be held back."""
    n_labels = len({label for cell in main.labels for label in task.labels_in(cell)})
    return DataError(
        "too-few-rows",
        "no rows can be held back to choose between models by",
        where=main.places.source,
        found=f"{counted(len(main.texts), 'row')}, {counted(n_labels, 'label')}; {'; '.join(split.notes)}",
        allowed="at least one label with two different texts, better twenty texts of each label",
        advice="add rows, name another column with --label, or give rows to choose by with --validation FILE",
    )


def _beside(path: str, columns: Columns, section: DataSection, *, how: Mapping[str, Any]) -> Labelled:
    """Read a validation or test file with the training file's columns."""
    table = read_rows(path, section)
    is_there = columns.group is not None and plain_name(columns.group) in map(plain_name, table.columns)
    group = columns.group if is_there else None
    chosen = choose_columns(table, text=columns.text, label=columns.label, group=group, pair=columns.pair)
    rows = labelled(table, chosen, may_be_uniform=True, **how)
    return replace(rows, notes=(*table.notes, *rows.notes))


def _parts(
    whole: Labelled,
    table: Table,
    columns: Columns,
    *,
    section: DataSection,
    labels_in: Callable[[str], tuple[str, ...]],
    how: Mapping[str, Any],
) -> tuple[dict[str, Labelled], list[str]]:
    """Give the rows to train on, then those of separate files or of a split column; and say where they come from."""
    files = {name: path for name in ("validation", "test") if (path := getattr(section, name)) is not None}
    flags = [*(f"--{name}" for name in files), *(["--test-share"] if section.test_share else [])]
    if columns.split is not None and not flags:
        parts = rows_by_part(whole, table, columns.split, labels_in=labels_in)
        return parts, _of_column(parts, columns.split)
    notes: list[str] = []
    if columns.split is None and not flags:
        used = {*columns.text, columns.label, columns.pair, columns.group, columns.time}
        notes += unfollowed({name: cells for name, cells in table.columns.items() if name not in used})
    elif columns.split is not None:
        given = " and ".join(flags)
        notes.append(f"the column {quote(columns.split)} is not used, since {given} says how to split")
    parts = {"train": whole}
    for name, path in files.items():
        parts[name] = _beside(path, columns, section, how=how)
        notes.append(f"{name} rows come from {Path(path).name} ({counted(len(parts[name].texts), 'row')})")
        notes += [f"{name} rows: {note}" for note in parts[name].notes]
    return parts, notes


def _of_time(columns: Columns, section: DataSection, *, has_validation: bool) -> Iterator[str]:
    """Say whether a column of times holds rows out: not where those that choose are given and none are to test."""
    if columns.time is None:
        return
    later = f"later rows by {quote(columns.time)} are"
    if has_validation and not section.test_share:
        given = (
            "--validation"
            if section.validation is not None or columns.split is None
            else f"the column {quote(columns.split)}"
        )
        yield f"warning: {later} not held out, since {given} says which rows choose"
    else:
        yield f"{later} held out, as asked{'' if columns.group is None else '; a group is as late as its latest row'}"


def _of_column(parts: dict[str, Labelled], column: str) -> list[str]:
    """Say what a split column has settled, and what it has not."""
    counts = ", ".join(f"{len(part.texts)} of {name}" for name, part in parts.items())
    notes = [f"rows are split by the column {quote(column)}: {counts}"]
    if "validation" not in parts:
        notes.append(f"the column {quote(column)} names no validation rows; they are held back from those of train")
    return notes


def _with_parts(split: Split, parts: dict[str, Labelled]) -> Split:
    """Add the rows of the other parts, which follow those to train on."""
    start = len(parts["train"].texts)
    for name in ("validation", "test"):
        if name in parts:
            rows = np.arange(start, start + len(parts[name].texts), dtype=np.int64)
            start += len(rows)
            split = replace(split, validation=rows) if name == "validation" else replace(split, test=rows)
    return split


def _refuse_two_tests(section: DataSection) -> None:
    """Refuse a test file beside a share of the rows: the rows of the share would be in no part."""
    if section.test is not None and section.test_share:
        raise ConfigError(
            "two-tests",
            "test rows are asked for in two ways",
            where="--test and --test-share",
            found=f"--test {quote(section.test)} and --test-share {section.test_share:g}",
            allowed="one of them: a file of test rows, or a share of the rows of the training file",
            advice="leave out --test-share to measure on the file, or --test to measure on the share",
        )


def _leaks(split: Split, near: NDArray[np.int64], cells: NDArray[np.int64] | None) -> list[str]:
    """Say how many rows that choose or test repeat rows that are trained on, where the split did not prevent it."""
    found = []
    for groups, what in (
        (near, ("repeats training rows (near-duplicates)", "repeat training rows (near-duplicates)")),
        (cells, ("is of a group that is trained on", "are of a group that is trained on")),
    ):
        for name, rows in (("validation", split.validation), ("test", split.test)):
            count = 0 if groups is None else int(np.isin(groups[rows], np.unique(groups[split.train])).sum())
            if count:
                of = f"{count} of {counted(len(rows), f'{name} row')}"
                found.append(f"warning: {of} {plural(count, *what)}; their figures flatter the model")
    return found
