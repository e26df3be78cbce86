"""A table of token vectors in 8-bit whole numbers, each row with a scale of its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_STEPS = 127


def rounded(table: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round each row of a table to 127 steps on either side of 0.

    Args:
        table: ``[V, D]``.

    Returns:
        The steps, and what one of them is in each row, ``[V]``.

    Example:
        >>> steps, scale = rounded(np.array([[0.5, -1.0], [0.0, 0.0]], np.float32))
        >>> steps.tolist(), scale.astype(float).round(4).tolist()
        ([[64, -127], [0, 0]], [0.0079, 1.0])
    """
    scale = np.abs(table).max(axis=1) / _STEPS
    scale = np.where(scale > 0, scale, 1.0).astype(np.float32)
    return np.rint(table / scale[:, None]).astype(np.int8), scale
