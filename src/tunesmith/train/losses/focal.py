"""Focal loss: cross-entropy that weighs rows already right less."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from tunesmith.train.losses import Loss
from tunesmith.train.losses._focus import FocalOptions, focused

LIKELIHOODS = ("softmax",)
"""Likelihoods whose targets it takes."""

Options = FocalOptions


def build(options: Options) -> Loss:
    """Build the loss.

    Args:
        options: The exponent.

    Returns:
        ``logits [B, C]``, ``targets [B]`` to loss ``[B]``: ``-(1 - p)^gamma log p`` of the right class.

    Source: Lin et al. 2017, equation 4, without class weights.
    """

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        return focused(functional.cross_entropy(logits, targets, reduction="none"), options.gamma)

    return loss
