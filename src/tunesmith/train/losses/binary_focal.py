"""Focal loss of yes or no for each output: binary cross-entropy that weighs what is right already less."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from tunesmith.models.likelihoods.cumulative import above
from tunesmith.train.losses import Loss
from tunesmith.train.losses._focus import FocalOptions, focused

LIKELIHOODS = ("sigmoid", "cumulative")
"""Likelihoods whose targets it takes."""

Options = FocalOptions


def build(options: Options) -> Loss:
    """Build the loss.

    Args:
        options: The exponent.

    Returns:
        ``logits [B, C]`` and targets, 0 or 1 ``[B, C]`` or level numbers ``[B]``, to loss ``[B]``: the mean over the
        outputs of ``-(1 - p)^gamma log p`` of what is right.

    Source: Lin et al. 2017, equation 4, without class weights.
    """

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        wanted = (above(targets, logits.shape[1]) if targets.ndim == 1 else targets).to(logits.dtype)
        negative_log = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
        return focused(negative_log, options.gamma).mean(dim=1)

    return loss
