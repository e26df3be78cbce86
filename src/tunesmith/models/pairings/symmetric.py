"""What two texts share and how they differ, the same in either order: for likeness."""

from __future__ import annotations

import torch
from torch import Tensor

from tunesmith.config import Settings


class Options(Settings):
    """The symmetric pairing has no options."""


class Symmetric:
    """The product of the two vectors, whose sum is their cosine, beside the size of their difference.

    Source: Conneau et al. 2017, section 3.1; the product is scaled by the root of H, so that of vectors of length 1
    both parts are about as long.
    """

    def width(self, hidden_size: int) -> int:
        """Count the features: see ``Pairing``."""
        return 2 * hidden_size

    def __call__(self, one: Tensor, other: Tensor) -> Tensor:
        """Combine the vectors of B pairs: see ``Pairing``."""
        return torch.cat([one.shape[1] ** 0.5 * one * other, (one - other).abs()], dim=1)


def build(options: Options) -> Symmetric:
    """Build the pairing.

    Args:
        options: None to set.

    Returns:
        It has no state.
    """
    del options
    return Symmetric()
