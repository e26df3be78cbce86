"""Making rare kinds of rows count more: by weights, or by drawing their rows more often."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MOST_REPEATS = 10
"""A row drawn more often is learnt by heart."""


def balanced_weights(strata: NDArray[np.int64]) -> NDArray[np.float32]:
    """Weigh rows so that every kind counts alike, as scikit-learn's ``class_weight="balanced"`` does.

    Args:
        strata: Kind of each row, ``[B]``.

    Returns:
        ``[B]``, of mean 1.

    Example:
        >>> balanced_weights(np.array([0, 0, 0, 1]))
        array([0.6666667, 0.6666667, 0.6666667, 2.       ], dtype=float32)
    """
    _, kind, counts = np.unique(strata, return_inverse=True, return_counts=True)
    weights: NDArray[np.float32] = (len(strata) / (len(counts) * counts))[kind].astype(np.float32)
    return weights


def repeats(strata: NDArray[np.int64]) -> NDArray[np.int64]:
    """Say how often each row is drawn for its kind to come near the commonest.

    Args:
        strata: Kind of each row, ``[B]``.

    Returns:
        ``[B]``, from 1 to 10.

    Example:
        >>> repeats(np.array([0, 0, 0, 0, 0, 1]))
        array([1, 1, 1, 1, 1, 5])
    """
    _, kind, counts = np.unique(strata, return_inverse=True, return_counts=True)
    often: NDArray[np.int64] = np.clip(np.rint(counts.max() / counts), 1, _MOST_REPEATS).astype(np.int64)[kind]
    return often
