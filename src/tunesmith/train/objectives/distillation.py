"""Distillation: a smaller or other model is trained to say what a teacher says, and to see texts as it sees them.

Source: Hinton et al. 2015, section 2, at temperature 1 on top of the teacher's own; features after Romero et al. 2015.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from tunesmith.data.batch import Batch
    from tunesmith.models.classifier import EncoderClassifier
    from tunesmith.models.likelihoods import Likelihood


class Distillation:
    """A classifier that is trained to say of each row what it is told.

    Args:
        classifier: The student.
        likelihood: What outputs say of a target.
        outputs: The teacher's of every row, ``[rows, C]``; a batch's rows index them.
        features: What the teacher's head sees of every row, ``[rows, F]``, as wide as what the student's sees; None
            where the outputs alone are learnt.
    """

    def __init__(
        self, classifier: EncoderClassifier, likelihood: Likelihood, outputs: Tensor, *, features: Tensor | None = None
    ) -> None:
        self.classifier = classifier
        self._likelihood = likelihood
        self._outputs = outputs
        self._features = features
        self._scale = 1.0 if features is None else 1.0 / float(features.square().sum(dim=1).mean().clamp(min=1e-12))

    def loss_sum(self, batch: Batch) -> Tensor:
        """Sum the loss over the batch's rows.

        Args:
            batch: Rows of the training set, packed.

        Returns:
            The divergence from the teacher, and the squared distance of the features in squared lengths of the
            teacher's; a scalar with a graph behind it.
        """
        rows = torch.from_numpy(batch.rows)
        seen = self.classifier.features(batch.tokens, batch.sequence_text, batch.n_texts)
        loss = self._likelihood.divergence(self._outputs[rows], self.classifier.head(seen)).sum()
        if self._features is None:
            return loss
        return loss + self._scale * (seen - self._features[rows]).square().sum()

    def parameters(self) -> Iterable[torch.nn.Parameter]:
        """List the encoder's and the head's parameters.

        Returns:
            Every parameter, frozen ones too.
        """
        return self.classifier.parameters()
