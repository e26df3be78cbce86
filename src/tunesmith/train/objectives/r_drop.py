"""R-Drop: two passes of the same rows, under other dropout each, are to answer alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from tunesmith.models.likelihoods import Likelihood

_MEANS_OF_OUTPUTS = ("sigmoid", "cumulative")
"""Likelihoods whose losses are the mean over the outputs; their divergence is to be one too."""


class RDrop:
    """What it costs that two passes answer differently.

    Together with the mean of both passes' losses it is half of the paper's loss, so that a row weighs as much as in
    training with one pass.

    Args:
        likelihood: Tells how far two answers are from each other.
        alpha: The paper's weight of the divergence.

    Source: Liang et al. 2021, "R-Drop: Regularized dropout for neural networks", section 2.
    """

    def __init__(self, likelihood: Likelihood, alpha: float) -> None:
        self._likelihood = likelihood
        self._alpha = alpha

    def __call__(self, outputs: Tensor, others: Tensor) -> Tensor:
        """Measure the mean of the divergences one way and the other.

        Args:
            outputs: Of one pass, ``[B, C]``.
            others: Of the other, ``[B, C]``.

        Returns:
            Of each row, half of it times the weight, ``[B]``; gradients flow back to both passes.
        """
        both = self._likelihood.divergence(outputs, others) + self._likelihood.divergence(others, outputs)
        n_questions = outputs.shape[1] if self._likelihood.name in _MEANS_OF_OUTPUTS else 1
        return self._alpha / 2 * (both / 2) / n_questions
