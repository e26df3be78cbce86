"""Both texts, what they share and how they differ: for what depends on which comes first."""

from __future__ import annotations

import torch
from torch import Tensor

from tunesmith.config import Settings
from tunesmith.models.pairings.symmetric import Symmetric


class Options(Settings):
    """The ordered pairing has no options."""


class Ordered:
    """Each vector, their product and the size of their difference.

    Source: Conneau et al. 2017, section 3.1.
    """

    def width(self, hidden_size: int) -> int:
        """Count the features: see ``Pairing``."""
        return 4 * hidden_size

    def __call__(self, one: Tensor, other: Tensor) -> Tensor:
        """Combine the vectors of B pairs: see ``Pairing``."""
        return torch.cat([one, other, Symmetric()(one, other)], dim=1)


def build(options: Options) -> Ordered:
    """Build the pairing.

    Args:
        options: None to set.

    Returns:
        It has no state.
    """
    del options
    return Ordered()
