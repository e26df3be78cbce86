"""Contrastive learning on labels: texts of one label are to lie in one direction, those of two at right angles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from tunesmith.data.batch import Batch
    from tunesmith.models.classifier import EncoderClassifier


class Pairs:
    """The features of an ``EncoderClassifier`` with the rows' classes; its head has no part in it.

    Every pair of a batch counts, for the cost of one pass over its rows: a batch of 40 rows has 780. Pairs alike weigh
    as much as those unlike, however many there are of each.

    Args:
        classifier: Encoder and pooling.
        targets: Class of every row of the training set, ``[rows]``; a batch's rows index it.

    Source: Tunstall et al. 2022, "Efficient few-shot learning without prompts" (SetFit): the squared distance of the
    cosine from 1 or 0, there over pairs that are drawn.
    """

    def __init__(self, classifier: EncoderClassifier, targets: torch.Tensor) -> None:
        self.classifier = classifier
        self._targets = targets

    def loss_sum(self, batch: Batch) -> torch.Tensor:
        """Sum the loss over the batch's rows.

        Args:
            batch: Rows of the training set, packed.

        Returns:
            Mean over the pairs alike and mean over those unlike, times the rows; 0 where there are no pairs. A scalar
            with a graph behind it.
        """
        features = self.classifier.features(batch.tokens, batch.sequence_text, batch.n_texts)  # [B, F]
        directions = functional.normalize(features, dim=1)
        cosines = directions @ directions.T  # [B, B]
        targets = self._targets[torch.from_numpy(batch.rows)].to(cosines.device)
        one, other = torch.triu_indices(len(batch), len(batch), offset=1, device=cosines.device)
        alike = (targets[one] == targets[other]).to(cosines.dtype)
        squares = (cosines[one, other] - alike).square()
        unlike = 1.0 - alike
        means = (squares * alike).sum() / alike.sum().clamp(min=1.0)
        return len(batch) * (means + (squares * unlike).sum() / unlike.sum().clamp(min=1.0))

    def parameters(self) -> Iterable[torch.nn.Parameter]:
        """List what is trained.

        Returns:
            The encoder's parameters, frozen ones too.
        """
        return self.classifier.encoder.parameters()
