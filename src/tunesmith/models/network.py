"""What every network over tokens is: a module from packed tokens to one vector a token."""

from __future__ import annotations

from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tunesmith.types import PackedTokens


class Network(nn.Module):
    """A pretrained encoder, or a network whose weights come from the user's rows alone.

    Sequences come packed, without padding, and a token's vector depends on its own sequence alone.

    Args:
        hidden_size: Width of the token vectors.
    """

    ends_at_firsts = False
    """Whether it has ``firsts``."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size

    @property
    def device(self) -> torch.device:
        """Where it computes, and what works with it must lie."""
        first = next(chain(self.parameters(), self.buffers()), None)
        return torch.device("cpu") if first is None else first.device

    def forward(self, tokens: PackedTokens) -> Tensor:
        """Give each token its vector.

        Args:
            tokens: Sequences end to end, shortest first.

        Returns:
            A vector a token, ``[T, H]``, in the order of the tokens.
        """
        raise NotImplementedError

    def firsts(self, tokens: PackedTokens) -> Tensor:
        """Give the first token of each sequence its vector, and do none of the work that only the others need.

        Args:
            tokens: Sequences end to end, shortest first.

        Returns:
            The vectors that ``forward`` gives these tokens, ``[S, H]``.
        """
        raise NotImplementedError

    def layer_groups(self) -> list[list[nn.Parameter]]:
        """Sort the parameters by height, for rates that differ by layer and for freezing from below.

        Returns:
            The embeddings, then each layer from the bottom up; every parameter is in exactly one group.
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
