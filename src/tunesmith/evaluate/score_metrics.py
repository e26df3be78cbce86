"""Metrics of numbers, each with its uncertainty: how far answers are off, and whether their order is right.

Correlations are 0 where either side is always the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.errors import ShapeError
from tunesmith.evaluate.intervals import percentile_interval, resampled_rows
from tunesmith.evaluate.paired import Gain
from tunesmith.types import JSON

_NAMES = ("spearman", "pearson", "r2", "mae", "rmse")
_EXCHANGES = 2000
_AT_ONCE = 1 << 22  # coins tossed at once


def score_metrics(
    targets: NDArray[np.floating], answers: NDArray[np.floating], *, seed: int, draws: int = 1000
) -> dict[str, JSON]:
    """Measure answers, with 95 % bootstrap intervals by row.

    Args:
        targets: The right numbers, ``[B]``.
        answers: The model's, ``[B]``.
        seed: Of the resampling.
        draws: Number of resamples.

    Returns:
        METRICS of the machine output: ``spearman``, ``pearson``, ``r2``, ``mae`` and ``rmse``.

    Raises:
        ShapeError: The axes differ, there is no row, or a number is not finite.

    Example:
        >>> metrics = score_metrics(np.array([1.0, 2.0, 3.0]), np.array([1.5, 2.5, 3.5]), seed=0)
        >>> metrics["spearman"]["value"], metrics["mae"]["value"]
        (1.0, 0.5)
    """
    pair = _Pair.of(targets, answers)
    value = pair.figures(np.ones(len(targets)))
    resampled = np.array([pair.figures(counts) for counts in resampled_rows(len(targets), draws=draws, seed=seed)])
    return {
        name: percentile_interval(float(value[place]), resampled[:, place]).as_dict()
        for place, name in enumerate(_NAMES)
    }


def correlation(name: str, targets: NDArray[np.floating], answers: NDArray[np.floating]) -> float:
    """Measure one figure.

    Args:
        name: ``spearman``, ``pearson`` or ``r2``.
        targets: The right numbers, ``[B]``.
        answers: The model's, ``[B]``.

    Returns:
        At most 1.

    Raises:
        ShapeError: The axes differ, there is no row, or a number is not finite.

    Example:
        >>> correlation("spearman", np.array([1.0, 2.0, 3.0]), np.array([1.0, 10.0, 100.0]))
        1.0
    """
    return float(_Pair.of(targets, answers).figures(np.ones(len(targets)))[_NAMES.index(name)])


def correlation_gain(
    name: str,
    targets: NDArray[np.floating],
    *,
    before: NDArray[np.floating],
    after: NDArray[np.floating],
    level: float,
    seed: int,
    draws: int = 1000,
) -> Gain:
    """Compare two models' answers to the same rows by one figure.

    The test exchanges the two answers, or for ``spearman`` their ranks, row by row by fair coins.

    Args:
        name: ``spearman``, ``pearson`` or ``r2``.
        targets: The right numbers, ``[B]``.
        before: One model's answers, ``[B]``.
        after: The other's, ``[B]``.
        level: Of the interval, 0..1.
        seed: Of resampling and coins.
        draws: Number of resamples.

    Returns:
        By how much the other is better.

    Raises:
        ShapeError: The axes differ, there is no row, or a number is not finite.
    """
    place = _NAMES.index(name)
    pairs = _Pair.of(targets, before), _Pair.of(targets, after)
    one = np.ones(len(targets))

    def gain(counts: NDArray[np.generic]) -> float:
        return float(pairs[1].figures(counts)[place] - pairs[0].figures(counts)[place])

    resampled = np.array([gain(counts) for counts in resampled_rows(len(targets), draws=draws, seed=seed)])
    interval = percentile_interval(gain(one), resampled, level=level)
    if name == "spearman":
        targets, before, after = (each.ranks(one) for each in map(_Ranks.of, (targets, before, after)))
    return Gain(interval, _exchange_p(name, targets, before=before, after=after, seed=seed), "randomisation")


def _exchange_p(
    name: str,
    targets: NDArray[np.floating],
    *,
    before: NDArray[np.floating],
    after: NDArray[np.floating],
    seed: int,
) -> float:
    """Share of exchanges that part the two as far as they are, the real one among them."""
    generator = np.random.default_rng(seed)
    values = np.stack([before, after]).astype(np.float64)  # [2, B]
    seen = abs(np.diff(_of_each(name, targets, values))[0])
    n_rows, n_as_far, left = len(targets), 0, _EXCHANGES
    while left:
        n_now = min(left, max(1, _AT_ONCE // n_rows))
        coins = generator.integers(2, size=(n_now, n_rows), dtype=np.int8).astype(bool)
        one, two = np.where(coins, values[0], values[1]), np.where(coins, values[1], values[0])
        parted = np.abs(_of_each(name, targets, two) - _of_each(name, targets, one))
        n_as_far += int((parted >= seen - 1e-12).sum())
        left -= n_now
    return (n_as_far + 1) / (_EXCHANGES + 1)


def _of_each(name: str, targets: NDArray[np.floating], answers: NDArray[np.float64]) -> NDArray[np.float64]:
    """One figure of each of D models' answers ``[D, B]``; ``spearman`` of ranks is their linear correlation."""
    wanted = targets.astype(np.float64) - targets.mean(dtype=np.float64)
    figures = np.zeros(len(answers))
    if name == "r2":
        figures += 1 - ((answers - targets) ** 2).sum(axis=1) / max(float((wanted**2).sum()), 1e-300)
        return figures
    centred = answers - answers.mean(axis=1, keepdims=True)
    spread = np.sqrt((centred**2).sum(axis=1) * (wanted**2).sum())
    np.divide(centred @ wanted, spread, out=figures, where=spread > 0)
    return figures


@dataclass(frozen=True, slots=True)
class _Ranks:
    """Values by their order: which of K different values each row has, ``[B]``, ascending from 0."""

    kind: NDArray[np.int64]
    n_kinds: int

    @classmethod
    def of(cls, values: NDArray[np.floating]) -> _Ranks:
        """Sort once; resamples only count."""
        distinct, kind = np.unique(values, return_inverse=True)
        return cls(kind, len(distinct))

    def ranks(self, counts: NDArray[np.generic]) -> NDArray[np.float64]:
        """Mean rank of each row among rows that occur so often, ``[B]``, from 0."""
        of_kind = np.bincount(self.kind, weights=counts, minlength=self.n_kinds)
        found: NDArray[np.float64] = (np.cumsum(of_kind) - of_kind / 2)[self.kind]
        return found


@dataclass(frozen=True, slots=True)
class _Pair:
    """Targets and answers ``[B]``, and the order of each."""

    targets: NDArray[np.float64]
    answers: NDArray[np.float64]
    target_ranks: _Ranks
    answer_ranks: _Ranks

    @classmethod
    def of(cls, targets: NDArray[np.floating], answers: NDArray[np.floating]) -> _Pair:
        """Look at the axes, and sort."""
        if targets.shape != answers.shape or targets.ndim != 1 or not len(targets):
            raise ShapeError(f"[B] with rows wanted twice: targets {targets.shape}, answers {answers.shape}")
        if not (np.isfinite(targets).all() and np.isfinite(answers).all()):
            raise ShapeError(f"{int((~np.isfinite(targets + answers)).sum())} rows hold a number that is not finite")
        wide = targets.astype(np.float64), answers.astype(np.float64)
        return cls(*wide, *map(_Ranks.of, wide))

    def figures(self, counts: NDArray[np.generic]) -> NDArray[np.float64]:
        """Measure rows that occur so often, in the order of the names."""
        shares = counts / counts.sum()
        errors = self.answers - self.targets
        square = float(shares @ errors**2)
        centred = self.targets - shares @ self.targets
        spread = float(shares @ centred**2)
        return np.array(
            [
                _correlation(shares, self.target_ranks.ranks(counts), self.answer_ranks.ranks(counts)),
                _correlation(shares, self.targets, self.answers),
                1 - square / spread if spread > 0 else 0.0,
                shares @ np.abs(errors),
                square**0.5,
            ]
        )


def _correlation(shares: NDArray[np.float64], one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Pearson's, of rows that weigh so much."""
    one, other = one - shares @ one, other - shares @ other
    spread = float(shares @ one**2) * float(shares @ other**2)
    return float(np.clip(shares @ (one * other) / spread**0.5, -1.0, 1.0)) if spread > 1e-300 else 0.0
