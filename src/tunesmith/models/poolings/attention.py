"""An average whose weights are learnt: how much a token counts depends on what it is."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tunesmith.config import Settings
from tunesmith.models.poolings._by_length import pool_by_length
from tunesmith.types import PackedTokens

LEARNS = True


class Options(Settings):
    """This pooling has no options."""


class AttentionPooling(nn.Module):
    """One query for all sequences; it begins at 0, where all tokens count alike: the pooling begins as the mean.

    Args:
        hidden_size: Width of a token's vector.

    Source: Yang et al. 2016, section 2.2, without the layer between token and query.
    """

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.zeros(hidden_size))

    def forward(self, hidden: Tensor, tokens: PackedTokens) -> Tensor:
        """Average each sequence by its weights.

        Args:
            hidden: Vectors of all tokens, ``[T, H]``.
            tokens: The sequences they belong to.

        Returns:
            One vector a sequence, ``[S, H]``.
        """
        return pool_by_length(hidden, tokens, self._average)

    def _average(self, block: Tensor) -> Tensor:
        """Of sequences of one length, ``[n, length, H]`` to ``[n, H]``."""
        weights = (block @ self.query).softmax(dim=1)  # divided by the root of H, a query would hardly move in a fit
        return torch.einsum("nl,nlh->nh", weights, block)


def build(options: Options, hidden_size: int) -> AttentionPooling:
    """Build the pooling.

    Args:
        options: None to set.
        hidden_size: Width of a token's vector.

    Returns:
        It counts all tokens alike.
    """
    del options
    return AttentionPooling(hidden_size)
