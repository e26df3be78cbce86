"""What rows are fitted to: their targets, what outputs say of them, and how much each row counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tunesmith.models.likelihoods import Likelihood


@dataclass(frozen=True)
class Supervision:
    """The targets of B rows, as a likelihood of so many outputs has them."""

    likelihood: Likelihood
    n_outputs: int
    """C; classes without rows are allowed."""
    targets: NDArray[Any]
    """Of B rows."""
    weights: NDArray[np.float32] | None = None
    """How much each row counts, ``[B]``, of mean 1; None where all count alike."""

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, rows: NDArray[Any]) -> Supervision:
        """Take some rows; their weights stay as they are."""
        weights = None if self.weights is None else self.weights[rows]
        return Supervision(self.likelihood, self.n_outputs, self.targets[rows], weights)

    def refuse_misfits(self) -> None:
        """Make sure that the targets are of the likelihood, and that there are any.

        Raises:
            ShapeError: They are not, or the weights are of other rows.
        """
        self.likelihood.refuse_misfits(self.targets, self.n_outputs)

    def measure(self, outputs: Tensor) -> tuple[float, Tensor]:
        """Measure the mean loss of a row.

        Args:
            outputs: ``[B, C]``.

        Returns:
            The loss, and B times its derivative by the outputs ``[B, C]``.

        Example:
            >>> from tunesmith.models.likelihoods import load_likelihood
            >>> wanted = Supervision(load_likelihood("softmax"), 2, np.array([0]))
            >>> loss, residual = wanted.measure(torch.zeros(1, 2))
            >>> round(loss, 4), residual
            (0.6931, tensor([[-0.5000,  0.5000]]))
        """
        targets, weights = self._tensors
        losses, residual = self.likelihood.rows(outputs, targets)
        if weights is not None:
            losses, residual = losses * weights, residual * weights[:, None]
        return float(losses.mean(dtype=torch.float64)), residual

    @cached_property
    def _tensors(self) -> tuple[Tensor, Tensor | None]:
        """Targets and weights in torch's own memory: numpy's is aligned as the heap has it, and so are the bits."""
        return torch.tensor(self.targets), None if self.weights is None else torch.tensor(self.weights)
