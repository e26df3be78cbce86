"""Square loss: how far the outputs are from 1 for the right class and 0 for every other."""

from __future__ import annotations

from pydantic import Field
from torch import Tensor
from torch.nn import functional

from tunesmith.config import Settings
from tunesmith.train.losses import Loss

LIKELIHOODS = ("softmax",)
"""Likelihoods whose targets it takes."""


class Options(Settings):
    """What is wanted of the right class, and how much it counts."""

    target: float = Field(1.0, gt=0.0, le=1000.0)
    """Output that the right class is to have; more than 1 where classes are many."""

    right: float = Field(1.0, gt=0.0, le=1000.0)
    """How much the output of the right class counts beside each of the others."""


def build(options: Options) -> Loss:
    """Build the loss.

    Args:
        options: What is wanted of the right class, and how much it counts.

    Returns:
        ``logits [B, C]``, ``targets [B]`` to loss ``[B]``: the mean over the outputs.

    Source: Hui and Belkin 2021, "Evaluation of neural architectures trained with square loss vs cross-entropy in
    classification tasks", with the two factors by which it rescales the loss where classes are many.
    """

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        is_right = functional.one_hot(targets, logits.shape[1]).to(logits.dtype)
        squares = (logits - options.target * is_right).square()
        return (squares * (1.0 + (options.right - 1.0) * is_right)).mean(dim=1)

    return loss
