"""``cnn``: filters over windows of words; each looks for a turn of phrase, wherever it stands.

Source: Kim 2014, "Convolutional Neural Networks for Sentence Classification".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from tunesmith.config import Settings
from tunesmith.models.body import Body
from tunesmith.models.dropout import Coins, drop_alike
from tunesmith.types import PackedTokens

POOLING = "max"
LEARNING_RATE = 1e-3
SHARE_OF_MATMUL_RATE = 0.25

Widths = Annotated[tuple[Annotated[int, Field(ge=1, le=64)], ...], Field(strict=False, min_length=1, max_length=16)]


class Options(Settings):
    """Filters over windows of words."""

    widths: Widths = (3, 4, 5)
    """Tokens that a filter sees, for each group of filters."""

    filters: int = Field(100, ge=1, le=4096)
    """Filters of each width."""

    dropout: float = Field(0.5, ge=0.0, le=0.95)
    """Share of the features of a text that one training step leaves out."""


class Cnn(Body):
    """One layer of filters of several widths, and what is below zero cut off.

    Args:
        options: Widths and number of the filters.
        embedding_size: Width of the word vectors.
    """

    def __init__(self, options: Options, embedding_size: int) -> None:
        super().__init__(len(options.widths) * options.filters)
        self.dropout = options.dropout
        self.widths = options.widths
        self.filters = nn.ModuleList(nn.Linear(width * embedding_size, options.filters) for width in options.widths)

    def forward(self, vectors: Tensor, tokens: PackedTokens, coins: Coins | None) -> Tensor:
        """Pass every filter over each sequence, which ends in zeros on either side.

        Args:
            vectors: Of the words, ``[T, E]``.
            tokens: The sequences they belong to, shortest first.
            coins: Decisions of dropout; None in evaluation.

        Returns:
            ``[T, F]``, none below zero.
        """
        bordered = torch.cat([vectors, vectors.new_zeros(1, vectors.shape[1])])
        found = [
            layer(bordered.index_select(0, places.to(vectors.device)).view(len(vectors), -1))
            for layer, places in zip(self.filters, _windows(tokens.lengths, self.widths), strict=True)
        ]
        return drop_alike(functional.relu(torch.cat(found, dim=1)), tokens.lengths, self.dropout, coins=coins)

    def start(self, generator: torch.Generator) -> None:
        """Draw the filters, biases zero.

        Args:
            generator: All that is drawn comes from it.

        Source: He et al. 2015, for layers cut off below zero.
        """
        for parameter in self.filters.parameters():
            if parameter.ndim > 1:
                nn.init.kaiming_uniform_(parameter, nonlinearity="relu", generator=generator)
            else:
                nn.init.zeros_(parameter)

    def forward_flops(self, lengths: NDArray[np.int64]) -> float:
        """Count the operations of all filters.

        Args:
            lengths: Tokens of each sequence, ``[S]``.

        Returns:
            Operations of all matrix products.
        """
        n_weights = sum(parameter.numel() for parameter in self.filters.parameters() if parameter.ndim > 1)
        return 2.0 * float(lengths.sum()) * n_weights


def build(options: Options, embedding_size: int) -> Cnn:
    """Build the filters.

    Args:
        options: Widths and number of the filters.
        embedding_size: Width of the word vectors.

    Returns:
        The body, its weights still to be drawn or loaded.
    """
    return Cnn(options, embedding_size)


def _windows(lengths: NDArray[np.int64], widths: Sequence[int]) -> list[Tensor]:
    """For each width the tokens that each window sees, one after the other, ``[T width]``; T where there is none."""
    n_tokens = int(lengths.sum())
    ends = np.repeat(lengths.cumsum(), lengths)[:, None]
    starts = ends - np.repeat(lengths, lengths)[:, None]
    found = []
    for width in widths:
        seen = np.arange(n_tokens)[:, None] + np.arange(width) - (width - 1) // 2
        found.append(torch.from_numpy(np.where((seen >= starts) & (seen < ends), seen, n_tokens).ravel()))
    return found
