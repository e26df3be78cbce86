"""Averaged token vectors under a linear head: texts to answers by numpy alone, without a matrix product but the head's.

A text's vector is the mean of those of its tokens, whatever their order. The table is of 8-bit whole numbers, each row
with a scale of its own. It is what a distilled encoder becomes, see ``models.token_vectors``.

Source: Tulkens and van Dongen 2024, "Model2Vec: fast state-of-the-art static embeddings", for tables that come from an
encoder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from tunesmith.data.joined import JOINED, tokens_of
from tunesmith.data.tokenize import TokenSet
from tunesmith.runtimes.numpy import static_vectors
from tunesmith.types import Text

Floats = NDArray[np.float32]


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
