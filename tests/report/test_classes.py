"""Figures by label, worked out of confusion counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import precision_recall_fscore_support

from tunesmith.report.classes import confusions, label_lines, wilson


@pytest.mark.parametrize(("hits", "total"), [(0, 1), (1, 1), (0, 50), (3, 7), (940, 1000), (1000, 1000)])
def test_wilson_equals_scipy(hits: int, total: int) -> None:
    """The score interval must be scipy's, to the last digits."""
    expected = binomtest(hits, total).proportion_ci(method="wilson")
    found = wilson(hits, total)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert found.low <= found.value <= found.high


def per_class(confusion: dict[str, Any]) -> dict[str, Any]:
    """What METRICS tell of each label, by these confusion counts."""
    counts = np.array(confusion["counts"])
    return {
        label: {
            "recall": counts[place, place] / max(counts[place].sum(), 1),
            "rows": int(counts[place].sum()),
            "answered": int(counts[:, place].sum()),
        }
        for place, label in enumerate(confusion["labels"])
    }


def _confusion(n_classes: int, seed: int) -> tuple[np.ndarray, np.ndarray, dict[str, object]]:
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, n_classes, 400)
    predicted = np.where(generator.random(400) < 0.7, targets, generator.integers(0, n_classes, 400))
    counts = np.zeros((n_classes, n_classes), dtype=int)
    np.add.at(counts, (targets, predicted), 1)
    return targets, predicted, {"labels": [f"label{n}" for n in range(n_classes)], "counts": counts.tolist()}


@pytest.mark.parametrize("n_classes", [2, 9])
def test_figures_equal_scikit_learn(n_classes: int) -> None:
    """Precision, recall, F1 and rows must be scikit-learn's, each within its interval, the worst F1 first."""
    targets, predicted, confusion = _confusion(n_classes, seed=n_classes)
    precision, recall, f1, rows = precision_recall_fscore_support(targets, predicted)
    lines = label_lines(per_class(confusion))
    assert [line.f1.value for line in lines if line.f1] == pytest.approx(sorted(f1))
    for line in lines:
        index = int(line.label.removeprefix("label"))
        assert line.f1 is not None
        assert line.precision is not None
        assert line.recall is not None
        assert line.f1.value == pytest.approx(f1[index])
        assert line.precision.value == pytest.approx(precision[index])
        assert line.recall.value == pytest.approx(recall[index])
        assert line.rows == rows[index]
        assert 0.0 <= line.f1.low < line.f1.value < line.f1.high <= 1.0


def test_the_interval_of_f1_covers() -> None:
    """Of many samples of 60 rows, between 92 and 98 in 100 intervals must hold the true F1 of a label."""
    generator = np.random.default_rng(0)
    shares = np.array([[0.24, 0.06], [0.1, 0.6]])
    true_f1 = 2 * 0.24 / (0.3 + 0.34)
    draws = generator.multinomial(60, shares.ravel(), size=2000).reshape(-1, 2, 2)
    held = 0
    for counts in draws:
        line = next(
            line
            for line in label_lines(per_class({"labels": ["a", "b"], "counts": counts.tolist()}))
            if line.label == "a"
        )
        held += line.f1 is not None and line.f1.low <= true_f1 <= line.f1.high
    assert 0.92 <= held / len(draws) <= 0.98


def test_labels_that_no_row_tells_of_have_no_figures() -> None:
    """A label without rows and one never answered must say so instead of showing 0 %, and come last."""
    lines = label_lines(per_class({"labels": ["seen", "unseen", "never"], "counts": [[5, 1, 0], [0, 0, 0], [2, 0, 0]]}))
    assert [line.label for line in lines] == ["never", "seen", "unseen"]
    never, _, unseen = lines
    assert never.precision is None
    assert never.recall is not None
    assert never.recall.value == 0.0
    assert unseen.f1 is None
    assert unseen.recall is None


def test_the_most_frequent_confusions_come_first() -> None:
    """Pairs are ordered by rows, then by their share of the label, and cut; the sums count all of them."""
    found = confusions({"labels": ["a", "b", "c"], "counts": [[7, 2, 1], [2, 2, 0], [3, 0, 9]]}, most=3)
    assert [(pair.label, pair.answered, pair.count, pair.rows) for pair in found.most_frequent] == [
        ("c", "a", 3, 12),
        ("b", "a", 2, 4),
        ("a", "b", 2, 10),
    ]
    assert (found.n_pairs, found.n_wrong, found.n_rows) == (4, 8, 26)
    assert found.most_frequent[0].share.value == pytest.approx(0.25)


def test_a_model_without_errors_has_no_confusions() -> None:
    """With nothing off the diagonal there is nothing to list."""
    found = confusions({"labels": ["a", "b"], "counts": [[7, 0], [0, 2]]})
    assert (found.most_frequent, found.n_wrong) == ((), 0)
