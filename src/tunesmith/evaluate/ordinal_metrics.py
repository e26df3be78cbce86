"""Metrics of levels in their order, each with its uncertainty: near misses count less than far ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tunesmith.evaluate.intervals import percentile_interval, resampled_rows
from tunesmith.evaluate.metrics import classification_metrics
from tunesmith.evaluate.paired import Gain, mcnemar, paired_gain
from tunesmith.evaluate.score_metrics import correlation, correlation_gain, score_metrics
from tunesmith.types import JSON

_EXCHANGES = 1000

Answered: TypeAlias = tuple[NDArray[np.float64], NDArray[np.int64]]
"""Expected level and answered level of each row, each ``[B]``."""


def ordinal_metrics(
    targets: NDArray[np.int64],
    given: Answered,
    *,
    labels: Sequence[str],
    seed: int,
    draws: int = 1000,
) -> dict[str, JSON]:
    """Measure answers, with 95 % bootstrap intervals by row.

    Args:
        targets: Level numbers ``[B]``.
        given: Expected and answered levels.
        labels: Names of the levels.
        seed: Of the resampling.
        draws: Number of resamples.

    Returns:
        METRICS of the machine output: ``spearman`` of the expected levels, ``mae`` in levels, ``kappa`` with squared
        weights, ``accuracy``, ``within_one``, ``macro_f1``, ``"per_class"`` and ``"confusion"``.

    Raises:
        ShapeError: The axes do not fit, or there is no row.
    """
    expected, answered = given
    certain = np.eye(len(labels))[answered]
    of_classes = classification_metrics(targets, certain, labels, seed=seed, draws=draws)
    of_order = score_metrics(targets.astype(np.float64), expected, seed=seed, draws=draws)
    off = np.abs(answered - targets).astype(np.float64)
    drawn = np.array(
        [
            (_kappa(targets, answered, counts), counts @ off / len(off), counts @ (off <= 1) / len(off))
            for counts in resampled_rows(len(targets), draws=draws, seed=seed)
        ]
    )
    whole = np.ones(len(targets))
    values = _kappa(targets, answered, whole), float(off.mean()), float((off <= 1).mean())
    found = {
        name: percentile_interval(values[place], drawn[:, place]).as_dict()
        for place, name in enumerate(("kappa", "mae", "within_one"))
    }
    kept = ("accuracy", "macro_f1", "per_class", "confusion")
    return {"spearman": of_order["spearman"], **found, **{name: of_classes[name] for name in kept}}


def ordinal_figure(name: str, targets: NDArray[np.int64], given: Answered) -> float:
    """Measure one figure.

    Args:
        name: ``spearman``, ``kappa`` or ``accuracy``.
        targets: Level numbers ``[B]``.
        given: Expected and answered levels.

    Returns:
        At most 1.

    Example:
        >>> levels = np.array([0, 1, 2, 3])
        >>> ordinal_figure("kappa", levels, (levels.astype(float), levels))
        1.0
    """
    expected, answered = given
    if name == "spearman":
        return correlation("spearman", targets.astype(np.float64), expected)
    if name == "kappa":
        return _kappa(targets, answered, np.ones(len(targets)))
    return float((answered == targets).mean())


def ordinal_gain(
    name: str, targets: NDArray[np.int64], *, before: Answered, after: Answered, level: float, seed: int
) -> Gain:
    """Compare two models on the same rows by one figure.

    Args:
        name: ``spearman``, ``kappa`` or ``accuracy``.
        targets: Level numbers ``[B]``.
        before: One model's expected and answered levels.
        after: The other's.
        level: Of the interval, 0..1.
        seed: Of resampling and coins.

    Returns:
        By how much the other is better; tested by McNemar's test, or by exchanging answers or ranks row by row.
    """
    if name == "spearman":
        wide = targets.astype(np.float64)
        return correlation_gain(name, wide, before=before[0], after=after[0], level=level, seed=seed)
    one, other = before[1], after[1]
    if name == "accuracy":
        right = one == targets, other == targets
        return Gain(paired_gain(*right, seed=seed, level=level), mcnemar(*right), "McNemar")
    whole = np.ones(len(targets))
    value = _kappa(targets, other, whole) - _kappa(targets, one, whole)
    drawn = [
        _kappa(targets, other, counts) - _kappa(targets, one, counts)
        for counts in resampled_rows(len(targets), draws=1000, seed=seed)
    ]
    generator, n_as_far = np.random.default_rng(seed), 0
    for _ in range(_EXCHANGES):
        coin = generator.integers(2, size=len(targets)).astype(bool)
        parted = _kappa(targets, np.where(coin, one, other), whole) - _kappa(targets, np.where(coin, other, one), whole)
        n_as_far += abs(parted) >= abs(value) - 1e-12
    interval = percentile_interval(value, np.array(drawn), level=level)
    return Gain(interval, (n_as_far + 1) / (_EXCHANGES + 1), "randomisation")


def _kappa(targets: NDArray[np.int64], answered: NDArray[np.int64], counts: NDArray[np.generic]) -> float:
    """Cohen's kappa with squared weights, of rows that occur so often; 0 where chance leaves nothing to agree on.

    The expected square of the difference of two independent levels is the sum of their variances and the square of the
    difference of their means, so no table is needed. Source: Cohen 1968.
    """
    shares = counts / counts.sum()
    seen = float(shares @ (targets - answered) ** 2)
    means = float(shares @ targets), float(shares @ answered)
    squares = float(shares @ targets**2) - means[0] ** 2 + float(shares @ answered**2) - means[1] ** 2
    by_chance = squares + (means[0] - means[1]) ** 2
    return 1 - seen / by_chance if by_chance > 0 else 0.0
