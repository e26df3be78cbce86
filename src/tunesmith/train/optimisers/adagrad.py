"""Adagrad: each weight's rate falls with the squares it has seen."""

from __future__ import annotations

from typing import Any

import torch
from pydantic import Field

from tunesmith.config import Settings

SCHEDULE = "linear"
AVERAGES = False
RATE = 5.0


class Options(Settings):
    """Decay of the rate."""

    lr_decay: float = Field(0.0, ge=0.0)
    """Further decay of the rate by step."""

    epsilon: float = Field(1e-10, gt=0.0)
    """Added to the denominator."""


def build(groups: list[dict[str, Any]], options: Options) -> torch.optim.Optimizer:
    """Build the optimiser.

    Args:
        groups: Torch parameter groups, each with ``params``, ``lr`` and ``weight_decay``.
        options: Decay of the rate.

    Returns:
        torch's own optimiser.

    Source: Duchi, Hazan and Singer 2011.
    """
    return torch.optim.Adagrad(groups, lr=0.0, lr_decay=options.lr_decay, eps=options.epsilon)
