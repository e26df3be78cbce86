"""A table of token vectors that learns: what an encoder is distilled into, before that is rounded."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tunesmith.models.network import Network
from tunesmith.types import PackedTokens


class TokenVectors(Network):
    """Gives each token the vector of its row, whatever stands beside it.

    Args:
        vectors: A row for each token that can be learnt, ``[rows, D]``.
        row_of: Row of each token of the tokenizer, ``[V]``; those that never come have any.
    """

    def __init__(self, vectors: Tensor, row_of: NDArray[np.int64]) -> None:
        super().__init__(vectors.shape[1])
        self.table = nn.Parameter(vectors)
        self._row_of = torch.from_numpy(row_of)

    def forward(self, tokens: PackedTokens) -> Tensor:
        """Look each token up.

        Args:
            tokens: Sequences end to end, shortest first.

        Returns:
            A vector a token, ``[T, D]``, in the order of the tokens.
        """
        return nn.functional.embedding(self._row_of[torch.tensor(tokens.input_ids)], self.table)

    def layer_groups(self) -> list[list[nn.Parameter]]:
        """Give the one table.

        Returns:
            One group.
        """
        return [[self.table]]

    def forward_flops(self, lengths: NDArray[np.int64]) -> float:
        """Count no operations: looking vectors up has no matrix product.

        Args:
            lengths: Tokens of each sequence, ``[S]``.

        Returns:
            0.
        """
        del lengths
        return 0.0
