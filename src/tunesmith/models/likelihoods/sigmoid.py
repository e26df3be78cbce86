"""Each of C labels for itself, yes or no: the outputs are log odds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from tunesmith.errors import ShapeError


class Sigmoid:
    """Targets are 1 for a label that the row has and 0 for others, ``[B, C]``."""

    name = "sigmoid"
    tempered = True

    def rows(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Measure the binary cross-entropy of each row, added up over the labels.

        Args:
            outputs: ``[B, C]``.
            targets: ``[B, C]``.

        Returns:
            The loss ``[B]``, and the probabilities less the targets ``[B, C]``.
        """
        wanted = targets.to(outputs.dtype)
        losses = functional.binary_cross_entropy_with_logits(outputs, wanted, reduction="none").sum(dim=1)
        return losses, outputs.sigmoid() - wanted

    def curvature(self, n_outputs: int) -> float:
        """Give the second derivative at zero.

        Args:
            n_outputs: C; each label is for itself.

        Returns:
            A quarter.
        """
        del n_outputs
        return 0.25

    def means(self, outputs: Tensor) -> Tensor:
        """Give the probability of each label, ``[B, C]``: see ``Likelihood``."""
        return outputs.sigmoid()

    def divergence(self, outputs: Tensor, others: Tensor) -> Tensor:
        """Measure the divergence between two answers, added up over the labels: see ``Likelihood``."""
        yes = outputs.sigmoid() * (functional.logsigmoid(outputs) - functional.logsigmoid(others))
        no = (-outputs).sigmoid() * (functional.logsigmoid(-outputs) - functional.logsigmoid(-others))
        return (yes + no).sum(dim=1)

    def refuse_misfits(self, targets: NDArray[np.generic], n_outputs: int) -> None:
        """Make sure that targets are yes or no.

        Args:
            targets: ``[B, C]``.
            n_outputs: C.

        Raises:
            ShapeError: They are not, or there is none.
        """
        if targets.ndim != 2 or targets.shape[1] != n_outputs or not len(targets):
            raise ShapeError(f"0 or 1 for each of {n_outputs} labels of some rows wanted: targets {targets.shape}")
        if not np.isin(targets, (0, 1)).all():
            raise ShapeError(f"targets are 0 or 1: they lie in {targets.min()} to {targets.max()}")


def build() -> Sigmoid:
    """Build the likelihood.

    Returns:
        It has no state.
    """
    return Sigmoid()
