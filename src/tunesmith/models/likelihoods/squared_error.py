"""A number: the one output is its expectation, with the same error for all rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from tunesmith.errors import ShapeError


class SquaredError:
    """Targets are numbers, float32 ``[B]``, best of mean 0 and spread 1; there is one output."""

    name = "squared_error"
    tempered = False

    def rows(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Measure half the squared error of each row.

        Args:
            outputs: ``[B, 1]``.
            targets: ``[B]``.

        Returns:
            The loss ``[B]``, and the error ``[B, 1]``.
        """
        error = outputs - targets[:, None]
        return error[:, 0].square() / 2, error

    def curvature(self, n_outputs: int) -> float:
        """Give the second derivative, which is the same everywhere.

        Args:
            n_outputs: 1.

        Returns:
            1.
        """
        del n_outputs
        return 1.0

    def means(self, outputs: Tensor) -> Tensor:
        """Give the number, ``[B, 1]``: see ``Likelihood``."""
        return outputs

    def divergence(self, outputs: Tensor, others: Tensor) -> Tensor:
        """Measure the divergence of normal distributions of spread 1: see ``Likelihood``."""
        return (outputs - others).square().sum(dim=1) / 2

    def refuse_misfits(self, targets: NDArray[np.generic], n_outputs: int) -> None:
        """Make sure that targets are numbers.

        Args:
            targets: ``[B]``.
            n_outputs: 1.

        Raises:
            ShapeError: They are not, or there is none.
        """
        if n_outputs != 1 or targets.ndim != 1 or not len(targets):
            raise ShapeError(f"numbers [B] of some rows and one output wanted: targets {targets.shape}, {n_outputs}")
        if not np.isfinite(targets).all():
            raise ShapeError(f"{int((~np.isfinite(targets)).sum())} targets are not finite")


def build() -> SquaredError:
    """Build the likelihood.

    Returns:
        It has no state.
    """
    return SquaredError()
