"""Averaged token vectors under a linear head: texts to answers by numpy alone, without a matrix product but the head's.

A text's vector is the mean of those of its tokens, whatever their order. The table is of 8-bit whole numbers, each row
with a scale of its own. It is what a distilled encoder becomes, see ``models.token_vectors``.

Source: Tulkens and van Dongen 2024, "Model2Vec: fast state-of-the-art static embeddings", for tables that come from an
encoder.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from tunesmith.data.joined import JOINED, tokens_of
from tunesmith.data.spans import Ints
from tunesmith.data.tokenize import TokenSet
from tunesmith.types import Text

Floats = NDArray[np.float32]

_STEPS = 127
_TOKENS_AT_ONCE = 8_192
"""Of which vectors are held in floats: 6 MB of 192 each."""


@dataclass(frozen=True)
class StaticModel:
    """A table of token vectors with a head."""

    table: NDArray[np.int8]
    """A row for each token that the tokenizer can give, ``[V, D]``."""
    scale: Floats
    """What a step of each row is, ``[V]``."""
    weight: Floats
    """Of the head, ``[C, F]``."""
    bias: Floats
    """``[C]``."""
    tokenizer: Tokenizer
    max_seq_length: int
    """Tokens of a window; a longer text has the mean of its windows, as the encoder's had."""
    unit_length: bool
    """Whether a text's vector is scaled to length 1."""
    pair_by: str | None = None
    """Name of the pairing; None where a row is one text."""
    joins: bool = False
    """Whether both texts of a pair are read in one sequence."""

    pooling = "mean"

    @property
    def pairing(self) -> str | None:
        """How the vectors of a pair become its features, or that it is read as one; None where a row is one text."""
        return JOINED if self.joins else self.pair_by

    def tokens(self, texts: Sequence[Text]) -> TokenSet:
        """Turn texts into tokens.

        Args:
            texts: Prepared; pairs where the model reads those.

        Returns:
            One row a text or pair.
        """
        return tokens_of(texts, self.tokenizer, max_seq_length=self.max_seq_length, joins=self.joins)

    def features(self, tokens: TokenSet) -> Floats:
        """Average the vectors of rows' tokens.

        Args:
            tokens: The rows.

        Returns:
            ``[rows, F]``; a row's features do not depend on its neighbours.
        """
        vectors = static_vectors(self.table, self.scale, tokens)
        return self.combined(vectors)

    def combined(self, vectors: Floats) -> Floats:
        """Make the features of rows out of the vectors of their texts.

        Args:
            vectors: ``[texts, D]``; the two of a pair are neighbours.

        Returns:
            ``[rows, F]``.
        """
        if self.unit_length:
            vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return vectors if self.pair_by is None else paired(vectors, self.pair_by)

    def logits(self, features: Floats) -> Floats:
        """Score rows.

        Args:
            features: ``[rows, F]``.

        Returns:
            ``[rows, C]``.
        """
        return features @ self.weight.T + self.bias


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


def paired(vectors: Floats, pairing: str) -> Floats:
    """Make the features of pairs out of the vectors of their texts; it takes torch, which texts alone do without.

    Args:
        vectors: ``[2 * pairs, D]``; the two of a pair are neighbours.
        pairing: Name of the pairing.

    Returns:
        ``[pairs, F]``.
    """
    import torch

    from tunesmith.models.pairings import load_pairing

    one, other = (torch.from_numpy(np.ascontiguousarray(vectors[side::2])) for side in (0, 1))
    return load_pairing(pairing)(one, other).numpy()


def rounded(table: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Round each row of a table to 127 steps on either side of 0.

    Args:
        table: ``[V, D]``.

    Returns:
        The steps, and what one of them is in each row, ``[V]``.

    Example:
        >>> steps, scale = rounded(np.array([[0.5, -1.0], [0.0, 0.0]], np.float32))
        >>> steps.tolist(), scale.round(4).tolist()
        ([[64, -127], [0, 0]], [0.0079, 1.0])
    """
    scale = np.abs(table).max(axis=1) / _STEPS
    scale = np.where(scale > 0, scale, 1.0).astype(np.float32)
    return np.rint(table / scale[:, None]).astype(np.int8), scale


def _slabs(offsets: Ints) -> Iterator[tuple[int, int]]:
    """Cut sequences into parts of so many tokens that their vectors stay in the cache; a long sequence is one alone."""
    first, n_sequences = 0, len(offsets) - 1
    while first < n_sequences:
        full = int(np.searchsorted(offsets, offsets[first] + _TOKENS_AT_ONCE, side="right")) - 1
        last = max(full, first + 1)
        yield first, last
        first = last
