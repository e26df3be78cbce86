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
    groups = tokens.groups()
    pieces = hidden.split_with_sizes([count * length for _, count, length in groups])  # one gradient, not one a slice
    pooled = [reduce(piece.view(count, length, -1)) for piece, (_, count, length) in zip(pieces, groups, strict=True)]
    return torch.cat(pooled) if pooled else hidden.new_zeros(0, hidden.shape[-1])
