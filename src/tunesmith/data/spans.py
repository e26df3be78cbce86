"""Stretches of a flat array: the one piece of index arithmetic that packing, selecting and comparing share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def spans(starts: Ints, lengths: Ints) -> Ints:
    """Number the places of several stretches, one after the other.

    Args:
        starts: First place of each stretch, ``[S]``.
        lengths: Number of places of each, ``[S]``.

    Returns:
        All places, ``[sum of lengths]``.

    Example:
        >>> spans(np.array([10, 3]), np.array([2, 3])).tolist()
        [10, 11, 3, 4, 5]
    """
    ends = lengths.cumsum()
    places: Ints = (starts - ends + lengths).repeat(lengths)
    places += np.arange(places.size)
    return places
