"""Cross-entropy: the negative log likelihood of the right class."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from tunesmith.config import Settings
from tunesmith.train.losses import Loss

LIKELIHOODS = ("softmax",)
"""Likelihoods whose targets it takes."""


class Options(Settings):
    """Cross-entropy has no options."""


def build(options: Options) -> Loss:
    """Build the loss.

    Args:
        options: None to set.

    Returns:
        ``logits [B, C]``, ``targets [B]`` to loss ``[B]``.
    """
    del options

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        return functional.cross_entropy(logits, targets, reduction="none")

    return loss
