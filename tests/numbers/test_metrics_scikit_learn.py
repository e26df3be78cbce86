"""Metrics are those of scikit-learn to 1e-9, zero_division=0 and else its defaults."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as reference

from tunesmith.evaluate.calibration import softmax
from tunesmith.evaluate.metrics import Tallies, classification_metrics, confusion_counts

Answers = tuple[NDArray[np.int64], NDArray[np.float64]]


def random_answers(n_rows: int, n_classes: int, seed: int) -> Answers:
    """Classes of uneven size, probabilities that are often right."""
    generator = np.random.default_rng(seed)
    shares = generator.dirichlet(np.full(n_classes, 0.7))
    targets = generator.choice(n_classes, size=n_rows, p=shares)
    logits = 2 * generator.normal(size=(n_rows, n_classes))
    logits[np.arange(n_rows), targets] += 2
    return targets, softmax(logits)


def one_hot(targets: list[int], predicted: list[int], n_classes: int) -> Answers:
    """Certain answers."""
    return np.array(targets), np.eye(n_classes)[predicted]


CASES = {
    "two classes": random_answers(500, 2, seed=0),
    "five classes": random_answers(400, 5, seed=1),
    "more classes than most rows": random_answers(300, 77, seed=2),
    "a class never predicted": one_hot([0, 1, 2, 2, 0], [0, 1, 1, 0, 0], 3),
    "a class without rows": one_hot([0, 1, 1, 0], [0, 1, 2, 2], 4),
    "always the same answer": one_hot([0, 1, 2, 1], [1, 1, 1, 1], 3),
    "always the same target": one_hot([1, 1, 1], [0, 1, 2], 3),
    "all wrong": one_hot([0, 1, 0], [1, 0, 1], 2),
    "all right": one_hot([0, 1, 2], [0, 1, 2], 3),
    "one row, right": one_hot([1], [1], 3),
    "one row, wrong": one_hot([1], [0], 3),
}


@pytest.mark.filterwarnings("ignore:A single label was found")
@pytest.mark.parametrize("name", CASES)
def test_figures_are_scikit_learns(name: str) -> None:
    """Every figure that both have must agree to 1e-9, also where there is nothing to divide by."""
    targets, probabilities = CASES[name]
    predicted = probabilities.argmax(axis=1)
    n_classes = probabilities.shape[1]
    labels = np.arange(n_classes)
    ours = classification_metrics(targets, probabilities, [str(k) for k in labels], seed=0, draws=10)
    theirs = {
        "accuracy": reference.accuracy_score(targets, predicted),
        "mcc": reference.matthews_corrcoef(targets, predicted),
        "log_loss": reference.log_loss(targets, probabilities, labels=labels),
        "brier": reference.brier_score_loss(targets, probabilities, labels=labels),
    }
    for average in ("macro", "micro", "weighted"):
        precision, recall, f1, _ = reference.precision_recall_fscore_support(
            targets, predicted, average=average, zero_division=0
        )
        theirs |= {f"{average}_precision": precision, f"{average}_recall": recall, f"{average}_f1": f1}
    for figure in theirs.keys() - {"micro_precision", "micro_recall"}:
        assert ours[figure]["value"] == pytest.approx(theirs[figure], abs=1e-9), figure

    by_class = reference.precision_recall_fscore_support(targets, predicted, labels=labels, zero_division=0)
    for column, expected in zip(("precision", "recall", "f1", "rows"), by_class, strict=True):
        found = [ours["per_class"][str(k)][column] for k in labels]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9, err_msg=column)
    confusion = reference.confusion_matrix(targets, predicted, labels=labels)
    np.testing.assert_array_equal(ours["confusion"]["counts"], confusion)


def test_resampled_macro_figures_are_scikit_learns() -> None:
    """In every resample too: of rows that lack some classes, by the classes that they have or are answered with."""
    targets, probabilities = random_answers(40, 12, seed=3)
    predicted = probabilities.argmax(axis=1)
    generator = np.random.default_rng(0)
    n_lacking = 0
    for _ in range(50):
        rows = generator.integers(40, size=40)
        drawn, answered = targets[rows], predicted[rows]
        figures = Tallies.of(confusion_counts(drawn, answered, 12)).figures()
        theirs = reference.precision_recall_fscore_support(drawn, answered, average="macro", zero_division=0)
        found = [figures[name] for name in ("macro_precision", "macro_recall", "macro_f1")]
        np.testing.assert_allclose(found, theirs[:3], rtol=0, atol=1e-9)
        n_lacking += len({*drawn, *answered}) < 12
    assert n_lacking > 10, "too few resamples lack a class to show anything"
