"""Supervised learning: an encoder with a head, trained to give each row its target."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from tunesmith.data.batch import Batch
    from tunesmith.models.classifier import EncoderClassifier
    from tunesmith.models.methods import Allocator
    from tunesmith.train.losses import Loss


class Supervised:
    """An ``EncoderClassifier`` with a loss and the rows' targets.

    Args:
        classifier: Encoder, pooling and head.
        loss: Logits ``[B, C]`` and the targets of B rows to ``[B]``.
        targets: Of every row of the training set, ``[rows, ...]``; a batch's rows index it.
        weights: How much each row counts, ``[rows]``, of mean 1; None where all count alike.
        allocator: Moves about what may be learnt; None where nothing is moved.
    """

    def __init__(
        self,
        classifier: EncoderClassifier,
        loss: Loss,
        targets: torch.Tensor,
        *,
        weights: torch.Tensor | None = None,
        allocator: Allocator | None = None,
    ) -> None:
        self.classifier = classifier
        self.allocator = allocator
        self._loss = loss
        self._targets = targets
        self._weights = weights

    def loss_sum(self, batch: Batch) -> torch.Tensor:
        """Sum the loss over the batch's rows.

        Args:
            batch: Rows of the training set, packed.

        Returns:
            A scalar with a graph behind it.
        """
        rows = torch.from_numpy(batch.rows)
        logits = self.classifier(batch.tokens, batch.sequence_text, batch.n_texts)  # [B, C]
        losses = self._loss(logits, self._targets[rows].to(logits.device))  # [B]
        loss = losses.sum() if self._weights is None else (losses * self._weights[rows].to(logits.device)).sum()
        return loss if self.allocator is None else loss + len(batch) * self.allocator.penalty()

    def parameters(self) -> Iterable[torch.nn.Parameter]:
        """List the encoder's and the head's parameters.

        Returns:
            Every parameter, frozen ones too.
        """
        return self.classifier.parameters()

    def observe(self) -> None:
        """Let the allocator look at the gradients of the step just taken."""
        if self.allocator is not None:
            self.allocator.observe()
