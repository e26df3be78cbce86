"""Bootstrap intervals: what the figure would have been on other rows of the same kind.

Source: Efron and Tibshirani 1993, chapters 6 and 13.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tunesmith.errors import ShapeError
from tunesmith.types import Interval

_DRAWN_AT_ONCE = 2**16  # rows of resamples, half a megabyte


def percentile_interval(value: float, draws: NDArray[np.float64], *, level: float = 0.95) -> Interval:
    """Take the middle share of the bootstrap draws of a figure.

    Args:
        value: The figure on the real rows; the interval is widened to hold it where the draws are biased away from it.
        draws: The figure on each resample, ``[D]``.
        level: Share of the draws inside, 0..1.

    Returns:
        The figure with its interval.

    Example:
        >>> percentile_interval(0.5, np.arange(101.0), level=0.9)
        Interval(value=0.5, low=0.5, high=95.0)
    """
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2]).tolist()
    return Interval(float(value), min(low, float(value)), max(high, float(value)))


def reflected_interval(value: float, draws: NDArray[np.float64], *, level: float = 0.95) -> Interval:
    """Mirror the bootstrap draws of a figure >= 0 at its value: for figures that resampling itself pushes upwards.

    Args:
        value: The figure on the real rows.
        draws: The figure on each resample, ``[D]``.
        level: Share of the draws inside, 0..1.

    Returns:
        The figure with its interval, which ends at 0 and always holds the figure.

    Example:
        >>> reflected_interval(0.5, np.linspace(0.5, 1.5, 101), level=0.9)
        Interval(value=0.5, low=0.0, high=0.5)
    """
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2]).tolist()
    value = float(value)
    return Interval(value, max(0.0, min(2 * value - high, value)), max(2 * value - low, value))


def mean_interval(values: NDArray[np.float64], *, seed: int, level: float = 0.95, draws: int = 1000) -> Interval:
    """Bootstrap the mean of one value a row.

    Args:
        values: ``[B]``.
        seed: Of the resampling.
        level: Share of the draws inside, 0..1.
        draws: Number of resamples.

    Returns:
        The mean with its interval.

    Raises:
        ShapeError: There is no row.
    """
    if values.ndim != 1 or not len(values):
        raise ShapeError(f"[B] with rows wanted: values {values.shape}")
    means = [weights @ values / len(values) for weights in resampled_rows(len(values), draws=draws, seed=seed)]
    return percentile_interval(float(values.mean()), np.array(means), level=level)


def resampled_rows(n_rows: int, *, draws: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Draw as many rows as there are, with replacement, again and again.

    Args:
        n_rows: B.
        draws: Number of resamples.
        seed: Of the resampling.

    Yields:
        How often each row was drawn, ``[B]``.
    """
    for block in resampled_blocks(n_rows, draws=draws, seed=seed):
        yield from block


def resampled_blocks(n_rows: int, *, draws: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Draw rows as ``resampled_rows`` does, many resamples at once where rows are few.

    Args:
        n_rows: B.
        draws: Number of resamples.
        seed: Of the resampling.

    Yields:
        How often each row was drawn in some of the resamples, ``[D, B]``.
    """
    generator = np.random.default_rng(seed)
    at_once = max(1, _DRAWN_AT_ONCE // n_rows)
    for begin in range(0, draws, at_once):
        size = min(at_once, draws - begin)
        drawn = generator.integers(n_rows, size=(size, n_rows)) + n_rows * np.arange(size)[:, None]
        yield np.bincount(drawn.ravel(), minlength=size * n_rows).reshape(size, n_rows)


def resampled_counts(counts: NDArray[np.int64], *, draws: int, seed: int) -> NDArray[np.int64]:
    """Resample rows that matter only by the kind they are of.

    Rows drawn with replacement fall into their kinds with fixed probabilities, independently: the counts are
    multinomial. So this is not an approximation of drawing rows, and costs one number a kind instead of one a row.

    Args:
        counts: Rows of each kind, ``[K]``.
        draws: Number of resamples.
        seed: Of the resampling.

    Returns:
        Rows of each kind in each resample, ``[D, K]``.
    """
    total = int(counts.sum())
    return np.random.default_rng(seed).multinomial(total, counts / total, size=draws)
