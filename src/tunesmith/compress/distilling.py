"""Distilling: an encoder that was cut down is taught to answer as its parent does, and to see texts as it sees them.

The labels of the rows play no part, so texts without any teach as well as others.
"""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass, replace

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from tunesmith.bundle.encoder_model import EncoderModel
from tunesmith.compress.source import Floats, Parent, Rows, Work
from tunesmith.config import Settings
from tunesmith.data.tokenize import TokenSet
from tunesmith.errors import counted
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.encoder import pretrained
from tunesmith.models.encoders.flat import FlatEncoder
from tunesmith.models.likelihoods import load_likelihood
from tunesmith.runtimes.torch import encode
from tunesmith.train.objectives.distillation import Distillation
from tunesmith.train.parameter_groups import parameter_groups
from tunesmith.train.teaching import Course, teach

_MOST_WINDOWS = 4
_MOST_TOKENS = 16_384
"""Of the rows that tell which parts of a model matter."""
_LAYER_DECAY, _WEIGHT_DECAY = 0.9, 0.01
_HEAD_RATE = 5.0
"""Of the head, in rates of the top layer."""
_TOKENS_WORTH_SEEING = 1_500_000
_FEWEST_EPOCHS, _MOST_EPOCHS = 3.0, 20.0


class Learning(Settings):
    """How a smaller model learns from its parent."""

    epochs: float | None = Field(None, gt=0.0, le=1000.0)
    """Passes over the texts; left out, 3 to 20 by their number of tokens, and what the budget allows."""

    learning_rate: float = Field(5e-4, gt=0.0, le=1.0)
    """Peak rate of the top layer."""

    batch_tokens: int = Field(512, ge=16, le=1_000_000)
    """Real tokens of an optimiser step."""

    def passes(self, n_tokens: int) -> float:
        """Say how many passes are worth taking.

        Args:
            n_tokens: Of the texts.

        Returns:
            Those asked for, else more the fewer tokens there are.
        """
        return self.epochs or min(_MOST_EPOCHS, max(_FEWEST_EPOCHS, _TOKENS_WORTH_SEEING / n_tokens))


@dataclass(frozen=True)
class Lesson:
    """What a parent makes of the texts that teach."""

    tokens: TokenSet
    outputs: Tensor
    """``[rows, C]``."""
    features: Tensor
    """What its head sees, ``[rows, F]``."""
    ends_at: float | None
    """When learning must be over, by the monotonic clock."""


def tokens_of_lesson(model: EncoderModel, rows: Rows) -> TokenSet:
    """Turn the texts that teach into tokens; of very long ones some windows are enough.

    Args:
        model: Has a tokenizer.
        rows: Their labels are not looked at.

    Returns:
        One row a text or pair.
    """
    return model.tokens(rows.lesson).at_most(_MOST_WINDOWS)


def features_of(parent: Parent, rows: Rows, work: Work) -> Floats:
    """Give what the parent's head sees of all texts that teach; what was computed before is not computed again.

    Args:
        parent: The teacher.
        rows: Their labels are not looked at.
        work: Is told the progress.

    Returns:
        ``[rows, F]``.
    """
    known = parent.features
    tokens = parent.model.tokens(rows.lesson if known is None else rows.more)
    if known is not None and not tokens.n_rows:
        return known
    found = encode(parent.model.classifier, tokens, progress=work.telling("encoding texts"))
    return found if known is None else np.concatenate([known, found])


def with_features(parent: Parent, rows: Rows, work: Work) -> Parent:
    """Let a parent read the rows to fit on once, for all that will learn from it.

    Args:
        parent: The teacher.
        rows: Those to fit on.
        work: Is told the progress.

    Returns:
        The parent, which keeps what its head saw.
    """
    return replace(parent, features=features_of(parent, replace(rows, more=()), work))


def lesson_of(parent: Parent, rows: Rows, work: Work) -> Lesson:
    """Let the parent read the texts; the budget begins here.

    Args:
        parent: The teacher.
        rows: Those to fit on; their labels are not looked at.
        work: Says the budget.

    Returns:
        The lesson.
    """
    ends_at = None if work.budget_s is None else time.monotonic() + work.budget_s
    all_windows = parent.model.tokens(rows.lesson)
    tokens = all_windows.at_most(_MOST_WINDOWS)
    work.narrator.say(f"asking the model about {counted(tokens.n_rows, 'text')}")
    classifier = parent.model.classifier
    found = features_of(parent, rows, work) if tokens is all_windows else encode(classifier, tokens)
    features = torch.from_numpy(found)
    with torch.no_grad():
        outputs = classifier.head(features)
    return Lesson(tokens, outputs, features, ends_at)


def some_of(lesson: Lesson, *, seed: int) -> Lesson:
    """Take rows at random, enough to tell which parts of a model matter.

    Args:
        lesson: The rows.
        seed: Of the choice.

    Returns:
        At least one of them, in their order.
    """
    order = np.random.default_rng(seed).permutation(lesson.tokens.n_rows)
    n_rows = 1 + int(np.searchsorted(lesson.tokens.n_tokens[order].cumsum(), _MOST_TOKENS))
    chosen = np.sort(order[:n_rows])
    index = torch.from_numpy(chosen)
    return replace(
        lesson, tokens=lesson.tokens.select(chosen), outputs=lesson.outputs[index], features=lesson.features[index]
    )


def on_trial(parent: Parent, encoder: FlatEncoder) -> EncoderClassifier:
    """Put an encoder in the place of the parent's.

    Args:
        parent: Left as it is.
        encoder: Of the same width.

    Returns:
        The encoder under copies of pooling and head, in evaluation mode: the teacher drops nothing out either.
    """
    classifier = parent.model.classifier.with_encoder(encoder)
    classifier.head, classifier.pool = copy.deepcopy((classifier.head, classifier.pool))
    return classifier.eval().requires_grad_(True)


def taught(
    parent: Parent, classifier: EncoderClassifier, lesson: Lesson, *, learning: Learning, work: Work, stage: str
) -> tuple[EncoderModel, str]:
    """Teach what is to take the place of the parent's classifier; its tables stay as they are, where they are as wide.

    Args:
        parent: Left as it is.
        classifier: Begins as a part of the parent's.
        lesson: What the parent says.
        learning: How long and how fast.
        work: Says the seed, and is told the progress.
        stage: Name of the work.

    Returns:
        The model, and in a sentence what it learnt from.
    """
    encoder = pretrained(classifier.encoder)
    if encoder.hidden_size == parent.encoder.hidden_size:
        encoder.freeze(1)
    groups = parameter_groups(
        encoder.layer_groups(),
        classifier.top_parameters(),
        learning_rate=learning.learning_rate,
        head_learning_rate=_HEAD_RATE * learning.learning_rate,
        layer_decay=_LAYER_DECAY,
        weight_decay=_WEIGHT_DECAY,
    )
    objective = Distillation(
        classifier, load_likelihood(parent.task.likelihood), lesson.outputs, features=lesson.features
    )
    n_tokens = int(lesson.tokens.n_tokens.sum())
    epochs = learning.passes(n_tokens)
    left_s = None if lesson.ends_at is None else max(0.0, lesson.ends_at - time.monotonic())
    n_steps = teach(
        objective,
        lesson.tokens,
        groups,
        course=Course(epochs, learning.batch_tokens, left_s),
        seed=work.seed,
        progress=lambda share, left_s: work.narrator.progress(stage, share, left_s),
    )
    passes = min(epochs, n_steps * learning.batch_tokens / n_tokens)
    note = f"taught by the model before on {counted(lesson.tokens.n_rows, 'text')}, {passes:.1f} passes"
    return replace(parent.model, classifier=classifier.requires_grad_(True)), note
