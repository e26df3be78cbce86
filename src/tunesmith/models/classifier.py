"""An encoder, a pooling and a head: from packed tokens to one answer a row."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from tunesmith.models.encoder import Encoder
from tunesmith.models.heads.linear import LinearHead
from tunesmith.models.poolings import POOLINGS, Pooling
from tunesmith.types import PackedTokens


class EncoderClassifier(nn.Module):
    """Token vectors pooled to one a sequence, averaged over a row's windows, scaled to length 1 if asked, then scored.

    Args:
        encoder: Gives a vector a token.
        pooling: Name of the pooling.
        head: Scores the features.
        unit_length: Scale features to length 1 before the head.

    Raises:
        ConfigError: There is no such pooling.
    """

    def __init__(self, encoder: Encoder, pooling: str, head: LinearHead, *, unit_length: bool) -> None:
        super().__init__()
        self.encoder = encoder
        self.pooling = pooling
        self.head = head
        self.unit_length = unit_length
        self.pool: Pooling = POOLINGS.member(pooling).build(POOLINGS.options(pooling))

    def features(self, tokens: PackedTokens, sequence_row: NDArray[np.int64], n_rows: int) -> Tensor:
        """Encode rows.

        Args:
            tokens: The rows' sequences, shortest first.
            sequence_row: Row of each sequence, ``[S]``.
            n_rows: B.

        Returns:
            One vector a row, ``[B, H]``.
        """
        return self.scaled(row_means(self.pool(self.encoder(tokens), tokens), sequence_row, n_rows))

    def scaled(self, vectors: Tensor) -> Tensor:
        """Scale rows to length 1 where the classifier is of that kind.

        Args:
            vectors: ``[B, H]``.

        Returns:
            ``[B, H]``.
        """
        return functional.normalize(vectors, dim=1) if self.unit_length else vectors

    def forward(self, tokens: PackedTokens, sequence_row: NDArray[np.int64], n_rows: int) -> Tensor:
        """Answer rows.

        Args:
            tokens: The rows' sequences, shortest first.
            sequence_row: Row of each sequence, ``[S]``.
            n_rows: B.

        Returns:
            Logits, ``[B, C]``.
        """
        logits: Tensor = self.head(self.features(tokens, sequence_row, n_rows))
        return logits


def row_means(vectors: Tensor, sequence_row: NDArray[np.int64], n_rows: int) -> Tensor:
    """Bring sequences into the order of their rows; a row of several windows gets their average.

    Args:
        vectors: One a sequence, ``[S, H]``.
        sequence_row: Row of each sequence; every row has at least one, ``[S]``.
        n_rows: B.

    Returns:
        One vector a row, ``[B, H]``.

    Example:
        >>> row_means(torch.tensor([[2.0], [5.0], [4.0]]), np.array([1, 0, 1]), 2)
        tensor([[5.],
                [3.]])
    """
    if len(sequence_row) == n_rows:
        order = torch.from_numpy(np.argsort(sequence_row))
        return vectors.index_select(0, order.to(vectors.device))
    row = torch.tensor(sequence_row, device=vectors.device)
    n_windows = torch.tensor(np.bincount(sequence_row, minlength=n_rows), dtype=vectors.dtype, device=vectors.device)
    return vectors.new_zeros(n_rows, vectors.shape[1]).index_add(0, row, vectors) / n_windows.unsqueeze(1)
