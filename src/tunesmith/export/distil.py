"""Teaching a model to answer with another pooling: for a model that no stock class can compute, one that it can.

The student begins as the encoder itself, its tokens averaged, under a head fitted to the model's answers; then all of
it but the table of words is trained on those answers, calibrated, as soft targets.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tunesmith.data.tokenize import TokenSet
from tunesmith.export.source import Model
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.encoder import pretrained
from tunesmith.models.heads.linear import LinearHead
from tunesmith.models.likelihoods import Likelihood
from tunesmith.runtimes.torch import encode
from tunesmith.train.objectives.distillation import Distillation
from tunesmith.train.parameter_groups import parameter_groups
from tunesmith.train.teaching import Course, teach
from tunesmith.types import Text

POOLING = "mean"

_EPOCHS = 3
_BATCH_TOKENS = 512
_MOST_WINDOWS = 4
_RATE, _HEAD_RATE, _LAYER_DECAY, _WEIGHT_DECAY = 2e-4, 1e-3, 0.9, 0.01
_L2 = 1e-5
_HEAD_STEPS = 100


def distilled(model: Model, texts: list[Text], outputs: NDArray[np.float32], *, seed: int) -> Model:
    """Train a model of mean pooling and unit length that answers as another does.

    Args:
        model: The teacher, left as it is.
        texts: Rows to train on.
        outputs: The teacher's, calibrated, ``[rows, C]``.
        seed: Of the order of the rows.

    Returns:
        The student; its temperature is 1.
    """
    tokens = model.tokens(texts).at_most(_MOST_WINDOWS)
    targets = torch.from_numpy(outputs)
    encoder = copy.deepcopy(pretrained(model.encoder.classifier.encoder))
    head = LinearHead(encoder.hidden_size, model.n_outputs)
    student = EncoderClassifier(encoder, POOLING, head, unit_length=True).eval()  # the teacher knows no dropout either
    _solve_head(student.head, torch.from_numpy(encode(student, tokens)), model.likelihood, targets=targets)
    encoder.freeze(1)
    _train(Distillation(student, model.likelihood, targets), student, tokens, seed=seed)
    made = replace(model.encoder, classifier=student)
    return replace(model, encoder=made, calibration=replace(model.calibration, temperature=1.0))


def _solve_head(head: LinearHead, features: Tensor, likelihood: Likelihood, *, targets: Tensor) -> None:
    """Fit the head on the features as they are: a convex problem."""
    optimizer = torch.optim.LBFGS(head.parameters(), max_iter=_HEAD_STEPS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = likelihood.divergence(targets, head(features)).mean() + _L2 * head.weight.square().sum()
        torch.autograd.backward(loss)
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]


def _train(objective: Distillation, student: EncoderClassifier, tokens: TokenSet, *, seed: int) -> None:
    """Train all but the embeddings."""
    groups = parameter_groups(
        student.encoder.layer_groups(),
        student.head.parameters(),
        learning_rate=_RATE,
        head_learning_rate=_HEAD_RATE,
        layer_decay=_LAYER_DECAY,
        weight_decay=_WEIGHT_DECAY,
    )
    teach(objective, tokens, groups, course=Course(_EPOCHS, _BATCH_TOKENS), seed=seed)
