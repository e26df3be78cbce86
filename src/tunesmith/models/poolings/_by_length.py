"""The walk that poolings share: one view a length."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tunesmith.errors import ShapeError
from tunesmith.types import PackedTokens


def pool_by_length(hidden: Tensor, tokens: PackedTokens, reduce: Callable[[Tensor], Tensor]) -> Tensor:
    """Apply ``reduce`` from ``[n, length, H]`` to ``[n, H]`` to the sequences of each length, in order, ``[S, H]``."""
    if len(hidden) != len(tokens.input_ids):
        raise ShapeError(f"token vectors {list(hidden.shape)} for {len(tokens.input_ids)} tokens")
    pooled = [
        reduce(hidden[start : start + count * length].view(count, length, -1))
        for start, count, length in tokens.groups()
    ]
    return torch.cat(pooled) if pooled else hidden.new_zeros(0, hidden.shape[-1])
