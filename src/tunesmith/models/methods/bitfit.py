"""``bitfit``: of each layer the biases alone learn.

Source: Ben Zaken et al. 2022; here the one below the layers stays as it is, and no gradient goes down to the tables.
"""

from __future__ import annotations

import torch

from tunesmith.config import Settings
from tunesmith.models.encoder import Encoder
from tunesmith.models.methods import Method
from tunesmith.models.methods._unfit import unfit

LEARNING_RATE = 3e-3
LAYER_DECAY = 1.0
LEAVES_BASE = True


class Options(Settings):
    """This method has no options."""


class BitFit(Method):
    """The biases of the layers learn."""

    def learns(self, name: str, *, height: int, depth: int) -> bool:
        """Say whether a weight of the encoder learns.

        Args:
            name: Of the parameter.
            height: Its group from the bottom.
            depth: Groups in all.

        Returns:
            Whether it is a bias of a layer.
        """
        del depth
        return height > 0 and name.endswith("bias")

    def install(self, encoder: Encoder, generator: torch.Generator) -> None:
        """Add nothing.

        Args:
            encoder: Stays as it is.
            generator: Nothing is drawn.

        Returns:
            None.

        Raises:
            ConfigError: ``method-unfit``, no layer has a bias.
        """
        del generator
        if not any(parameter.requires_grad for parameter in encoder.parameters()):
            advice = "--method lora learns as little in an encoder of this kind"
            raise unfit("bitfit", encoder.config.model_type, lacks="no biases", advice=advice)


def build(options: Options) -> BitFit:
    """Build the method.

    Args:
        options: None to set.

    Returns:
        The method.
    """
    del options
    return BitFit()
