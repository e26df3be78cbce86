"""One of C + 1 levels in their order: each output is the log odds that the level is above one of the first C.

Source: Frank and Hall 2001, "A simple approach to ordinal classification".
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tunesmith.errors import ShapeError
from tunesmith.models.likelihoods.sigmoid import Sigmoid


class Cumulative:
    """Targets are level numbers from 0, int64 ``[B]``; C outputs tell C + 1 levels apart."""

    name = "cumulative"
    tempered = True

    def rows(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Measure the binary cross-entropy of each row, added up over the questions whether its level is above another.

        Args:
            outputs: ``[B, C]``.
            targets: ``[B]``.

        Returns:
            The loss ``[B]``, and the probabilities less the answers ``[B, C]``.
        """
        return Sigmoid().rows(outputs, above(targets, outputs.shape[1]))

    def curvature(self, n_outputs: int) -> float:
        """Give the second derivative at zero.

        Args:
            n_outputs: C; each question is for itself.

        Returns:
            A quarter.
        """
        return Sigmoid().curvature(n_outputs)

    def means(self, outputs: Tensor) -> Tensor:
        """Give the probability of each level, ``[B, C + 1]``: see ``Likelihood``.

        Questions answered apart may cross, as if a text were rather above the second level than above the first;
        sorted, no level has less than nothing.
        """
        above_each = outputs.sigmoid().sort(dim=1, descending=True).values
        sure, never = torch.ones_like(above_each[:, :1]), torch.zeros_like(above_each[:, :1])
        return torch.cat([sure, above_each], dim=1) - torch.cat([above_each, never], dim=1)

    def divergence(self, outputs: Tensor, others: Tensor) -> Tensor:
        """Measure the divergence between two answers, added up over the questions: see ``Likelihood``."""
        return Sigmoid().divergence(outputs, others)

    def refuse_misfits(self, targets: NDArray[np.generic], n_outputs: int) -> None:
        """Make sure that targets are level numbers.

        Args:
            targets: ``[B]``.
            n_outputs: C.

        Raises:
            ShapeError: They are not, or there is none.
        """
        if targets.ndim != 1 or not len(targets):
            raise ShapeError(f"level numbers [B] of some rows wanted: targets {targets.shape}")
        if targets.min() < 0 or targets.max() > n_outputs:
            raise ShapeError(f"levels are 0 to {n_outputs}: targets lie in {targets.min()} to {targets.max()}")


def above(levels: Tensor, n_outputs: int) -> Tensor:
    """Answer for each row which of the first levels its own is above.

    Args:
        levels: Level numbers from 0, ``[B]``.
        n_outputs: C.

    Returns:
        True or false, ``[B, C]``.

    Example:
        >>> above(torch.tensor([0, 2]), 2).int()
        tensor([[0, 0],
                [1, 1]], dtype=torch.int32)
    """
    return levels[:, None] > torch.arange(n_outputs, device=levels.device)


def build() -> Cumulative:
    """Build the likelihood.

    Returns:
        It has no state.
    """
    return Cumulative()
