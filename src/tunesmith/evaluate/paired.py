"""Two models on the same rows: what one gains over the other, and whether that is proven."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.errors import ShapeError
from tunesmith.evaluate.intervals import mean_interval, percentile_interval
from tunesmith.evaluate.metrics import Tallies, confusion_counts, resampled_tallies, summed_by
from tunesmith.types import Interval


@dataclass(frozen=True, slots=True)
class Gain:
    """What one model gains over another on the same rows, as a share, and how likely as much is by chance alone."""

    interval: Interval
    p_value: float
    test: str
    """Name of the test that gave the p-value."""


def paired_gain(
    right_a: NDArray[np.bool_], right_b: NDArray[np.bool_], *, seed: int, level: float = 0.90, draws: int = 1000
) -> Interval:
    """Bootstrap by how much the accuracy of B is above that of A.

    Args:
        right_a: Whether A answered each row right, ``[B]``.
        right_b: The same of B, the same rows.
        seed: Of the resampling.
        level: Share of the draws inside, 0..1.
        draws: Number of resamples.

    Returns:
        The gain as a share, -1..1.

    Raises:
        ShapeError: The axes differ, or there is no row.

    Example:
        >>> paired_gain(np.array([True, False]), np.array([True, True]), seed=0).value
        0.5
    """
    return paired_score_gain(
        right_a.astype(np.float64), right_b.astype(np.float64), seed=seed, level=level, draws=draws
    )


def paired_score_gain(
    scores_a: NDArray[np.float64], scores_b: NDArray[np.float64], *, seed: int, level: float = 0.90, draws: int = 1000
) -> Interval:
    """Bootstrap by how much the mean score of B is above that of A.

    Args:
        scores_a: One score of A a row, ``[B]``: minus its log loss, for example.
        scores_b: The same of B, the same rows.
        seed: Of the resampling.
        level: Share of the draws inside, 0..1.
        draws: Number of resamples.

    Returns:
        The gain in the unit of the score.

    Raises:
        ShapeError: The axes differ, or there is no row.
    """
    _refuse_misfits(scores_a, scores_b)
    return mean_interval(scores_b - scores_a, seed=seed, level=level, draws=draws)


def paired_macro_f1_gain(
    targets: NDArray[np.int64],
    predicted_a: NDArray[np.int64],
    predicted_b: NDArray[np.int64],
    *,
    n_classes: int,
    seed: int,
    level: float = 0.90,
    draws: int = 1000,
) -> Interval:
    """Bootstrap by how much the macro-F1 of B is above that of A, each over the classes that it meets in a resample.

    Args:
        targets: Class numbers ``[B]``.
        predicted_a: What A answered, ``[B]``.
        predicted_b: What B answered, ``[B]``.
        n_classes: C.
        seed: Of the resampling.
        level: Share of the draws inside, 0..1.
        draws: Number of resamples.

    Returns:
        The gain, -1..1.

    Raises:
        ShapeError: The axes differ, there is no row, or a number is not of a class.
    """
    tallies = [Tallies.of(confusion_counts(targets, predicted, n_classes)) for predicted in (predicted_a, predicted_b)]
    kinds, counts = np.unique(np.stack([targets, predicted_a, predicted_b]), axis=1, return_counts=True)
    resampled = resampled_tallies(counts, list(kinds), n_classes, draws=draws, seed=seed)
    value_a, value_b = (float(tally.figures()["macro_f1"]) for tally in tallies)
    draws_a, draws_b = (tally.figures()["macro_f1"] for tally in resampled)
    return percentile_interval(value_b - value_a, draws_b - draws_a, level=level)


def paired_macro_f1_p(
    targets: NDArray[np.int64],
    predicted_a: NDArray[np.int64],
    predicted_b: NDArray[np.int64],
    *,
    n_classes: int,
    seed: int,
    draws: int = 2000,
) -> float:
    """Test whether two models differ in macro-F1: exchange their answers row by row, by fair coins.

    Args:
        targets: Class numbers ``[B]``.
        predicted_a: What A answered, ``[B]``.
        predicted_b: What B answered, ``[B]``.
        n_classes: C.
        seed: Of the coins.
        draws: How often all rows are exchanged anew; the least p is one in as many.

    Returns:
        Two-sided p: how often models that do not differ would be at least as far apart.

    Raises:
        ShapeError: The axes differ, there is no row, or a number is not of a class.

    Example:
        >>> answers = np.arange(10) % 2
        >>> paired_macro_f1_p(answers, answers, answers, n_classes=2, seed=0)
        1.0

    Source: Noreen 1989 (approximate randomisation).
    """
    tallies = [Tallies.of(confusion_counts(targets, predicted, n_classes)) for predicted in (predicted_a, predicted_b)]
    value_a, value_b = (float(tally.figures()["macro_f1"]) for tally in tallies)
    (true, of_a, of_b), counts = np.unique(np.stack([targets, predicted_a, predicted_b]), axis=1, return_counts=True)
    exchanged = np.random.default_rng(seed).binomial(counts, 0.5, size=(draws, len(counts)))
    figures = []
    for first, second in ((of_a, of_b), (of_b, of_a)):
        answered = np.concatenate([first, second])  # kinds whose answers stayed, then those whose were exchanged
        rows, right = np.concatenate([counts - exchanged, exchanged], axis=1), np.tile(true, 2) == answered
        drawn = Tallies(
            right=summed_by(rows[:, right], answered[right], n_classes),
            predicted=summed_by(rows, answered, n_classes),
            actual=tallies[0].actual,
        )
        figures.append(drawn.figures()["macro_f1"])
    as_far = np.abs(figures[1] - figures[0]) >= abs(value_b - value_a) - 1e-12
    return float((1 + as_far.sum()) / (1 + draws))


def mcnemar(right_a: NDArray[np.bool_], right_b: NDArray[np.bool_]) -> float:
    """Test whether two models differ, by the rows that exactly one of them answers right.

    Args:
        right_a: Whether A answered each row right, ``[B]``.
        right_b: The same of B, the same rows.

    Returns:
        Exact two-sided p: how often fair coins would be at least as uneven.

    Raises:
        ShapeError: The axes differ, or there is no row.

    Example:
        >>> mcnemar(np.array([False] * 5), np.array([True] * 5))
        0.0625

    Source: McNemar 1947, with the binomial distribution in place of chi-squared.
    """
    _refuse_misfits(right_a, right_b)
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    n_rows, fewer = only_a + only_b, min(only_a, only_b)
    ways = tail = 1  # whole numbers: no underflow, however many rows
    for k in range(fewer):
        ways = ways * (n_rows - k) // (k + 1)
        tail += ways
    return min(1.0, 2 * tail / (1 << n_rows))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust the p-values of several comparisons, so that all of them together are as seldom wrong as one alone.

    Args:
        p_values: One a comparison, 0..1.

    Returns:
        In the same order: each at least as large as it was, at most 1.

    Example:
        >>> [round(p, 6) for p in holm([0.01, 0.04, 0.03])]
        [0.03, 0.06, 0.06]

    Source: Holm 1979.
    """
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda place: p_values[place])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def _refuse_misfits(of_a: NDArray[np.generic], of_b: NDArray[np.generic]) -> None:
    """Raise where the rows cannot be the same."""
    if of_a.shape != of_b.shape or of_a.ndim != 1 or not len(of_a):
        raise ShapeError(f"the same rows [B] wanted twice: {of_a.shape} and {of_b.shape}")
