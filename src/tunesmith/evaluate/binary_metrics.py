"""Metrics of yes or no, each with its uncertainty; equal to scikit-learn's, without importing it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tunesmith.evaluate.intervals import percentile_interval, resampled_rows
from tunesmith.evaluate.metrics import classification_metrics
from tunesmith.evaluate.paired import Gain, mcnemar, paired_gain
from tunesmith.types import JSON

_RANKED = ("roc_auc", "pr_auc")
_COUNTED = ("f1", "precision", "recall")
_EXCHANGES = 1000

Decided: TypeAlias = tuple[NDArray[np.float64], NDArray[np.bool_]]
"""Scores ``[B]``, the higher the likelier positive, and whether each row is answered positive, ``[B]``."""


def binary_metrics(
    targets: NDArray[np.int64],
    decided: Decided,
    *,
    probabilities: NDArray[np.float64],
    uncalibrated: NDArray[np.float64],
    labels: Sequence[str],
    seed: int,
    draws: int = 1000,
) -> dict[str, JSON]:
    """Measure answers, with 95 % bootstrap intervals by row.

    Args:
        targets: 1 for positive rows, ``[B]``.
        decided: Scores and decisions.
        probabilities: Calibrated, ``[B, 2]``.
        uncalibrated: Probabilities before calibration, ``[B, 2]``.
        labels: The negative label, then the positive one.
        seed: Of the resampling.
        draws: Number of resamples.

    Returns:
        METRICS of the machine output: those of one label a text, of these decisions, and ``f1``, ``precision`` and
        ``recall`` of the positive label, ``roc_auc``, ``pr_auc``.

    Raises:
        ShapeError: The axes do not fit, or there is no row.
    """
    metrics = classification_metrics(
        targets,
        uncalibrated,
        labels,
        seed=seed,
        draws=draws,
        calibrated=probabilities,
        predicted=decided[1].astype(np.int64),
    )
    names = (*_COUNTED, *_RANKED)
    rows = _Rows(targets, *decided)
    values = rows.figures(np.ones(len(targets)))
    drawn = np.array([rows.figures(counts) for counts in resampled_rows(len(targets), draws=draws, seed=seed)])
    found = {
        name: percentile_interval(float(values[place]), drawn[:, place]).as_dict() for place, name in enumerate(names)
    }
    return {**found, **metrics}


def binary_figure(name: str, targets: NDArray[np.int64], decided: Decided) -> float:
    """Measure one figure.

    Args:
        name: ``accuracy``, ``f1``, ``precision``, ``recall``, ``roc_auc`` or ``pr_auc``.
        targets: 1 for positive rows, ``[B]``.
        decided: Scores and decisions.

    Returns:
        0..1.

    Example:
        >>> targets, scores = np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.35, 0.8])
        >>> binary_figure("roc_auc", targets, (scores, scores > 0.5))
        1.0
    """
    if name == "accuracy":
        return float((decided[1] == targets).mean())
    figures = _Rows(targets, *decided).figures(np.ones(len(targets)))
    return float(figures[(*_COUNTED, *_RANKED).index(name)])


def binary_gain(
    name: str,
    targets: NDArray[np.int64],
    *,
    before: Decided,
    after: Decided,
    level: float,
    seed: int,
) -> Gain:
    """Compare two models on the same rows by one figure.

    Args:
        name: ``accuracy``, ``f1``, ``roc_auc`` or ``pr_auc``.
        targets: 1 for positive rows, ``[B]``.
        before: One model's scores and decisions.
        after: The other's.
        level: Of the interval, 0..1.
        seed: Of resampling and coins.

    Returns:
        By how much the other is better; tested by McNemar's test, or by exchanging decisions or ranks row by row.
    """
    if name == "accuracy":
        right = tuple(decided == targets for _, decided in (before, after))
        return Gain(paired_gain(*right, seed=seed, level=level), mcnemar(*right), "McNemar")
    place = (*_COUNTED, *_RANKED).index(name)
    one, other = (_Rows(targets, *decided) for decided in (before, after))

    def gain(counts: NDArray[np.generic]) -> float:
        return float(other.figures(counts)[place] - one.figures(counts)[place])

    whole = np.ones(len(targets))
    resampled = np.array([gain(counts) for counts in resampled_rows(len(targets), draws=1000, seed=seed)])
    interval = percentile_interval(gain(whole), resampled, level=level)
    generator, n_as_far = np.random.default_rng(seed), 0
    ranked = [_ranks(scores) for scores, _ in (before, after)]
    for _ in range(_EXCHANGES):
        coin = generator.integers(2, size=len(targets)).astype(bool)
        swapped = [
            _Rows(targets, np.where(coin, ranked[b], ranked[a]), np.where(coin, decided[b], decided[a])).figures(whole)
            for a, b in ((0, 1), (1, 0))
            for decided in [(before[1], after[1])]
        ]
        n_as_far += abs(swapped[1][place] - swapped[0][place]) >= abs(interval.value) - 1e-12
    return Gain(interval, (n_as_far + 1) / (_EXCHANGES + 1), "randomisation")


def needed_threshold(
    targets: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    *,
    precision: float | None,
    recall: float | None,
) -> float:
    """Find from which probability on rows have to be answered positive for a need to be met.

    Args:
        targets: 1 for positive rows, ``[B]``.
        probabilities: Of being positive, ``[B]``.
        precision: Wanted at least: the lowest threshold that reaches it, and so the most recall.
        recall: Wanted at least: the highest threshold that reaches it, and so the most precision; where both are
            wanted, recall gives way.

    Returns:
        The threshold; where no threshold reaches the precision, the one that comes nearest.

    Example:
        >>> targets, probabilities = np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.6, 0.8])
        >>> needed_threshold(targets, probabilities, precision=0.9, recall=None)
        0.7
        >>> needed_threshold(targets, probabilities, precision=None, recall=1.0)
        0.25
    """
    order = np.argsort(-probabilities, kind="stable")
    ranked, hits = probabilities[order], targets[order].cumsum()
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))  # where a threshold can lie
    answered, right = last + 1, hits[last]
    below = np.append(ranked, 0.0)[last + 1]
    between = (ranked[last] + below) / 2
    reached = right / answered
    if precision is not None:
        good = np.flatnonzero(reached >= precision)
        return float(between[good[-1]] if len(good) else between[reached.argmax()])
    assert recall is not None, "one of the two is wanted"
    found = np.flatnonzero(right >= recall * hits[-1] - 1e-9)
    return float(between[found[0]])


class _Rows:
    """Rows sorted once by their score, so that a resample only has to be counted."""

    def __init__(self, targets: NDArray[np.int64], scores: NDArray[np.float64], decisions: NDArray[np.bool_]) -> None:
        distinct, self._kind = np.unique(-scores, return_inverse=True)
        self._n_kinds = len(distinct)
        self._positive, self._decided = targets.astype(bool), decisions

    def figures(self, counts: NDArray[np.generic]) -> NDArray[np.float64]:
        """F1, precision, recall, ROC-AUC and PR-AUC of rows that occur so often; 0 where there are none."""
        hit = np.bincount(self._kind, weights=counts * self._positive, minlength=self._n_kinds)
        all_of_kind = np.bincount(self._kind, weights=counts, minlength=self._n_kinds)
        miss = all_of_kind - hit
        n_positive, n_negative = float(hit.sum()), float(miss.sum())
        right = float((counts * (self._positive & self._decided)).sum())
        answered = float((counts * self._decided).sum())
        area = float((miss * (hit.cumsum() - hit / 2)).sum())
        n_above = all_of_kind.cumsum()
        precision_at = np.divide(hit.cumsum(), n_above, out=np.zeros_like(hit), where=n_above > 0)
        return np.array(
            [
                _over(2 * right, answered + n_positive),
                _over(right, answered),
                _over(right, n_positive),
                _over(area, n_positive * n_negative),
                _over(float((hit * precision_at).sum()), n_positive),
            ]
        )


def _over(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _ranks(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean rank of each row, so that the scores of two models can be exchanged."""
    _, kind, counts = np.unique(scores, return_inverse=True, return_counts=True)
    found: NDArray[np.float64] = (np.cumsum(counts) - counts / 2)[kind]
    return found
