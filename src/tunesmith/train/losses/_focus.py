"""What both focal losses do with a negative log likelihood."""

from __future__ import annotations

from pydantic import Field
from torch import Tensor

from tunesmith.config import Settings


class FocalOptions(Settings):
    """How fast the weight of what is right falls with its probability."""

    gamma: float = Field(2.0, ge=0.0, le=10.0)
    """Exponent of ``1 - p``; 0 is plain cross-entropy."""


def focused(negative_log: Tensor, gamma: float) -> Tensor:
    """Weigh what is right already less: ``-(1 - p)^gamma log p``.

    Source: Lin et al. 2017, equation 4, without class weights.
    """
    if gamma == 0.0:
        return negative_log
    # -expm1 keeps 1 - p exact near p = 1; the floor keeps the gradient of the power finite there for gamma < 1.
    wrong = (-(-negative_log).expm1()).clamp_min(1e-12)
    return wrong.pow(gamma) * negative_log
