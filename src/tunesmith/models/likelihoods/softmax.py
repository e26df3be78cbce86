"""One class of C: the outputs are log probabilities but for a constant a row."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tunesmith.errors import ShapeError


class Softmax:
    """Targets are class numbers, int64 ``[B]``."""

    name = "softmax"
    tempered = True

    def rows(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Measure the cross-entropy of each row.

        Args:
            outputs: ``[B, C]``.
            targets: ``[B]``.

        Returns:
            The loss ``[B]``, and the probabilities less the target's ``[B, C]``.
        """
        log_probabilities = torch.log_softmax(outputs, dim=1)
        wanted = targets[:, None]
        losses = -log_probabilities.gather(1, wanted)[:, 0]
        residual = log_probabilities.exp_()
        return losses, residual.scatter_add_(1, wanted, residual.new_full(wanted.shape, -1.0))

    def curvature(self, n_outputs: int) -> float:
        """Give the largest second derivative at zero. Source: Böhning 1992.

        Args:
            n_outputs: C.

        Returns:
            ``1 / C``.
        """
        return 1 / n_outputs

    def means(self, outputs: Tensor) -> Tensor:
        """Give the probability of each class, ``[B, C]``: see ``Likelihood``."""
        return outputs.softmax(dim=1)

    def divergence(self, outputs: Tensor, others: Tensor) -> Tensor:
        """Measure the divergence between two answers: see ``Likelihood``."""
        log_shares = outputs.log_softmax(dim=1)
        return (log_shares.exp() * (log_shares - others.log_softmax(dim=1))).sum(dim=1)

    def refuse_misfits(self, targets: NDArray[np.generic], n_outputs: int) -> None:
        """Make sure that targets are class numbers.

        Args:
            targets: ``[B]``.
            n_outputs: C.

        Raises:
            ShapeError: They are not, or there is none.
        """
        if targets.ndim != 1 or not len(targets):
            raise ShapeError(f"class numbers [B] of some rows wanted: targets {targets.shape}")
        if targets.min() < 0 or targets.max() >= n_outputs:
            raise ShapeError(f"classes are 0 to {n_outputs - 1}: targets lie in {targets.min()} to {targets.max()}")


def build() -> Softmax:
    """Build the likelihood.

    Returns:
        It has no state.
    """
    return Softmax()
