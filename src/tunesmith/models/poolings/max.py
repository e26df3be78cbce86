"""The largest value of each feature among a sequence's token vectors."""

from __future__ import annotations

from torch import Tensor

from tunesmith.config import Settings
from tunesmith.models.poolings import Pooling
from tunesmith.models.poolings._by_length import pool_by_length
from tunesmith.types import PackedTokens

LEARNS = False


class Options(Settings):
    """This pooling has no options."""


def pool(hidden: Tensor, tokens: PackedTokens) -> Tensor:
    """Take each feature's largest value over the sequence.

    Args:
        hidden: Vectors of all tokens, ``[T, H]``.
        tokens: The sequences they belong to.

    Returns:
        One vector a sequence, ``[S, H]``.

    Example:
        >>> import numpy as np, torch
        >>> tokens = PackedTokens(np.zeros(3, np.int32), np.array([1, 2]))
        >>> pool(torch.tensor([[9.0], [4.0], [2.0]]), tokens).flatten()
        tensor([9., 4.])

    Source: Reimers and Gurevych 2019, section 3, "MAX" pooling.
    """
    return pool_by_length(hidden, tokens, lambda block: block.amax(dim=1))


def build(options: Options, hidden_size: int) -> Pooling:
    """Build the pooling.

    Args:
        options: None to set.
        hidden_size: Width of a token's vector.

    Returns:
        ``pool``.
    """
    del options, hidden_size
    return pool
