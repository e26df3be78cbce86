"""Squared error: how far the one output is from a number."""

from __future__ import annotations

from torch import Tensor

from tunesmith.config import Settings
from tunesmith.train.losses import Loss

LIKELIHOODS = ("squared_error",)
"""Likelihoods whose targets it takes."""


class Options(Settings):
    """Squared error has no options."""


def build(options: Options) -> Loss:
    """Build the loss.

    Args:
        options: None to set.

    Returns:
        ``logits [B, 1]``, ``targets [B]`` to loss ``[B]``: half the square, as the likelihood has it.
    """
    del options

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        return (logits[:, 0] - targets).square() / 2

    return loss
