"""Binary cross-entropy: each label for itself, or for levels each question whether the level is above another."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from tunesmith.config import Settings
from tunesmith.models.likelihoods.cumulative import above
from tunesmith.train.losses import Loss

LIKELIHOODS = ("sigmoid", "cumulative")
"""Likelihoods whose targets it takes."""


class Options(Settings):
    """Binary cross-entropy has no options."""


def build(options: Options) -> Loss:
    """Build the loss.

    Args:
        options: None to set.

    Returns:
        ``logits [B, C]`` and targets, 0 or 1 ``[B, C]`` or level numbers ``[B]``, to loss ``[B]``: the mean over the
        outputs, so that a rate suits any number of labels.
    """
    del options

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        wanted = above(targets, logits.shape[1]) if targets.ndim == 1 else targets
        losses = functional.binary_cross_entropy_with_logits(logits, wanted.to(logits.dtype), reduction="none")
        return losses.mean(dim=1)

    return loss
