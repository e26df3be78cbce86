"""``lora``: a low-rank product beside each linear map; the encoder's own weights stay as they are.

Source: Hu et al. 2021, equation 3; factors, scale and first weights as in PEFT.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from tunesmith.models.encoder import Encoder
from tunesmith.models.low_rank import LowRank
from tunesmith.models.methods import Method
from tunesmith.models.methods._targets import ProductOptions, fan_in_uniform, put_low_rank
from tunesmith.types import JSON

Options = ProductOptions

LEARNING_RATE = 2e-3
LAYER_DECAY = 0.9
LEAVES_BASE = True


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
        for added in put_low_rank(encoder, "lora", self._options, kind=LowRank):
            for factor in added.A.values():
                fan_in_uniform(factor, generator)

    def peft_settings(self) -> Mapping[str, JSON]:
        """Say what PEFT calls the method.

        Returns:
            Its type.
        """
        return {"peft_type": "LORA"}


def build(options: Options) -> Lora:
    """Build the method.

    Args:
        options: How large the products are and where they stand.

    Returns:
        The method.
    """
    return Lora(options)
