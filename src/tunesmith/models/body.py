"""What stands on word vectors in a network trained from scratch: it lets each word know its neighbours."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tunesmith.models.dropout import Coins
from tunesmith.types import PackedTokens


class Body(nn.Module):
    """Filters, cells or layers over the word vectors of packed sequences; ``networks`` holds the kinds.

    Args:
        hidden_size: Width of the vectors that come out.
    """

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size

    def forward(self, vectors: Tensor, tokens: PackedTokens, coins: Coins | None) -> Tensor:
        """Let each word know its neighbours.

        Args:
            vectors: Of the words, ``[T, E]``.
            tokens: The sequences they belong to, shortest first.
            coins: Decisions of dropout; None in evaluation.

        Returns:
            ``[T, H]``.
        """
        raise NotImplementedError

    def start(self, generator: torch.Generator) -> None:
        """Draw the first weights.

        Args:
            generator: All that is drawn comes from it.
        """
        raise NotImplementedError

    def forward_flops(self, lengths: NDArray[np.int64]) -> float:
        """Count the operations of reading sequences once; multiply and add count as two.

        Args:
            lengths: Tokens of each sequence, ``[S]``.

        Returns:
            Operations of all matrix products.
        """
        raise NotImplementedError
