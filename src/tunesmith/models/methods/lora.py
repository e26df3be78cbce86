"""``lora``: a low-rank product beside each linear map; the encoder's own weights stay as they are.

Source: Hu et al. 2021, equation 3; factors, scale and first weights as in PEFT.
"""

from __future__ import annotations

import torch
from pydantic import Field

from tunesmith.config import Settings
from tunesmith.models.encoder import Encoder
from tunesmith.models.methods import Method
from tunesmith.models.methods._targets import Targets, fan_in_uniform, put_low_rank

LEARNING_RATE = 2e-3
LAYER_DECAY = 0.9
LEAVES_BASE = True


class Options(Settings):
    """How large the products are and where they stand."""

    rank: int = Field(4, ge=1, le=1024)
    """Width between the two factors."""

    alpha: float = Field(8.0, gt=0.0)
    """The product counts alpha / rank times."""

    target_modules: Targets = "all"
    """Linear maps that get one: queries and values, all of attention, or those of the feed-forward part too."""

    dropout: float = Field(0.0, ge=0.0, lt=1.0)
    """Share of a product's inputs that is left out in training."""


class Lora(Method):
    """Low-rank products beside linear maps.

    Args:
        options: How large and where.
    """

    def __init__(self, options: Options) -> None:
        self._options = options

    def install(self, encoder: Encoder, generator: torch.Generator) -> None:
        """Put a product beside each linear map: the first factor drawn, the second 0.

        Args:
            encoder: A copy.
            generator: Of the first factors.

        Returns:
            None.

        Raises:
            ConfigError: ``method-unfit``, queries and values are no maps of their own.
        """
        options = self._options
        for added in put_low_rank(
            encoder,
            "lora",
            options.target_modules,
            rank=options.rank,
            scale=options.alpha / options.rank,
            dropout=options.dropout,
            has_values=False,
        ):
            for factor in added.A.values():
                fan_in_uniform(factor, generator)


def build(options: Options) -> Lora:
    """Build the method.

    Args:
        options: How large the products are and where they stand.

    Returns:
        The method.
    """
    return Lora(options)
