"""What a forward or a training pass costs: multiply and add count as two operations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tunesmith.models.encoder_config import EncoderConfig

FORWARD_PASSES_OF_A_STEP = 3.0
"""What training costs with every layer trained: the backward pass makes two products for each of the forward's."""


def forward_flops(config: EncoderConfig, lengths: NDArray[np.int64]) -> float:
    """Count the operations of encoding sequences once.

    Args:
        config: Layers, width and inner width.
        lengths: Tokens of each sequence, ``[S]``.

    Returns:
        Operations of all matrix products.

    Example:
        >>> from types import SimpleNamespace
        >>> shape = SimpleNamespace(num_hidden_layers=6, hidden_size=384, intermediate_size=1536)
        >>> round(forward_flops(shape, np.array([16])) / 16 / 1e6, 1)
        21.4

    Source: per layer and token 8 d^2 for the four projections, 4 d d_ff for the feed-forward part, 4 s d for attention.
    """
    d, inner = config.hidden_size, config.intermediate_size
    tokens = float(lengths.sum())
    pairs = float((lengths.astype(np.float64) ** 2).sum())
    return config.num_hidden_layers * (tokens * (8.0 * d * d + 4.0 * d * inner) + 4.0 * d * pairs)


def training_flops(config: EncoderConfig, lengths: NDArray[np.int64]) -> float:
    """Count the operations of one forward and backward pass with every layer trained.

    Args:
        config: Layers, width and inner width.
        lengths: Tokens of each sequence, ``[S]``.

    Returns:
        Three times the forward pass.
    """
    return FORWARD_PASSES_OF_A_STEP * forward_flops(config, lengths)
