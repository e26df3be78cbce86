"""Focal loss: cross-entropy that weighs rows already right less."""

from __future__ import annotations

from pydantic import Field
from torch import Tensor
from torch.nn import functional

from tunesmith.config import Settings
from tunesmith.train.losses import Loss

LIKELIHOODS = ("softmax",)
"""Likelihoods whose targets it takes."""


class Options(Settings):
    """How fast the weight of a row falls with its probability."""

    gamma: float = Field(2.0, ge=0.0, le=10.0)
    """Exponent of ``1 - p``; 0 is plain cross-entropy."""


def build(options: Options) -> Loss:
    """Build the loss.

    Args:
        options: The exponent.

    Returns:
        ``logits [B, C]``, ``targets [B]`` to loss ``[B]``: ``-(1 - p)^gamma log p`` of the right class.

    Source: Lin et al. 2017, equation 4, without class weights.
    """

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        negative_log = functional.cross_entropy(logits, targets, reduction="none")
        if options.gamma == 0.0:
            return negative_log
        # -expm1 keeps 1 - p exact near p = 1; the floor keeps the gradient of the power finite there for gamma < 1.
        wrong = (-(-negative_log).expm1()).clamp_min(1e-12)
        return wrong.pow(options.gamma) * negative_log

    return loss
