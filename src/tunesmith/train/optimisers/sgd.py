"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from typing import Any

import torch
from pydantic import Field

from tunesmith.config import Settings

SCHEDULE = "linear"
AVERAGES = False
RATE = 100.0


class Options(Settings):
    """Momentum."""

    momentum: float = Field(0.9, ge=0.0, lt=1.0)
    """Share of the last update kept in the next; 0 is plain descent."""


def build(groups: list[dict[str, Any]], options: Options) -> torch.optim.Optimizer:
    """Build the optimiser.

    Args:
        groups: Torch parameter groups, each with ``params``, ``lr`` and ``weight_decay``.
        options: Momentum.

    Returns:
        torch's own optimiser.

    Source: Polyak 1964.
    """
    return torch.optim.SGD(groups, lr=0.0, momentum=options.momentum, fused=True)
