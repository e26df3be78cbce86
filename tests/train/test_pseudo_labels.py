"""Which answers are taken for labels, and what they count."""

from __future__ import annotations

import numpy as np
import pytest

from tunesmith.errors import ShapeError
from tunesmith.train.pseudo_labels import sure_answers

EVEN = np.array([0.5, 0.5])


def of_first(*probabilities: float) -> np.ndarray:
    """Probabilities of two classes, told by those of the first."""
    return np.array([[each, 1.0 - each] for each in probabilities])


def test_as_many_are_taken_as_are_sure_enough_in_the_mean() -> None:
    """The surest first, one that is less sure than asked among them; of calibrated answers so many are right."""
    random = np.random.default_rng(0)
    probabilities = random.dirichlet([0.3] * 4, size=4000)
    labels = np.array([random.choice(4, p=row) for row in probabilities])
    taken = sure_answers(probabilities, confidence=0.9, shares=np.full(4, 0.25))
    highest = probabilities.max(axis=1)[taken.rows]
    assert (np.diff(highest) <= 0.0).all()
    assert highest[-1] < 0.9 <= highest.mean() < 0.901
    assert (labels[taken.rows] == taken.targets).mean() == pytest.approx(0.9, abs=0.02)
    assert 1000 < len(taken.rows) < 4000


def test_no_answer_is_taken_where_none_is_sure() -> None:
    """Nor is anything where there is nothing to answer."""
    assert not len(sure_answers(of_first(0.6, 0.5), confidence=0.7, shares=EVEN).rows)
    assert not len(sure_answers(np.empty((0, 2)), confidence=0.7, shares=EVEN).rows)


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.8, 0.2)])
def test_classes_keep_the_shares_of_the_labelled_rows(shares: tuple[float, float]) -> None:
    """However many answers are of one class: together they count as much as it has of the labelled rows."""
    probabilities = of_first(*[0.99] * 6, *[0.02] * 4)
    taken = sure_answers(probabilities, confidence=0.9, shares=np.array(shares))
    of_class = np.bincount(taken.targets, weights=taken.weights)
    assert of_class / of_class.sum() == pytest.approx(shares)
    assert taken.weights.mean() == pytest.approx(1.0)


def test_a_class_of_few_answers_does_not_stand_for_many() -> None:
    """Each counts five times at most: the one answer may be wrong."""
    taken = sure_answers(of_first(*[0.99] * 99, 0.01), confidence=0.9, shares=EVEN)
    assert taken.weights[taken.targets == 1].tolist() == [5.0]


def test_shares_of_other_classes_are_refused() -> None:
    """What does not fit together is told with its shape."""
    with pytest.raises(ShapeError, match=r"probabilities \(2, 2\), shares \(3,\)"):
        sure_answers(of_first(0.5, 0.5), confidence=0.9, shares=np.full(3, 1 / 3))
