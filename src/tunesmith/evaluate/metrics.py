"""Metrics of one label a text, each with its uncertainty; equal to scikit-learn's, without importing it.

Precision, recall and F1 of a class count as 0 where there is nothing to divide by (scikit-learn: ``zero_division=0``).
Macro averages run over the classes that some row has or is answered with, as scikit-learn's do by default: no row tells
how well any other class is known. So it is in every resample too, or classes that were not drawn would count as
failures: with 200 rows of 100 classes and 90 % right answers, the median draw of macro-F1 lies 13 points below the
figure if they do, and 3 points if they do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.errors import ShapeError
from tunesmith.evaluate.calibration import confidence_gaps, mean_gap, mean_gaps
from tunesmith.evaluate.intervals import percentile_interval, reflected_interval, resampled_blocks, resampled_counts
from tunesmith.types import JSON, Interval

_SMALLEST_PROBABILITY = float(np.finfo(np.float64).eps)  # as scikit-learn: one impossible target must not be infinite


def classification_metrics(
    targets: NDArray[np.int64],
    probabilities: NDArray[np.floating],
    labels: Sequence[str],
    *,
    seed: int,
    draws: int = 1000,
    calibrated: NDArray[np.floating] | None = None,
    predicted: NDArray[np.int64] | None = None,
) -> dict[str, JSON]:
    """Measure answers, with 95 % bootstrap intervals by row.

    Args:
        targets: Class numbers ``[B]``.
        probabilities: What the model gave, ``[B, C]``.
        labels: Names of the C classes.
        seed: Of the resampling.
        draws: Number of resamples.
        calibrated: What it gives after calibration, ``[B, C]``, each row by a temperature that was fitted without it;
            then ``log_loss``, ``brier`` and ``ece`` are of these, and ``ece_uncalibrated`` is of the others.
        predicted: The classes answered, ``[B]``; left out, the most probable.

    Returns:
        METRICS of the machine output: ``{name: {"value", "low", "high"}}``, ``"per_class"`` and ``"confusion"``, whose
        rows are the true labels and columns the predicted ones.

    Raises:
        ShapeError: The axes do not fit, there is no row, or a probability is not a finite number.

    Example:
        >>> metrics = classification_metrics(np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]]), ["a", "b"], seed=0)
        >>> metrics["accuracy"], metrics["per_class"]["b"]["rows"], metrics["confusion"]["counts"]
        ({'value': 0.5, 'low': 0.0, 'high': 1.0}, 1, [[1, 0], [1, 0]])
    """
    if probabilities.shape != (len(targets), len(labels)):
        raise ShapeError(f"probabilities {probabilities.shape} for {len(targets)} rows and {len(labels)} labels")
    given = {"probabilities": probabilities, "calibrated": probabilities if calibrated is None else calibrated}
    gaps = {name: confidence_gaps(targets, outputs) for name, outputs in given.items()}  # refuses misfits
    answered = probabilities.argmax(axis=1) if predicted is None else predicted
    counts = confusion_counts(targets, answered, len(labels))
    figures = _count_intervals(counts, draws=draws, seed=seed)
    figures |= _row_intervals(targets, given["calibrated"], gaps["calibrated"], draws=draws, seed=seed)
    if calibrated is not None:
        figures["ece_uncalibrated"] = _ece_interval(gaps["probabilities"], draws=draws, seed=seed)
    metrics: dict[str, JSON] = {name: figure.as_dict() for name, figure in figures.items()}
    metrics["per_class"] = _per_class(counts, labels)
    metrics["confusion"] = {"labels": list(labels), "counts": counts.tolist()}
    return metrics


def accuracy(targets: NDArray[np.int64], predicted: NDArray[np.int64]) -> float:
    """Count the share of right answers.

    Args:
        targets: Class numbers ``[B]``.
        predicted: Class numbers ``[B]``.

    Returns:
        0..1.

    Raises:
        ShapeError: The axes differ, or there is no row.
    """
    if targets.shape != predicted.shape or not targets.size:
        raise ShapeError(f"[B] with rows wanted twice: targets {targets.shape}, predicted {predicted.shape}")
    return float((targets == predicted).mean())


def macro_f1(targets: NDArray[np.int64], predicted: NDArray[np.int64], n_classes: int) -> float:
    """Average F1 over the classes that some row has or is answered with, small ones counting as much as large ones.

    Args:
        targets: Class numbers ``[B]``.
        predicted: Class numbers ``[B]``.
        n_classes: C.

    Returns:
        0..1; a class that is answered but has no row counts as 0.

    Raises:
        ShapeError: The axes differ, there is no row, or a number is not of a class.
    """
    return float(Tallies.of(confusion_counts(targets, predicted, n_classes)).figures()["macro_f1"])


def confusion_counts(targets: NDArray[np.int64], predicted: NDArray[np.int64], n_classes: int) -> NDArray[np.int64]:
    """Count rows by true and predicted class.

    Args:
        targets: Class numbers ``[B]``.
        predicted: Class numbers ``[B]``.
        n_classes: C.

    Returns:
        ``[C, C]``, true class by predicted class.

    Raises:
        ShapeError: The axes differ, there is no row, or a number is not of a class.

    Example:
        >>> confusion_counts(np.array([0, 0, 1]), np.array([0, 1, 1]), 2)
        array([[1, 1],
               [0, 1]])
    """
    if targets.shape != predicted.shape or targets.ndim != 1 or not len(targets):
        raise ShapeError(f"[B] with rows wanted twice: targets {targets.shape}, predicted {predicted.shape}")
    for name, classes in (("targets", targets), ("predicted", predicted)):
        if classes.min() < 0 or classes.max() >= n_classes:
            raise ShapeError(f"{n_classes} classes: {name} lie in {classes.min()} to {classes.max()}")
    cells = np.bincount(targets * n_classes + predicted, minlength=n_classes**2)
    return cells.reshape(n_classes, n_classes)


def log_losses(targets: NDArray[np.int64], probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Measure how surprising each target was.

    Args:
        targets: Class numbers ``[B]``.
        probabilities: ``[B, C]``.

    Returns:
        Minus the natural logarithm of the target's probability, ``[B]``; at most 36.04.
    """
    of_targets: NDArray[np.float64] = probabilities[np.arange(len(targets)), targets].astype(np.float64)
    losses: NDArray[np.float64] = -np.log(of_targets.clip(_SMALLEST_PROBABILITY, 1 - _SMALLEST_PROBABILITY))
    return losses


def brier_scores(targets: NDArray[np.int64], probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Measure the squared distance of each row's probabilities from the truth.

    Args:
        targets: Class numbers ``[B]``.
        probabilities: ``[B, C]``.

    Returns:
        ``[B]``; with two classes half the sum over both, the usual figure 0..1, with more the sum, 0..2.
    """
    values: NDArray[np.float64] = probabilities.astype(np.float64)
    squares: NDArray[np.float64] = (values**2).sum(axis=1)
    distances = squares + 1 - 2 * values[np.arange(len(targets)), targets]
    return distances / 2 if values.shape[1] == 2 else distances


@dataclass(frozen=True, slots=True)
class Tallies:
    """Rows by class, all that count metrics need: ``right``, ``predicted`` and ``actual``, each ``[..., C]``."""

    right: NDArray[np.int64]
    predicted: NDArray[np.int64]
    actual: NDArray[np.int64]

    @classmethod
    def of(cls, counts: NDArray[np.int64]) -> Tallies:
        """Read the tallies off confusion counts ``[C, C]``.

        Returns:
            Each ``[C]``.
        """
        return cls(right=counts.diagonal(), predicted=counts.sum(axis=0), actual=counts.sum(axis=1))

    def by_class(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Measure each class.

        Returns:
            Precision, recall and F1, each ``[..., C]``; 0 where there is nothing to divide by.
        """
        return (
            _share(self.right, self.predicted),
            _share(self.right, self.actual),
            _share(2 * self.right, self.predicted + self.actual),
        )

    def figures(self) -> dict[str, NDArray[np.float64]]:
        """Measure all classes together.

        Returns:
            Each figure by its name in the machine output, ``[...]``; macro averages are of the classes that have rows
            or answers among these.
        """
        precision, recall, f1 = self.by_class()
        n_seen = (self.actual + self.predicted > 0).sum(axis=-1)  # the figures of the other classes are 0 in the sums
        rows = self.actual.sum(axis=-1)
        share_right = _share(self.right.sum(axis=-1), rows)
        weights = self.actual / rows[..., None]
        return {
            "accuracy": share_right,
            "macro_f1": _share(f1.sum(axis=-1), n_seen),
            "micro_f1": share_right,  # with one label a row, every wrong answer is one false positive and one negative
            "weighted_f1": (weights * f1).sum(axis=-1),
            "macro_precision": _share(precision.sum(axis=-1), n_seen),
            "macro_recall": _share(recall.sum(axis=-1), n_seen),
            "weighted_precision": (weights * precision).sum(axis=-1),
            "weighted_recall": (weights * recall).sum(axis=-1),
            "mcc": self._correlation(rows.astype(np.float64)),
        }

    def _correlation(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Matthews' correlation of true and predicted classes, 0 where either is always the same. Gorodkin 2004."""
        actual, predicted = self.actual.astype(np.float64), self.predicted.astype(np.float64)
        shared = self.right.sum(axis=-1) * rows - (actual * predicted).sum(axis=-1)
        spread = (rows**2 - (predicted**2).sum(axis=-1)) * (rows**2 - (actual**2).sum(axis=-1))
        return _share(shared, np.sqrt(spread))


def resampled_tallies(
    counts: NDArray[np.int64], classes: Sequence[NDArray[np.int64]], n_classes: int, *, draws: int, seed: int
) -> list[Tallies]:
    """Resample rows that are known by their true class and the class that each of some models predicted.

    Args:
        counts: Rows of each kind, ``[K]``.
        classes: The true class of each kind, ``[K]``, then the one predicted by each model.
        n_classes: C.
        draws: Number of resamples.
        seed: Of the resampling.

    Returns:
        One a model, all from the same resamples; each tally ``[D, C]``.
    """
    resampled = resampled_counts(counts, draws=draws, seed=seed)
    true, *models = classes
    actual = summed_by(resampled, true, n_classes)
    return [
        Tallies(
            right=summed_by(resampled[:, true == predicted], true[true == predicted], n_classes),
            predicted=summed_by(resampled, predicted, n_classes),
            actual=actual,
        )
        for predicted in models
    ]


def _count_intervals(counts: NDArray[np.int64], *, draws: int, seed: int) -> dict[str, Interval]:
    """Figures that depend on the confusion counts alone."""
    true, predicted = counts.nonzero()
    (tallies,) = resampled_tallies(counts[true, predicted], [true, predicted], len(counts), draws=draws, seed=seed)
    resampled = tallies.figures()
    return {
        name: percentile_interval(float(value), resampled[name]) for name, value in Tallies.of(counts).figures().items()
    }


def _row_intervals(
    targets: NDArray[np.int64],
    probabilities: NDArray[np.floating],
    gaps: NDArray[np.float64],
    *,
    draws: int,
    seed: int,
) -> dict[str, Interval]:
    """Figures that depend on the probabilities of each row."""
    by_row = np.stack([log_losses(targets, probabilities), brier_scores(targets, probabilities)], axis=1)  # [B, 2]
    log_loss, brier = by_row.mean(axis=0).tolist()
    blocks = resampled_blocks(len(targets), draws=draws, seed=seed)
    means = np.concatenate([block @ by_row for block in blocks]) / len(targets)
    return {
        "log_loss": percentile_interval(log_loss, means[:, 0]),
        "brier": percentile_interval(brier, means[:, 1]),
        "ece": _ece_interval(gaps, draws=draws, seed=seed),
    }


def _ece_interval(gaps: NDArray[np.float64], *, draws: int, seed: int) -> Interval:
    """Expected calibration error; bins are cut anew in each resample.

    Resampling adds noise to every bin, which an absolute value turns into error: the draws lie above the figure as the
    figure lies above the truth. In a simulation of a model 2 points off, 1,000 rows, plain percentiles held the truth
    in 1 % of cases, the reflected interval in 92 %.
    """
    blocks = resampled_blocks(len(gaps), draws=draws, seed=seed)
    drawn = (np.repeat(np.tile(gaps, len(block)), block.ravel()).reshape(block.shape) for block in blocks)
    resampled = np.concatenate([mean_gaps(each) for each in drawn])
    return reflected_interval(mean_gap(gaps), resampled)


def _per_class(counts: NDArray[np.int64], labels: Sequence[str]) -> dict[str, JSON]:
    """Precision, recall, F1, rows and answers of each class."""
    columns = (column.tolist() for column in (*Tallies.of(counts).by_class(), counts.sum(axis=1), counts.sum(axis=0)))
    names = ("precision", "recall", "f1", "rows", "answered")
    return {label: dict(zip(names, row, strict=True)) for label, *row in zip(labels, *columns, strict=True)}


def _share(part: NDArray[np.number], whole: NDArray[np.number]) -> NDArray[np.float64]:
    """Divide; 0 where there is nothing to divide by."""
    shares = np.zeros(np.shape(part))
    np.divide(part, whole, out=shares, where=np.not_equal(whole, 0))
    return shares


def summed_by(resampled: NDArray[np.int64], classes: NDArray[np.int64], n_classes: int) -> NDArray[np.int64]:
    """Add up kinds of rows by class.

    Args:
        resampled: Rows of each kind in each draw, ``[D, K]``.
        classes: The class of each kind, ``[K]``.
        n_classes: C.

    Returns:
        ``[D, C]``.
    """
    sums = np.zeros((len(resampled), n_classes), dtype=np.int64)
    if len(classes):
        order = np.argsort(classes, kind="stable")
        present, starts = np.unique(classes[order], return_index=True)
        sums[:, present] = np.add.reduceat(resampled[:, order], starts, axis=1)
    return sums
