"""Averaging token vectors with numpy: no torch, no matrix product."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.spans import Ints
from tunesmith.data.tokenize import TokenSet

Floats = NDArray[np.float32]

_TOKENS_AT_ONCE = 8_192
"""Of which vectors are held in floats: 6 MB of 192 each."""


def static_vectors(table: NDArray[np.int8], scale: Floats, tokens: TokenSet) -> Floats:
    """Average the vectors of each text's tokens.

    Args:
        table: ``[V, D]``.
        scale: What a step of each row is, ``[V]``.
        tokens: The rows; every sequence has a token.

    Returns:
        One vector a text, the mean of its windows, ``[texts, D]``; the two of a pair are neighbours.
    """
    n_texts = tokens.n_rows * tokens.n_sides
    lengths = tokens.lengths()
    means = np.empty((len(lengths), table.shape[1]), dtype=np.float32)
    for first, last in _slabs(tokens.offsets):
        ids = tokens.input_ids[tokens.offsets[first] : tokens.offsets[last]]
        vectors = table[ids] * scale[ids, None]
        starts = tokens.offsets[first:last] - tokens.offsets[first]
        means[first:last] = np.add.reduceat(vectors, starts, axis=0) / lengths[first:last, None].astype(np.float32)
    text = tokens.row if tokens.side is None else 2 * tokens.row + tokens.side
    if len(text) == n_texts:
        return means[np.argsort(text)]
    sums = np.zeros((n_texts, table.shape[1]), dtype=np.float32)
    np.add.at(sums, text, means)
    n_windows: Floats = np.bincount(text, minlength=n_texts)[:, None].astype(np.float32)
    return sums / n_windows


def _slabs(offsets: Ints) -> Iterator[tuple[int, int]]:
    """Cut sequences into parts of so many tokens that their vectors stay in the cache; a long sequence is one alone."""
    first, n_sequences = 0, len(offsets) - 1
    while first < n_sequences:
        full = int(np.searchsorted(offsets, offsets[first] + _TOKENS_AT_ONCE, side="right")) - 1
        last = max(full, first + 1)
        yield first, last
        first = last
