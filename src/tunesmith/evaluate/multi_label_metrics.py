"""Metrics of several labels a text, each with its uncertainty; equal to scikit-learn's, without importing it.

F1 is 0 where there is nothing to divide by. Macro-F1 runs over the labels that some row has or is answered with.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.errors import ShapeError
from tunesmith.evaluate.intervals import percentile_interval, reflected_interval, resampled_rows
from tunesmith.evaluate.paired import Gain
from tunesmith.types import JSON

_N_BINS = 15
_EXCHANGES = 2000
_CELLS_AT_ONCE = 1 << 23

Decisions = NDArray[np.bool_]


def multi_label_metrics(
    targets: NDArray[Any],
    probabilities: NDArray[np.floating],
    decisions: Decisions,
    *,
    labels: Sequence[str],
    seed: int,
    draws: int = 1000,
) -> dict[str, JSON]:
    """Measure answers, with 95 % bootstrap intervals by row.

    Args:
        targets: 1 for a label that the row has, ``[B, C]``.
        probabilities: Calibrated, ``[B, C]``.
        decisions: Whether each label is answered, ``[B, C]``.
        labels: Names of the C labels.
        seed: Of the resampling.
        draws: Number of resamples.

    Returns:
        METRICS of the machine output: ``micro_f1``, ``macro_f1``, ``subset_accuracy``, ``lrap``, ``hamming_loss``,
        ``ece`` over all labels of all rows, and ``"per_class"``.

    Raises:
        ShapeError: The axes do not fit, or there is no row.
    """
    shapes = {targets.shape, probabilities.shape, decisions.shape}
    if len(shapes) != 1 or targets.ndim != 2 or targets.shape[1] != len(labels) or not len(targets):
        raise ShapeError(f"[B, {len(labels)}] with rows wanted: {sorted(shapes)}")
    had = targets.astype(bool)
    by_row = np.stack(
        [(decisions == had).all(axis=1), label_ranking(had, probabilities), (decisions != had).mean(axis=1)], axis=1
    )
    counts, gaps = _counts(had, decisions), _gaps(had, probabilities)
    values = np.concatenate([_f1s(counts.sum(axis=0)[None])[0], by_row.mean(axis=0)])
    drawn, errors = [], []
    for weights in _weights(len(had), draws=draws, seed=seed, width=counts.shape[1]):
        drawn.append(np.concatenate([_f1s(weights @ counts), weights @ by_row / len(had)], axis=1))
        errors.append(np.abs(weights @ gaps).sum(axis=1) / had.size)
    resampled = np.concatenate(drawn)
    names = ("micro_f1", "macro_f1", "subset_accuracy", "lrap", "hamming_loss")
    metrics: dict[str, JSON] = {
        name: percentile_interval(float(values[place]), resampled[:, place]).as_dict()
        for place, name in enumerate(names)
    }
    ece = float(np.abs(gaps.sum(axis=0)).sum() / had.size)
    metrics["ece"] = reflected_interval(ece, np.concatenate(errors)).as_dict()
    metrics["per_class"] = _per_class(had, decisions, labels)
    return metrics


def multi_label_figure(name: str, targets: NDArray[Any], decisions: Decisions) -> float:
    """Measure one figure of decisions.

    Args:
        name: ``micro_f1``, ``macro_f1`` or ``subset_accuracy``.
        targets: 1 for a label that the row has, ``[B, C]``.
        decisions: Whether each label is answered, ``[B, C]``.

    Returns:
        0..1.
    """
    had = targets.astype(bool)
    if name == "subset_accuracy":
        return float((decisions == had).all(axis=1).mean())
    micro, macro = _f1s(_counts(had, decisions).sum(axis=0)[None])[0]
    return float(micro if name == "micro_f1" else macro)


def multi_label_gain(
    name: str,
    targets: NDArray[Any],
    *,
    before: Decisions,
    after: Decisions,
    level: float,
    seed: int,
    draws: int = 1000,
) -> Gain:
    """Compare two models' decisions on the same rows; the test exchanges them row by row, by fair coins.

    Args:
        name: ``micro_f1``, ``macro_f1`` or ``subset_accuracy``.
        targets: 1 for a label that the row has, ``[B, C]``.
        before: One model's decisions, ``[B, C]``.
        after: The other's, ``[B, C]``.
        level: Of the interval, 0..1.
        seed: Of resampling and coins.
        draws: Number of resamples.

    Returns:
        By how much the other is better.
    """
    had = targets.astype(bool)
    tables = [_of_rows(name, had, decisions) for decisions in (before, after)]

    def figures(sums: NDArray[np.floating]) -> NDArray[np.float64]:
        if name == "subset_accuracy":
            return (sums[:, 0] / len(had)).astype(np.float64)
        return _f1s(sums)[:, 0 if name == "micro_f1" else 1]

    def gains(weights: NDArray[np.floating]) -> NDArray[np.float64]:
        return figures(weights @ tables[1]) - figures(weights @ tables[0])

    value = float(gains(np.ones((1, len(had)), np.float32))[0])
    width = tables[0].shape[1]
    resampled = np.concatenate([gains(part) for part in _weights(len(had), draws=draws, seed=seed, width=width)])
    interval = percentile_interval(value, resampled, level=level)
    moved, whole = tables[1] - tables[0], tables[0].sum(axis=0)
    generator, n_as_far, left = np.random.default_rng(seed), 0, _EXCHANGES
    while left:
        n_now = min(left, max(1, _CELLS_AT_ONCE // len(had)))
        coins = generator.integers(2, size=(n_now, len(had)), dtype=np.int8).astype(np.float32)
        exchanged = coins @ moved
        parted = figures(tables[1].sum(axis=0) - exchanged) - figures(whole + exchanged)
        n_as_far += int((np.abs(parted) >= abs(value) - 1e-9).sum())
        left -= n_now
    return Gain(interval, (n_as_far + 1) / (_EXCHANGES + 1), "randomisation")


def label_ranking(had: Decisions, scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Measure in each row how far its labels are ranked before others: the mean precision at each of them.

    Args:
        had: Whether the row has each label, ``[B, C]``.
        scores: ``[B, C]``.

    Returns:
        ``[B]``, above 0, at most 1; 1 for a row that has none or all. Labels of equal score count as ranked last.

    Example:
        >>> label_ranking(np.array([[True, False]]), np.array([[0.2, 0.7]]))
        array([0.5])
    """
    order = np.argsort(-scores, axis=1, kind="stable")
    ranked, found = np.take_along_axis(scores, order, axis=1), np.take_along_axis(had, order, axis=1)
    n_labels = scores.shape[1]
    ends = np.full(scores.shape, n_labels - 1)
    for place in range(n_labels - 2, -1, -1):  # the last of each run of equal scores
        ends[:, place] = np.where(ranked[:, place] == ranked[:, place + 1], ends[:, place + 1], place)
    hits = np.take_along_axis(found.cumsum(axis=1), ends, axis=1)
    n_had = had.sum(axis=1)
    precision = np.where(found, hits / (ends + 1), 0.0).sum(axis=1) / np.maximum(n_had, 1)
    result: NDArray[np.float64] = np.where((n_had == 0) | (n_had == n_labels), 1.0, precision)
    return result


def _counts(had: Decisions, decisions: Decisions) -> NDArray[np.float32]:
    """Of each row: right, answered and actual labels, ``[B, 3 C]``."""
    counts: NDArray[np.float32] = np.concatenate([had & decisions, decisions, had], axis=1).astype(np.float32)
    return counts


def _of_rows(name: str, had: Decisions, decisions: Decisions) -> NDArray[np.float32]:
    """What a figure adds up over rows, ``[B, K]``."""
    if name == "subset_accuracy":
        right: NDArray[np.float32] = (decisions == had).all(axis=1, keepdims=True).astype(np.float32)
        return right
    return _counts(had, decisions)


def _f1s(sums: NDArray[np.floating]) -> NDArray[np.float64]:
    """Micro and macro-F1 of sums ``[D, 3 C]``, ``[D, 2]``."""
    right, answered, actual = np.split(sums.astype(np.float64), 3, axis=1)
    met = answered + actual
    by_label = np.divide(2 * right, met, out=np.zeros_like(right), where=met > 0)
    n_met = np.maximum((met > 0).sum(axis=1), 1)
    total = met.sum(axis=1)
    micro = np.divide(2 * right.sum(axis=1), total, out=np.ones_like(total), where=total > 0)
    macro = np.where(total > 0, by_label.sum(axis=1) / n_met, 1.0)
    return np.stack([micro, macro], axis=1)


def _gaps(had: Decisions, probabilities: NDArray[np.floating]) -> NDArray[np.float32]:
    """Of each row: probabilities less truths, added up by bins of like probability, ``[B, K]``."""
    order = np.argsort(probabilities, axis=None, kind="stable")
    n_bins = min(_N_BINS, len(order))
    bins = np.empty(len(order), dtype=np.int64)
    bins[order] = np.arange(len(order)) * n_bins // len(order)
    cells = np.repeat(np.arange(len(had)), had.shape[1]) * n_bins + bins
    sums = np.bincount(cells, (probabilities - had).reshape(-1), minlength=len(had) * n_bins)
    gaps: NDArray[np.float32] = sums.reshape(len(had), n_bins).astype(np.float32)
    return gaps


def _weights(n_rows: int, *, draws: int, seed: int, width: int) -> list[NDArray[np.float32]]:
    """How often each row is drawn, some resamples at a time, ``[D, B]`` each."""
    rows = np.array(list(resampled_rows(n_rows, draws=draws, seed=seed)), dtype=np.float32)
    n_parts = max(1, draws * max(n_rows, width) // _CELLS_AT_ONCE)
    return np.array_split(rows, n_parts)


def _per_class(had: Decisions, decisions: Decisions, labels: Sequence[str]) -> dict[str, JSON]:
    """Precision, recall, F1, rows and answers of each label."""
    right, answered, actual = ((cells.sum(axis=0)).astype(float) for cells in (had & decisions, decisions, had))

    def share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> list[float]:
        shares: list[float] = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0).tolist()
        return shares

    columns = (
        share(right, answered),
        share(right, actual),
        share(2 * right, answered + actual),
        actual.astype(int).tolist(),
        answered.astype(int).tolist(),
    )
    names = ("precision", "recall", "f1", "rows", "answered")
    return {label: dict(zip(names, row, strict=True)) for label, *row in zip(labels, *columns, strict=True)}
