"""Adam: momentum and a rate of its own for each weight; weight decay is part of the gradient."""

from __future__ import annotations

from typing import Any

import torch
from pydantic import Field

from tunesmith.config import Settings

SCHEDULE = "linear"
AVERAGES = False
RATE = 1.0


class Options(Settings):
    """Decay rates of the two moments."""

    beta1: float = Field(0.9, ge=0.0, lt=1.0)
    """Decay of the mean of the gradient."""

    beta2: float = Field(0.999, ge=0.0, lt=1.0)
    """Decay of the mean of its square."""

    epsilon: float = Field(1e-8, gt=0.0)
    """Added to the denominator."""


def build(groups: list[dict[str, Any]], options: Options) -> torch.optim.Optimizer:
    """Build the optimiser.

    Args:
        groups: Torch parameter groups, each with ``params``, ``lr`` and ``weight_decay``.
        options: Decay rates of the two moments.

    Returns:
        torch's own optimiser.

    Source: Kingma and Ba 2015.
    """
    return torch.optim.Adam(groups, lr=0.0, betas=(options.beta1, options.beta2), eps=options.epsilon, fused=True)
