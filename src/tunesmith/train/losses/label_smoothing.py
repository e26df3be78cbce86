"""Cross-entropy against targets that keep a share for the other classes."""

from __future__ import annotations

from pydantic import Field
from torch import Tensor
from torch.nn import functional

from tunesmith.config import Settings
from tunesmith.train.losses import Loss

LIKELIHOODS = ("softmax",)
"""Likelihoods whose targets it takes."""


class Options(Settings):
    """How much is given to the other classes."""

    smoothing: float = Field(0.1, ge=0.0, lt=1.0)
    """Share of the target spread evenly over all classes."""


def build(options: Options) -> Loss:
    """Build the loss.

    Args:
        options: The share that is spread.

    Returns:
        ``logits [B, C]``, ``targets [B]`` to loss ``[B]``.

    Source: Szegedy et al. 2016, section 7.
    """

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        return functional.cross_entropy(logits, targets, reduction="none", label_smoothing=options.smoothing)

    return loss
