"""Adadelta: updates scaled by the running size of former updates."""

from __future__ import annotations

from typing import Any

import torch
from pydantic import Field

from tunesmith.config import Settings

SCHEDULE = "linear"
AVERAGES = False
RATE = 1000.0


class Options(Settings):
    """Decay of the running squares."""

    rho: float = Field(0.9, ge=0.0, lt=1.0)
    """Decay of the running squares."""

    epsilon: float = Field(1e-6, gt=0.0)
    """Added to both square roots."""


def build(groups: list[dict[str, Any]], options: Options) -> torch.optim.Optimizer:
    """Build the optimiser.

    Args:
        groups: Torch parameter groups, each with ``params``, ``lr`` and ``weight_decay``.
        options: Decay of the running squares.

    Returns:
        torch's own optimiser.

    Source: Zeiler 2012.
    """
    return torch.optim.Adadelta(groups, lr=0.0, rho=options.rho, eps=options.epsilon)
