"""Rows dealt out to train, validation and test, or to folds: whole groups, classes in proportion, by seed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.grouping import is_giant
from tunesmith.errors import ConfigError, ShapeError, counted, quote

_SHARE = 0.1
_LEAST_ROWS, _LEAST_SHARE = 200, 0.2
_MOST_ROWS = 5000
_SHOWN = 10

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Row numbers of each part, ascending, int64; ``notes`` says what could not be dealt out in proportion."""

    train: Ints
    validation: Ints
    test: Ints
    groups: Ints
    """Group of each row that was kept together, ``[N]``: near-duplicates, or exact ones where those were too many."""
    notes: tuple[str, ...] = ()


def split_rows(
    labels: Sequence[str],
    groups: Ints,
    *,
    seed: int,
    test_share: float = 0.0,
    exact_groups: Ints | None = None,
    hold_validation: bool = True,
    held: Sequence[Sequence[str]] | None = None,
) -> Split:
    """Hold rows out for validation and, if asked, for the test, without parting a group.

    Validation takes 10 % of the rows left after the test rows, at least 200 or 20 %, at most 5,000. Each class gives
    its share to within one row, or one group where it has larger groups, and keeps at least one row in train.

    Args:
        labels: Label of each row, ``[N]``.
        groups: Near-duplicate group of each row, ``[N]``.
        seed: Another seed gives another split; the same gives the same.
        test_share: Share of the rows for the test, 0 up to below 1.
        exact_groups: Groups of exact duplicates, ``[N]``, taken instead if one of ``groups`` exceeds 20 % of the rows.
        hold_validation: False where the validation rows come from elsewhere: then none are taken.
        held: Labels that each row has, for the notes, ``[N]``; left out, the one of ``labels``.

    Returns:
        Three parts that hold every row once, and the groups that were kept together.

    Raises:
        ShapeError: The numbers of labels and groups differ.
        ConfigError: ``test_share`` is out of range.

    Example:
        >>> split = split_rows(["a", "b"] * 10, np.arange(20), seed=0)
        >>> len(split.train), len(split.validation), len(split.test)
        (16, 4, 0)
    """
    if not 0 <= test_share < 1:
        raise ConfigError("bad-setting", f"test_share = {test_share!r}: must be at least 0 and below 1")
    groups, notes = _usable_groups(len(labels), groups, exact_groups)
    rng = np.random.Generator(np.random.PCG64(seed))
    dealer = _Dealer(labels, groups, rng)
    n_test = round(test_share * len(labels))
    test = dealer.take(n_test)
    validation = np.zeros(len(labels), dtype=bool)
    if hold_validation:
        validation = dealer.take(_validation_rows(len(labels) - int(test.sum())))
        notes += _label_notes(_each(labels) if held is None else held, validation)
    train = ~(test | validation)
    return Split(np.flatnonzero(train), np.flatnonzero(validation), np.flatnonzero(test), groups, notes)


def split_by_time(
    labels: Sequence[str],
    times: NDArray[np.float64],
    groups: Ints,
    *,
    test_share: float = 0.0,
    hold_validation: bool = True,
    held: Sequence[Sequence[str]] | None = None,
    whole: Ints | None = None,
) -> Split:
    """Hold the latest rows out for the test, if asked, and those before them for validation: train on the past alone.

    Rows of one time stay on one side, so parts may be somewhat smaller or larger than ``split_rows`` would make them.
    A group that is to stay whole is as late as its latest row: its earlier rows go with that one, and nothing that is
    trained on is as late as a group held out has come to be.

    Args:
        labels: Label of each row, ``[N]``.
        times: When each row was made, ``[N]``.
        groups: Near-duplicate group of each row, ``[N]``; these are not kept together.
        test_share: Share of the rows for the test, 0 up to below 1.
        hold_validation: False where the validation rows come from elsewhere: then none are taken.
        held: Labels that each row has, for the notes, ``[N]``; left out, the one of ``labels``.
        whole: Group of each row that is kept whole, ``[N]``; left out, each row goes by its own time.

    Returns:
        Three parts that hold every row once.

    Example:
        >>> split = split_by_time(["a"] * 10, np.arange(10.0)[::-1], np.arange(10))
        >>> split.validation.tolist()
        [0, 1]
    """
    n_rows = len(labels)
    ends = times if whole is None else _latest(times, whole)
    order = np.argsort(ends, kind="stable")
    n_test = round(test_share * n_rows)
    first_test = _boundary(ends[order], n_rows - n_test)
    n_validation = _validation_rows(first_test) if hold_validation else 0
    first_held = _boundary(ends[order[:first_test]], first_test - n_validation)
    train, validation, test = (np.sort(part) for part in np.split(order, [first_held, first_test]))
    notes = (
        *_later_notes(_each(labels) if held is None else held, train),
        *_early_notes(times, train, validation=validation, test=test),
    )
    if hold_validation and not len(validation):
        notes += ("no rows could be held out: there are too few times or groups",)
    return Split(train, validation, test, groups, notes)


def _latest(times: NDArray[np.float64], groups: Ints) -> NDArray[np.float64]:
    """Give each row the latest time of its group."""
    number = np.unique(groups, return_inverse=True)[1]
    latest = np.full(len(times), -np.inf)
    np.maximum.at(latest, number, times)
    return latest[number]


def _boundary(times: NDArray[np.float64], wanted: int) -> int:
    """Move a cut of ascending times to where the time changes, the nearer way; at least one time stays before it."""
    if wanted >= len(times):
        return len(times)
    changes = np.flatnonzero(np.diff(times)) + 1
    if not len(changes):
        return len(times)
    return int(changes[np.abs(changes - wanted).argmin()])


def folds(labels: Sequence[Hashable], groups: Ints, *, n_folds: int = 5, seed: int) -> Ints:
    """Deal rows out to folds of like size, without parting a group, classes in proportion.

    A class of one group is in one fold only: whoever trains on the other folds does not see it.

    Args:
        labels: Label of each row, ``[N]``.
        groups: Near-duplicate group of each row, ``[N]``.
        n_folds: Number of folds, at least 2.
        seed: Another seed gives other folds; the same gives the same.

    Returns:
        Fold of each row, 0 up to ``n_folds - 1``, ``[N]``.

    Raises:
        ShapeError: The numbers of labels and groups differ, or ``n_folds`` is below 2.

    Example:
        >>> sorted(folds(["a", "b"] * 5, np.arange(10), seed=0).tolist())
        [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    """
    if n_folds < 2:
        raise ShapeError(f"n_folds {n_folds} is below 2")
    units = _units(labels, groups)
    lots = np.random.Generator(np.random.PCG64(seed)).permutation(len(units))
    # large groups while all is open; then class by class, so that each evens out what the last left uneven
    order = sorted(range(len(units)), key=lambda place: (-units[place].size, units[place].home, lots[place]))
    of_class = [[0] * n_folds for _ in range(max((unit.home for unit in units), default=-1) + 1)]
    in_all = [0] * n_folds
    fold_of_row = np.zeros(len(labels), dtype=np.int64)
    for unit in map(units.__getitem__, order):
        here = of_class[unit.home]
        fold = min(range(n_folds), key=lambda number: (here[number], in_all[number]))
        here[fold] += unit.size
        in_all[fold] += unit.size
        fold_of_row[unit.rows] = fold
    return fold_of_row


def _validation_rows(n_rows: int) -> int:
    least = math.ceil(min(_LEAST_ROWS, _LEAST_SHARE * n_rows))
    return min(_MOST_ROWS, max(round(_SHARE * n_rows), least))


def _usable_groups(n_rows: int, groups: Ints, exact_groups: Ints | None) -> tuple[Ints, tuple[str, ...]]:
    """Fall back on exact duplicates where near-duplicates hang together in one giant group."""
    if len(groups) != n_rows or (exact_groups is not None and len(exact_groups) != n_rows):
        raise ShapeError(f"{n_rows} labels, {len(groups)} groups")
    if not is_giant(groups) or exact_groups is None or np.array_equal(groups, exact_groups):
        return groups, ()
    largest = int(np.unique(groups, return_counts=True)[1].max())
    share = f"{largest / n_rows:.0%}"
    return exact_groups, (
        f"one group of near-duplicates holds {share} of the rows: only exact duplicates are kept together",
    )


@dataclass(frozen=True, slots=True)
class _Unit:
    """A group of rows that stays together: how many rows of each class, and the class it is counted for."""

    rows: list[int]
    classes: dict[int, int]
    home: int

    @property
    def size(self) -> int:
        """Number of rows."""
        return len(self.rows)


def _units(labels: Sequence[Hashable], groups: Ints) -> list[_Unit]:
    if len(labels) != len(groups):
        raise ShapeError(f"{len(labels)} labels, {len(groups)} groups")
    number: dict[Hashable, int] = {}
    classes = [number.setdefault(label, len(number)) for label in labels]
    rows_of: dict[int, list[int]] = {}
    for row, group in enumerate(groups.tolist()):
        rows_of.setdefault(group, []).append(row)
    units = []
    for rows in rows_of.values():
        counts = Counter(classes[row] for row in rows) if len(rows) > 1 else {classes[rows[0]]: 1}
        units.append(_Unit(rows, counts, max(counts, key=counts.__getitem__)))
    return units


class _Dealer:
    """Takes units out of train, part by part, and never the last row of a class."""

    def __init__(self, labels: Sequence[str], groups: Ints, rng: np.random.Generator) -> None:
        self._units = _units(labels, groups)
        self._rng = rng
        self._in_train: Counter[int] = Counter()
        for unit in self._units:
            self._in_train.update(unit.classes)
        self._n_rows = len(labels)

    def take(self, n_rows: int) -> NDArray[np.bool_]:
        """Take up to ``n_rows`` rows out of train, every class in proportion.

        First the units that fit their class's quota; then, while the whole is short, units that overstep a quota
        not yet full: without them a class of large groups only would give nothing.
        """
        taken = np.zeros(self._n_rows, dtype=bool)
        quota = self._quotas(n_rows)
        so_far: Counter[int] = Counter()
        open_units = [self._units[place] for place in self._rng.permutation(len(self._units))]
        n_open = n_rows
        for may_overstep in (False, True):
            left = []
            for unit in open_units:
                after = so_far[unit.home] + (1 if may_overstep else unit.size)
                if after <= quota[unit.home] and unit.size <= n_open and self._can_leave(unit):
                    taken[unit.rows] = True
                    n_open -= unit.size
                    self._in_train.subtract(unit.classes)
                    so_far.update(unit.classes)
                else:
                    left.append(unit)
            open_units = left
        self._units = open_units
        return taken

    def _can_leave(self, unit: _Unit) -> bool:
        return all(self._in_train[number] > count for number, count in unit.classes.items())

    def _quotas(self, n_rows: int) -> dict[int, int]:
        """Whole rows a class that add up to ``n_rows``: largest remainders first, ties by lot."""
        present = sorted(number for number, count in self._in_train.items() if count)
        counts = np.array([self._in_train[number] for number in present])
        exact = counts * (n_rows / max(1, counts.sum()))
        quotas = np.floor(exact).astype(np.int64)
        by_remainder = np.lexsort((self._rng.permutation(len(present)), quotas - exact))
        quotas[by_remainder[: n_rows - int(quotas.sum())]] += 1
        return dict(zip(present, quotas.tolist(), strict=True))


def _each(labels: Sequence[str]) -> list[tuple[str, ...]]:
    return [(label,) for label in labels]


def _label_notes(held: Sequence[Sequence[str]], held_out: NDArray[np.bool_]) -> tuple[str, ...]:
    """Name the labels that no figure will tell about."""
    counts = Counter(label for labels in held for label in labels)
    measured = {label for row in np.flatnonzero(held_out).tolist() for label in held[row]}
    single = [label for label, count in counts.items() if count == 1]
    other = [label for label, count in counts.items() if count > 1 and label not in measured]
    notes = []
    if single:
        stay = counted(len(single), "label of one row stays in train and is", "labels of one row stay in train and are")
        notes.append(f"{stay} not measured: {_shown(single)}")
    if other and held_out.any():
        have = counted(len(other), "label has", "labels have")
        notes.append(f"{have} too few rows or groups to be held out: {_shown(other)}")
    if not held_out.any():
        notes.append("no rows could be held out: there are too few rows or groups")
    return tuple(notes)


def _later_notes(held: Sequence[Sequence[str]], train: Ints) -> tuple[str, ...]:
    """Name the labels that no row to train on has."""
    known = {label for row in train.tolist() for label in held[row]}
    later = sorted({label for labels in held for label in labels} - known)
    occur = counted(len(later), "label occurs", "labels occur")
    return (f"{occur} in later rows only, and cannot be learnt: {_shown(later)}",) if later else ()


def _early_notes(times: NDArray[np.float64], train: Ints, **held_out: Ints) -> Iterator[str]:
    """Say how many rows were held out only because a later row of their group was: they are not of the future."""
    for name, rows in held_out.items():
        early = int((times[rows] <= times[train].max(initial=-np.inf)).sum())
        if early:
            of = f"{early} of {counted(len(rows), f'{name} row')}"
            yield f"{of} came no later than the last row to train on: a later row of the same group is held out"


def _shown(labels: list[str]) -> str:
    return ", ".join(map(quote, labels[:_SHOWN])) + (", ..." if len(labels) > _SHOWN else "")
