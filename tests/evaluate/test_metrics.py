"""Metrics: the shape of what is given, and how uncertain it says it is; values are held to scikit-learn elsewhere."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from numpy.typing import NDArray

from tunesmith.errors import ShapeError
from tunesmith.evaluate.calibration import softmax
from tunesmith.evaluate.metrics import Tallies, accuracy, classification_metrics, confusion_counts, macro_f1

FIGURES = [
    "accuracy",
    "macro_f1",
    "micro_f1",
    "weighted_f1",
    "macro_precision",
    "macro_recall",
    "weighted_precision",
    "weighted_recall",
    "mcc",
    "log_loss",
    "brier",
    "ece",
]


def answers(n_rows: int, n_classes: int, *, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Targets, and probabilities that are right more often than not."""
    generator = np.random.default_rng(seed)
    targets = generator.integers(n_classes, size=n_rows)
    logits = generator.normal(size=(n_rows, n_classes))
    logits[np.arange(n_rows), targets] += 1.5
    return targets, softmax(logits)


def test_the_result_is_the_machine_output() -> None:
    """Names, order of the classes and plain JSON types must be what the contract says."""
    targets, probabilities = answers(40, 3)
    metrics = classification_metrics(targets, probabilities, ["a", "b", "c"], seed=0, draws=50)
    assert list(metrics) == [*FIGURES, "per_class", "confusion"]
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics
    assert all(set(metrics[name]) == {"value", "low", "high"} for name in FIGURES)
    assert list(metrics["per_class"]) == metrics["confusion"]["labels"] == ["a", "b", "c"]
    assert set(metrics["per_class"]["a"]) == {"precision", "recall", "f1", "rows", "answered"}
    assert [row["rows"] for row in metrics["per_class"].values()] == np.bincount(targets).tolist()
    assert np.sum(metrics["confusion"]["counts"]) == 40


def test_every_interval_holds_its_figure() -> None:
    """Low <= value <= high, also where few rows push the draws away from the figure."""
    for n_rows, n_classes in ((1, 3), (12, 6), (200, 4)):
        targets, probabilities = answers(n_rows, n_classes)
        metrics = classification_metrics(targets, probabilities, [str(k) for k in range(n_classes)], seed=1, draws=200)
        for name in FIGURES:
            assert metrics[name]["low"] <= metrics[name]["value"] <= metrics[name]["high"], (name, n_rows)


MACRO = ["macro_f1", "macro_precision", "macro_recall"]


def few_rows_a_class(n_rows: int, n_classes: int, *, right: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """As many rows of each class, and certain answers of which a share is right."""
    targets = np.arange(n_rows) % n_classes
    generator = np.random.default_rng(0)
    wrong = generator.permutation(n_rows) >= right * n_rows
    others = (targets + generator.integers(1, n_classes, size=n_rows)) % n_classes
    return targets, np.eye(n_classes)[np.where(wrong, others, targets)]


def test_two_rows_a_class_leave_no_doubt_of_a_perfect_model() -> None:
    """A class that a resample lacks must not count as one that failed: every draw of right answers is 1."""
    targets, probabilities = few_rows_a_class(200, 100, right=1.0)
    metrics = classification_metrics(targets, probabilities, [str(k) for k in range(100)], seed=0)
    for name in MACRO:
        assert metrics[name] == {"value": 1.0, "low": 1.0, "high": 1.0}, name


@pytest.mark.parametrize("rows_a_class", [2, 3, 5])
def test_macro_figures_lie_well_inside_their_interval_where_rows_a_class_are_few(rows_a_class: int) -> None:
    """Draws must lie on both sides of the figure, and on neither five times as far as on the other.

    Where a class has two rows or three, figures of drawn rows are lower by their nature: an error is then drawn without
    the right answers beside it. Macro-precision feels that most, so all it must have is draws above it.
    """
    targets, probabilities = few_rows_a_class(100 * rows_a_class, 100, right=0.9)
    metrics = classification_metrics(targets, probabilities, [str(k) for k in range(100)], seed=0)
    for name in MACRO:
        value, low, high = (metrics[name][end] for end in ("value", "low", "high"))
        least = 0.0 if name == "macro_precision" else 0.2
        assert least < (high - value) / (value - low) < 5, (name, value, low, high)


def test_a_class_that_no_row_tells_of_does_not_count() -> None:
    """Three classes known, two of them met and all answers right: nothing says that the third fails."""
    targets = np.array([0, 1, 1, 0])
    metrics = classification_metrics(targets, np.eye(3)[targets], ["a", "b", "c"], seed=0, draws=50)
    assert [metrics[name]["value"] for name in MACRO] == [1.0, 1.0, 1.0]
    assert metrics["per_class"]["c"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "rows": 0, "answered": 0}
    answered = classification_metrics(targets, np.eye(3)[[0, 1, 1, 2]], ["a", "b", "c"], seed=0, draws=50)
    assert answered["macro_f1"]["value"] == pytest.approx((2 / 3 + 1 + 0) / 3)


def test_rows_that_are_all_alike_leave_no_doubt() -> None:
    """Every resample of equal rows is the same, so every interval must end at its figure."""
    probabilities = np.tile([0.7, 0.2, 0.1], (30, 1))
    metrics = classification_metrics(np.zeros(30, int), probabilities, ["a", "b", "c"], seed=0, draws=50)
    for name in FIGURES:
        np.testing.assert_allclose(
            [metrics[name]["low"], metrics[name]["high"]], metrics[name]["value"], rtol=1e-12, err_msg=name
        )


def test_intervals_are_those_of_drawing_rows() -> None:
    """Counts drawn by cell and means drawn by weight must have the quantiles of figures of rows drawn one by one."""
    targets, probabilities = answers(150, 4)
    labels = ["a", "b", "c", "d"]
    fast = classification_metrics(targets, probabilities, labels, seed=0, draws=4000)
    generator = np.random.default_rng(7)
    slow: dict[str, list[float]] = {name: [] for name in FIGURES}
    for _ in range(4000):
        rows = generator.integers(150, size=150)
        drawn, given = targets[rows], probabilities[rows]
        figures = Tallies.of(confusion_counts(drawn, given.argmax(axis=1), 4)).figures()
        figures["log_loss"] = -np.log(given[np.arange(150), drawn]).mean()
        figures["brier"] = ((np.eye(4)[drawn] - given) ** 2).sum(axis=1).mean()
        for name, figure in figures.items():
            slow[name].append(float(figure))
    for name in FIGURES[:-1]:  # ece has an interval of its own
        ends = np.quantile(slow[name], [0.025, 0.975])
        width = ends[1] - ends[0]
        np.testing.assert_allclose([fast[name]["low"], fast[name]["high"]], ends, atol=0.1 * width, err_msg=name)


def test_the_interval_of_accuracy_holds_the_truth_as_often_as_it_says() -> None:
    """Of many samples of a model that is right 80 % of the time, about 95 % must have 0.8 inside."""
    generator = np.random.default_rng(0)
    held = 0
    for seed in range(150):
        wrong = generator.random(200) > 0.8
        probabilities = np.where(wrong[:, None], [[0.3, 0.7]], [[0.7, 0.3]])
        figure = classification_metrics(np.zeros(200, int), probabilities, ["a", "b"], seed=seed, draws=100)["accuracy"]
        held += figure["low"] <= 0.8 <= figure["high"]
    assert 0.90 <= held / 150 <= 0.99


def test_the_interval_of_the_calibration_error_reaches_down_to_the_truth() -> None:
    """Noise alone makes the figure larger than the truth, so the interval of a calibrated model must go below it."""
    generator = np.random.default_rng(0)
    first = generator.uniform(0.5, 1.0, size=1000)
    targets = (generator.random(1000) > first).astype(np.int64)
    figure = classification_metrics(targets, np.stack([first, 1 - first], axis=1), ["a", "b"], seed=0)["ece"]
    assert figure["value"] > 0.015
    assert figure["low"] < 0.5 * figure["value"]


def test_the_seed_decides() -> None:
    """The same seed gives the same intervals, another seed others, and the figures never change."""
    targets, probabilities = answers(60, 3)
    one, again, other = (
        classification_metrics(targets, probabilities, ["a", "b", "c"], seed=seed, draws=100) for seed in (0, 0, 1)
    )
    assert one == again
    assert one["accuracy"]["low"] != other["accuracy"]["low"] or one["macro_f1"]["low"] != other["macro_f1"]["low"]
    assert [one[name]["value"] for name in FIGURES] == [other[name]["value"] for name in FIGURES]


def test_calibrated_probabilities_are_measured_and_the_others_named() -> None:
    """Figures of probabilities are of the calibrated ones, those of answers stay; the error before has its name."""
    targets, probabilities = answers(400, 3)
    sharp = probabilities**5 / (probabilities**5).sum(axis=1, keepdims=True)
    plain = classification_metrics(targets, probabilities, ["a", "b", "c"], seed=0, draws=50)
    raw = classification_metrics(targets, sharp, ["a", "b", "c"], seed=0, draws=50)
    both = classification_metrics(targets, sharp, ["a", "b", "c"], seed=0, draws=50, calibrated=probabilities)
    assert "ece_uncalibrated" not in plain
    assert both["ece_uncalibrated"] == raw["ece"]
    assert both["ece"] == plain["ece"]
    assert both["ece"]["value"] < both["ece_uncalibrated"]["value"]
    assert (both["log_loss"], both["brier"]) == (plain["log_loss"], plain["brier"])
    assert both["accuracy"] == raw["accuracy"]


def test_more_rows_make_narrower_intervals() -> None:
    """Sixteen times the rows: a quarter of the width."""
    widths = []
    for n_rows in (500, 8000):
        targets, probabilities = answers(n_rows, 3)
        figure = classification_metrics(targets, probabilities, ["a", "b", "c"], seed=0)["macro_f1"]
        widths.append(figure["high"] - figure["low"])
    assert widths[0] / widths[1] == pytest.approx(4, rel=0.25)


def test_five_thousand_rows_of_150_classes_take_little_time() -> None:
    """Uncertainty must not be what people wait for: 3 s of one core at most (0.4 s when written)."""
    targets, probabilities = answers(5000, 150)
    started = time.process_time()
    classification_metrics(targets, probabilities, [str(k) for k in range(150)], seed=0)
    assert time.process_time() - started < 3.0


def test_single_figures() -> None:
    """Accuracy and macro-F1 of answers worked out by hand."""
    targets, predicted = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 1])
    assert accuracy(targets, predicted) == 0.5
    assert macro_f1(targets, predicted, 3) == pytest.approx((2 / 3 + 2 / 4 + 0) / 3)


@pytest.mark.parametrize(
    ("targets", "shape", "labels", "message"),
    [
        ([0, 1], (3, 2), 2, r"probabilities \(3, 2\) for 2 rows and 2 labels"),
        ([0, 1], (2, 3), 2, r"probabilities \(2, 3\) for 2 rows and 2 labels"),
        ([0, 2], (2, 2), 2, r"2 classes: targets lie in 0 to 2"),
        ([0, -1], (2, 2), 2, r"2 classes: targets lie in -1 to 0"),
        ([], (0, 2), 2, r"targets \(0,\), outputs \(0, 2\)"),
    ],
)
def test_misfits_are_refused(targets: list[int], shape: tuple[int, int], labels: int, message: str) -> None:
    """Axes that do not fit must be told with their values."""
    with pytest.raises(ShapeError, match=message):
        classification_metrics(np.array(targets, int), np.full(shape, 0.5), [str(k) for k in range(labels)], seed=0)


def test_not_a_number_is_refused() -> None:
    """A probability that is not a number must not become a figure."""
    probabilities = np.array([[0.5, 0.5], [np.nan, 0.5]])
    with pytest.raises(ShapeError, match="1 rows hold a number that is not finite"):
        classification_metrics(np.array([0, 1]), probabilities, ["a", "b"], seed=0)


def test_confusion_refuses_what_is_no_class() -> None:
    """A predicted class beyond the last would land in another row's cell."""
    with pytest.raises(ShapeError, match="2 classes: predicted lie in 0 to 2"):
        confusion_counts(np.array([0, 0]), np.array([0, 2]), 2)
    with pytest.raises(ShapeError, match=r"targets \(1,\), predicted \(2,\)"):
        confusion_counts(np.array([0]), np.array([0, 1]), 2)
    with pytest.raises(ShapeError, match=r"targets \(0,\), predicted \(0,\)"):
        accuracy(np.array([], int), np.array([], int))
