"""Splits: no group is ever parted, classes are in proportion, the same seed gives the same rows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tunesmith.data.near_duplicates import exact_groups, near_duplicate_groups
from tunesmith.data.read import read_table
from tunesmith.data.split import Split, folds, split_rows
from tunesmith.errors import ConfigError, ShapeError


def random_rows(seed: int) -> tuple[list[str], np.ndarray]:
    """Labels of uneven frequency, groups of uneven size, some groups of mixed labels, some classes of one row."""
    lot = np.random.default_rng(seed)
    n_rows = int(lot.integers(2, 700))
    shares = lot.dirichlet(np.full(int(lot.integers(1, 12)), 0.6))
    classes = lot.choice(len(shares), n_rows, p=shares)
    groups = lot.integers(0, max(1, int(n_rows * lot.uniform(0.2, 3))), n_rows)
    if seed % 2:  # half the time no group is mixed
        groups = groups * 100 + classes
    _, first = np.unique(groups, return_index=True)
    named = {int(groups[row]): int(row) for row in sorted(first)}
    return [f"c{number}" for number in classes], np.array([named[int(group)] for group in groups])


def parts(split: Split) -> list[np.ndarray]:
    """The three parts."""
    return [split.train, split.validation, split.test]


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("test_share", [0.0, 0.2])
def test_splits_never_part_a_group(seed: int, test_share: float) -> None:
    """Every row once, every group whole, every class in train, and no more rows held out than due."""
    labels, groups = random_rows(seed)
    split = split_rows(labels, groups, seed=seed, test_share=test_share)
    assert sorted(np.concatenate(parts(split)).tolist()) == list(range(len(labels)))
    assert sum(len(set(groups[part].tolist())) for part in parts(split)) == len(set(groups.tolist()))
    assert {labels[row] for row in split.train} == set(labels)
    assert len(split.test) <= round(test_share * len(labels))
    n_rows = len(labels) - len(split.test)
    assert len(split.validation) <= max(round(0.1 * n_rows), int(np.ceil(min(200, 0.2 * n_rows))))
    assert all((np.diff(part) > 0).all() and part.dtype == np.int64 for part in parts(split))


@pytest.mark.parametrize("seed", range(0, 40))
def test_classes_are_in_proportion(seed: int) -> None:
    """With groups of one label each class gives its share to within a row, or to within its largest group."""
    labels, groups = random_rows(2 * seed + 1)
    split = split_rows(labels, groups, seed=seed)
    n_validation = max(round(0.1 * len(labels)), int(np.ceil(min(200, 0.2 * len(labels)))))
    counts, held_out = Counter(labels), Counter(labels[row] for row in split.validation)
    for label, count in counts.items():
        own = np.array([name == label for name in labels])
        largest_group = int(np.unique(groups[own], return_counts=True)[1].max())
        assert abs(held_out[label] - n_validation * count / len(labels)) <= 1 + largest_group


def test_single_rows_are_dealt_out_exactly() -> None:
    """Without groups each class gives its share rounded down or up, and the sum is exact."""
    labels = ["a"] * 700 + ["b"] * 250 + ["c"] * 47 + ["d"] * 3
    split = split_rows(labels, np.arange(1000), seed=4)
    assert len(split.validation) == 200
    assert Counter(labels[row] for row in split.validation)["a"] == 140
    assert Counter(labels[row] for row in split.validation)["b"] == 50
    assert Counter(labels[row] for row in split.validation)["c"] in (9, 10)


def test_a_quota_is_not_overstepped_where_single_rows_fill_it() -> None:
    """Large groups come in only as far as they fit."""
    labels = ["a"] * 500 + ["b"] * 500
    groups = np.where(np.arange(1000) % 500 < 300, np.arange(1000), np.arange(1000) // 40 * 40)
    for seed in range(10):
        split = split_rows(labels, groups, seed=seed)
        assert Counter(labels[row] for row in split.validation) == {"a": 100, "b": 100}


@pytest.mark.parametrize(
    ("n_rows", "n_validation"), [(10, 2), (100, 20), (1000, 200), (3000, 300), (20_000, 2000), (52_000, 5000)]
)
def test_the_size_of_validation(n_rows: int, n_validation: int) -> None:
    """10 %, at least 200 or 20 %, at most 5,000."""
    split = split_rows(["a", "b"] * (n_rows // 2), np.arange(n_rows), seed=0)
    assert len(split.validation) == n_validation


def test_the_seed_settles_everything() -> None:
    """The same seed gives the same rows, another one others."""
    labels, groups = ["a", "b"] * 200, np.arange(400)
    one, again, other = (split_rows(labels, groups, seed=seed, test_share=0.1) for seed in (1, 1, 2))
    assert all(map(np.array_equal, parts(one), parts(again)))
    assert not np.array_equal(one.validation, other.validation)
    assert not np.array_equal(folds(labels, groups, seed=1), folds(labels, groups, seed=2))
    assert np.array_equal(folds(labels, groups, seed=1), folds(labels, groups, seed=1))


def test_a_class_of_one_row_stays_in_train_and_is_noted() -> None:
    """It can be learnt, not measured; also where its row is a near-duplicate of another class's row."""
    labels = ["a"] * 50 + ["lonely"] + ["b"] * 50
    for groups in (np.arange(101), np.where(np.arange(101) == 50, 49, np.arange(101))):
        for seed in range(20):
            split = split_rows(labels, groups, seed=seed, test_share=0.3)
            assert 50 in split.train
            assert split.notes == ('1 label of one row stays in train and is not measured: "lonely"',)


def test_a_class_of_one_group_stays_in_train_and_is_noted() -> None:
    """Forty copies of one text are one group."""
    labels = ["a"] * 150 + ["copies"] * 40
    split = split_rows(labels, np.minimum(np.arange(190), 150), seed=0, exact_groups=np.arange(190))
    assert split.notes[0].startswith("one group of near-duplicates holds 21% of the rows")
    split = split_rows(labels, np.minimum(np.arange(190), 150), seed=0)
    assert not {row for row in split.validation if labels[row] == "copies"}
    assert split.notes == ('1 label has too few rows or groups to be held out: "copies"',)


def test_a_giant_group_falls_back_on_exact_duplicates() -> None:
    """Above 20 % of the rows only exact duplicates stay together, and it is said; at 20 % nothing changes."""
    labels = ["a", "b"] * 50
    near = np.arange(100)
    near[:21] = 0
    exact = np.arange(100)
    exact[:4] = 0
    split = split_rows(labels, near, seed=0, exact_groups=exact)
    assert split.notes == (
        "one group of near-duplicates holds 21% of the rows: only exact duplicates are kept together",
    )
    assert len(split.validation) == 20
    for seed in range(20):
        held_out = set(split_rows(labels, near, seed=seed, exact_groups=exact).validation.tolist())
        assert held_out & set(range(4, 21))
        assert len(held_out & set(range(4))) in (0, 4)
    near[20] = 20
    for seed in range(5):
        split = split_rows(labels, near, seed=seed, exact_groups=exact)
        assert split.notes == ()
        assert len({int(row in split.validation) for row in range(20)}) == 1


def test_large_groups_only_still_give_a_validation_part() -> None:
    """Where every group is larger than a class's quota, some classes give a group rather than none giving any."""
    labels = [f"c{number // 60}" for number in range(600)]
    split = split_rows(labels, np.arange(600) // 20 * 20, seed=0)
    assert 60 <= len(split.validation) <= 120


def test_too_few_rows_to_hold_out_are_noted() -> None:
    """Two rows of two classes both stay in train."""
    split = split_rows(["a", "b"], np.arange(2), seed=0)
    assert split.train.tolist() == [0, 1]
    assert split.notes[-1] == "no rows could be held out: there are too few rows or groups"


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("n_folds", [2, 5])
def test_folds_never_part_a_group(seed: int, n_folds: int) -> None:
    """Every group lies in one fold; without mixed groups classes are spread to within a group, folds alike in size."""
    labels, groups = random_rows(2 * seed + 1)
    fold = folds(labels, groups, n_folds=n_folds, seed=seed)
    assert fold.min() >= 0
    assert fold.max() < n_folds
    for group in set(groups.tolist()):
        assert len(set(fold[groups == group].tolist())) == 1
    for label in set(labels):
        own = np.array([name == label for name in labels])
        per_fold = np.bincount(fold[own], minlength=n_folds)
        assert per_fold.max() - per_fold.min() <= np.unique(groups[own], return_counts=True)[1].max()


def test_folds_of_single_rows_are_even() -> None:
    """Classes and folds are as even as whole rows allow."""
    labels = ["a"] * 53 + ["b"] * 24 + ["c"] * 3
    fold = folds(labels, np.arange(80), seed=0)
    assert np.bincount(fold).tolist() == [16] * 5
    assert sorted(np.bincount(fold[:53]).tolist()) == [10, 10, 11, 11, 11]
    assert np.bincount(fold[77:], minlength=5).max() == 1


def test_wrong_sizes_are_refused() -> None:
    """Labels and groups belong together; shares and folds are in range."""
    with pytest.raises(ShapeError, match="2 labels, 3 groups"):
        split_rows(["a", "b"], np.arange(3), seed=0)
    with pytest.raises(ShapeError, match="2 labels, 3 groups"):
        folds(["a", "b"], np.arange(3), seed=0)
    with pytest.raises(ShapeError, match="n_folds 1"):
        folds(["a", "b"], np.arange(2), n_folds=1, seed=0)
    with pytest.raises(ConfigError, match=r"test_share = 1\.0"):
        split_rows(["a", "b"], np.arange(2), seed=0, test_share=1.0)


def test_no_real_near_duplicates_cross_the_split(real_data: Path) -> None:
    """Reviews with many duplicates: after the split, and across folds, no folded text is in two parts."""
    table = read_table(real_data / "chnsenticorp" / "train.csv")
    groups = near_duplicate_groups(table.columns["text"])
    exact = exact_groups(table.columns["text"])
    split = split_rows(table.columns["label"], groups, seed=0, test_share=0.1, exact_groups=exact)
    for of_row in (groups, exact):
        names = [set(of_row[part].tolist()) for part in parts(split)]
        assert not names[0] & names[1]
        assert not names[0] & names[2]
        assert not names[1] & names[2]
    assert len(split.validation) == 864
    shares = [np.mean([table.columns["label"][row] == "positive" for row in part]) for part in parts(split)]
    assert max(shares) - min(shares) < 0.005


def test_the_groups_that_were_kept_together_are_told() -> None:
    """Whoever deals the rows out again, to folds, must keep the same ones together."""
    near, exact = np.minimum(np.arange(100), 70), np.arange(100)
    assert np.array_equal(split_rows(["a", "b"] * 50, near, seed=0, exact_groups=exact).groups, exact)
    near = np.minimum(np.arange(100), 90)
    assert np.array_equal(split_rows(["a", "b"] * 50, near, seed=0, exact_groups=exact).groups, near)


def test_validation_rows_from_elsewhere_are_not_held_out() -> None:
    """Then nothing is said of rows held out; the test rows are the same."""
    labels = ["a"] * 50 + ["lonely"] + ["b"] * 50
    kept = split_rows(labels, np.arange(101), seed=3, test_share=0.2)
    split = split_rows(labels, np.arange(101), seed=3, test_share=0.2, hold_validation=False)
    assert (len(split.validation), split.notes) == (0, ())
    assert np.array_equal(split.test, kept.test)
    assert np.array_equal(split.train, np.sort(np.concatenate([kept.train, kept.validation])))
