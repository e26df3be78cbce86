"""Answers of a model that are taken for labels: the surest ones, as many as are right often enough by its own word."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.errors import ShapeError

_MOST = 5.0
"""Weight of a row at most: where a class is hardly ever answered, its few rows are not to stand for many."""


@dataclass(frozen=True, slots=True, eq=False)
class PseudoLabels:
    """Rows whose answers are taken for labels."""

    rows: NDArray[np.int64]
    """The surest first, ``[P]``."""
    targets: NDArray[np.int64]
    """Class that each is answered with, ``[P]``."""
    weights: NDArray[np.float32]
    """How much each counts, ``[P]``: 1 in the mean where no weight is cut off."""


def sure_answers(probabilities: NDArray[np.float64], *, confidence: float, shares: NDArray[np.float64]) -> PseudoLabels:
    """Take the most answers, the surest first, whose mean probability is still as high as asked.

    A bound on the mean, not on each: of calibrated probabilities it is the share of the answers taken that are right.
    Easy classes are answered surely more often than others, and rows of them would drown those; so rows are weighted,
    and classes keep the shares that they have among labelled rows.

    Args:
        probabilities: Calibrated, ``[B, C]``.
        confidence: Mean probability of what is taken, 0..1.
        shares: Of each class among labelled rows, ``[C]``.

    Returns:
        What is taken; nothing where no answer is as sure.

    Raises:
        ShapeError: The axes do not fit.

    Example:
        >>> probabilities = np.array([[0.99, 0.01], [0.3, 0.7], [0.05, 0.95], [0.1, 0.9]])
        >>> taken = sure_answers(probabilities, confidence=0.94, shares=np.array([0.5, 0.5]))
        >>> taken.rows, taken.targets, taken.weights
        (array([0, 2, 3]), array([0, 1, 1]), array([1.5 , 0.75, 0.75], dtype=float32))

    Source: Lee 2013, "Pseudo-Label"; Berthelot et al. 2020, "ReMixMatch", section 3.1, for the shares.
    """
    if probabilities.ndim != 2 or shares.shape != probabilities.shape[1:]:
        raise ShapeError(f"[B, C] and [C] wanted: probabilities {probabilities.shape}, shares {shares.shape}")
    highest = probabilities.max(axis=1)
    order = np.argsort(-highest, kind="stable")
    means = np.cumsum(highest[order]) / np.arange(1, len(order) + 1)
    rows = order[: int((means >= confidence).sum())]
    targets = probabilities[rows].argmax(axis=1)
    counts = np.bincount(targets, minlength=len(shares))
    weights = np.minimum(shares[targets] * len(rows) / counts[targets], _MOST)
    return PseudoLabels(rows, targets, weights.astype(np.float32))
