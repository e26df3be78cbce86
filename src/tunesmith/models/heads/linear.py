"""The linear head: one score a class."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tunesmith.config import Settings


class Options(Settings):
    """The linear head has no options."""


class LinearHead(nn.Module):
    """Scores every class by a weighted sum of the features; starts at zero, where all classes are equally likely.

    Args:
        hidden_size: Width of the features.
        n_outputs: Number of classes.
    """

    def __init__(self, hidden_size: int, n_outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_outputs, hidden_size))  # [C, H]
        self.bias = nn.Parameter(torch.zeros(n_outputs))  # [C]

    def forward(self, features: Tensor) -> Tensor:
        """Score the classes.

        Args:
            features: ``[B, H]``.

        Returns:
            Logits, ``[B, C]``.
        """
        return functional.linear(features, self.weight, self.bias)


def build(hidden_size: int, n_outputs: int, options: Options) -> LinearHead:
    """Build the head.

    Args:
        hidden_size: Width of the features.
        n_outputs: Number of classes.
        options: None to set.

    Returns:
        The head, all zero.
    """
    del options
    return LinearHead(hidden_size, n_outputs)
