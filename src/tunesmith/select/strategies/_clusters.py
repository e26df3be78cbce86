"""Rows spread over a space: drawn far from one another, or one from the middle of each cluster."""

from __future__ import annotations

import numpy as np

from tunesmith.select.strategies import Doubles, Ints, Vectors

_ROUNDS = 10  # of Lloyd's; on banking77 the clusters of 1,000 rows hardly move after six
_SLAB = 4096
_FEW_CENTRES = 64  # whose distances from all rows are held at once
_LEAST_WEIGHT = 1e-6  # so that rows of no weight can still be drawn once all others are


def far_apart(vectors: Vectors, n: int, *, weights: Doubles, others: Vectors | None, seed: int) -> Ints:
    """Draw rows, each with a chance as large as its squared distance from the nearest of all before.

    Args:
        vectors: Of unit length, or zero, ``[K, F]``.
        n: Rows to draw, at most K.
        weights: Factors on the chances, not negative, ``[K]``.
        others: Rows that count as drawn from the start, ``[L, F]``.
        seed: Of the draws.

    Returns:
        Row numbers in the order they were drawn, ``[n]``.

    Example:
        >>> vectors = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
        >>> far_apart(vectors, 1, weights=np.ones(3), others=vectors[:1], seed=0)
        array([2])

    Source: Arthur and Vassilvitskii 2007, k-means++.
    """
    random = np.random.default_rng(seed)
    chances = np.maximum(weights, _LEAST_WEIGHT)
    left = np.ones(len(vectors), dtype=np.bool_)
    distances = np.ones(len(vectors)) if others is None else _nearest(vectors, others)[1]
    drawn = []
    for number in range(n):
        odds = np.where(left, chances * distances, 0.0)
        if not odds.any():  # all that are left equal one that was drawn
            odds = left.astype(np.float64)
        row = int(random.choice(len(vectors), p=odds / odds.sum()))
        drawn.append(row)
        left[row] = False
        to_row = _squared(vectors, vectors[row : row + 1])[:, 0].astype(np.float64)
        distances = to_row if number == 0 and others is None else np.minimum(distances, to_row)
    return np.array(drawn, dtype=np.int64)


def middles(vectors: Vectors, n: int, *, weights: Doubles, seed: int) -> Ints:
    """Cluster rows and take of each cluster the one nearest to its centre.

    Args:
        vectors: Of unit length, or zero, ``[K, F]``.
        n: Clusters, at most K.
        weights: How much each row pulls its centre, not negative, ``[K]``.
        seed: Of the first centres.

    Returns:
        Row numbers, those of the heaviest clusters first, ``[n]``.

    Example:
        >>> vectors = np.array([[1, 0], [0.98, 0.2], [0.98, -0.2], [0, 1]], np.float32)
        >>> middles(vectors, 2, weights=np.ones(4), seed=0)
        array([0, 3])

    Source: Lloyd 1982, weighted.
    """
    weights = np.maximum(weights, _LEAST_WEIGHT)
    centres = vectors[far_apart(vectors, n, weights=weights, others=None, seed=seed)]
    weighed = (vectors * weights[:, None]).astype(np.float32)
    for _ in range(_ROUNDS):
        nearest, _ = _nearest(vectors, centres)
        mass = np.bincount(nearest, weights, minlength=n)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, weighed)
        filled = mass > 0
        centres[filled] = sums[filled] / mass[filled, None]
    mass = np.bincount(_nearest(vectors, centres)[0], weights, minlength=n)
    return _nearest_rows(vectors, centres[np.argsort(-mass, kind="stable")])


def _nearest_rows(vectors: Vectors, centres: Vectors) -> Ints:
    """Take the row nearest to each centre in turn, each row once: a cluster that lost all its rows takes another's."""
    taken: list[int] = []
    for start in range(0, len(centres), _FEW_CENTRES):
        distances = _squared(vectors, centres[start : start + _FEW_CENTRES])
        distances[taken] = np.inf
        for column in range(distances.shape[1]):
            row = int(distances[:, column].argmin())
            distances[row] = np.inf
            taken.append(row)
    return np.array(taken, dtype=np.int64)


def _squared(vectors: Vectors, others: Vectors) -> Vectors:
    """Squared distances, ``[K, L]``."""
    squares = (vectors**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)[None]
    distances: Vectors = np.maximum(squares - 2 * (vectors @ others.T), 0.0)
    return distances


def _nearest(vectors: Vectors, others: Vectors) -> tuple[Ints, Doubles]:
    """For each row the nearest of the others and its squared distance, a slab of rows and of others at a time."""
    nearest, distances = np.zeros(len(vectors), dtype=np.int64), np.full(len(vectors), np.inf)
    for first in range(0, len(vectors), _SLAB):
        here = slice(first, first + _SLAB)
        for start in range(0, len(others), _SLAB):
            found = _squared(vectors[here], others[start : start + _SLAB])
            which = found.argmin(axis=1)
            least = found[np.arange(len(which)), which]
            nearest[here] = np.where(least < distances[here], start + which, nearest[here])
            distances[here] = np.minimum(distances[here], least)
    return nearest, distances
