"""Thresholds are the best there are, and chosen by rows that they were not tuned on."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from sklearn.metrics import f1_score

from tunesmith.errors import ShapeError
from tunesmith.evaluate.thresholds import (
    held_out_decisions,
    micro_f1,
    threshold_of_all,
    thresholds_of_labels,
    tuned_thresholds,
)


@pytest.mark.parametrize("seed", range(20))
def test_no_other_thresholds_reach_more(seed: int) -> None:
    """Of all there are, tried one by one; probabilities that are equal cannot be told apart."""
    generator = np.random.default_rng(seed)
    probabilities = generator.random((7, 2)).round(1)
    targets = (generator.random((7, 2)) < 0.4).astype(np.uint8)
    choices = [np.append(np.unique(column), 2.0) for column in probabilities.T]
    best = max(micro_f1(targets, probabilities >= np.array(tried)) for tried in product(*choices))
    found = thresholds_of_labels(probabilities, targets)
    assert micro_f1(targets, probabilities >= found) == pytest.approx(best)
    together = max(micro_f1(targets, probabilities >= tried) for tried in np.append(np.unique(probabilities), 2.0))
    assert micro_f1(targets, probabilities >= threshold_of_all(probabilities, targets)) == pytest.approx(together)


def test_micro_f1_is_scikit_learns() -> None:
    """Over all labels of all rows; nothing to find and nothing answered is all right."""
    generator = np.random.default_rng(0)
    targets, decisions = (generator.random((2, 50, 4)) < 0.3).astype(np.uint8)
    assert micro_f1(targets, decisions.astype(bool)) == pytest.approx(f1_score(targets, decisions, average="micro"))
    assert micro_f1(np.zeros((3, 2)), np.zeros((3, 2), bool)) == 1.0


def test_labels_of_their_own_scale_get_their_own_thresholds() -> None:
    """Where one label's probabilities lie far below another's; and where they do not, one serves for all."""
    generator = np.random.default_rng(1)
    targets = (generator.random((600, 2)) < 0.3).astype(np.uint8)
    scores = np.clip(0.5 + 0.35 * (2.0 * targets - 1) + 0.15 * generator.normal(size=targets.shape), 0.01, 0.99)
    apart = tuned_thresholds(scores * [1.0, 0.1], targets, seed=0)
    assert apart[0] > 5 * apart[1]
    meant = generator.beta(0.5, 2.0, size=(60, 30))
    alike = (generator.random(meant.shape) < meant).astype(np.uint8)
    assert len(set(tuned_thresholds(meant, alike, seed=0).tolist())) == 1


def test_no_row_is_decided_by_itself() -> None:
    """On noise, thresholds tuned on the rows themselves flatter; tuned on others they do not."""
    generator = np.random.default_rng(2)
    probabilities, targets = generator.random((200, 30)), (generator.random((200, 30)) < 0.02).astype(np.uint8)
    own = micro_f1(targets, probabilities >= thresholds_of_labels(probabilities, targets))
    fair = micro_f1(targets, held_out_decisions(probabilities, targets, thresholds_of_labels, n_folds=5, seed=0))
    assert own > 2 * fair
    assert held_out_decisions(np.array([[0.6]]), np.array([[1]]), thresholds_of_labels, n_folds=5, seed=0).all()


def test_misfits_are_refused() -> None:
    """Axes that differ, and no rows."""
    for shapes in (((2, 3), (2, 2)), ((0, 3), (0, 3))):
        with pytest.raises(ShapeError, match="rows wanted twice"):
            tuned_thresholds(np.zeros(shapes[0]), np.zeros(shapes[1]), seed=0)
