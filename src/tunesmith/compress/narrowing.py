"""Narrowing: an encoder whose vectors are shorter begins as the largest channels, heads and neurons of its parent.

What its head is to see are the parent's features in the channels that are kept; the head is solved for what the parent
answers of them. Both move on from there: with fewer channels the same can be said, but not in the same words.
"""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from tunesmith.compress.activity import activity
from tunesmith.compress.distilling import Lesson, some_of
from tunesmith.compress.importance import largest
from tunesmith.compress.source import Parent
from tunesmith.errors import ConfigError
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.encoders.flat import FlatEncoder
from tunesmith.models.heads.linear import LinearHead
from tunesmith.models.poolings.attention import AttentionPooling
from tunesmith.models.smaller import keep_channels, keep_neurons

_RIDGE = 1e-3
"""Of the head's first solution, in the mean square of a feature."""


def refuse_width(parent: Parent, width: int) -> None:
    """Make sure that an encoder can be made so narrow.

    Args:
        parent: The model.
        width: Channels to keep.

    Raises:
        ConfigError: ``bad-setting``: it is no narrower, or heads do not fit into it, or no config can tell of it, or
            rows are pairs that are read apart.
    """
    config = parent.encoder.config
    head_size = config.hidden_size // config.num_attention_heads
    if width >= config.hidden_size or width % head_size:
        raise ConfigError(
            "bad-setting",
            f"width = {width}: not a multiple of {head_size} below the {config.hidden_size} of the model",
            allowed=f"{head_size} to {config.hidden_size - head_size}, in steps of {head_size}, the width of a head"
            if config.num_attention_heads > 1
            else "a model of two heads or more",
            advice="leave the width out, and ask for fewer layers",
        )
    if parent.encoder.embeddings.project is not None and width == config.embedding_size:
        raise ConfigError(
            "bad-setting",
            f"width = {width}: word vectors have the same, and no config tells of a map between the two",
            allowed=f"another multiple of {head_size}",
            advice="ask for another width",
        )
    if parent.model.classifier.pair is not None:
        raise ConfigError(
            "bad-setting",
            f"width = {width}: texts of pairs are read apart, and what their head sees of both has no channels",
            allowed="models of single texts, or of pairs read as one",
            advice="leave the width out, and ask for fewer layers",
        )


def narrowed(
    parent: Parent, encoder: FlatEncoder, lesson: Lesson, *, width: int, seed: int
) -> tuple[EncoderClassifier, Lesson, str]:
    """Keep the largest channels, heads and neurons, and begin a head for them.

    Args:
        parent: Left as it is.
        encoder: Layers of the parent's.
        lesson: What the parent says.
        width: Channels to keep; see ``refuse_width``.
        seed: Of the rows that sizes are measured on.

    Returns:
        The classifier; the lesson, whose features are those that its head is to see; and what was kept, in words.
    """
    config, ours = encoder.config, parent.model.classifier
    found = activity(encoder, some_of(lesson, seed=seed).tokens)
    n_heads = config.num_attention_heads * width // config.hidden_size
    n_neurons = math.ceil(config.intermediate_size * width / config.hidden_size)
    channels = largest(found.channels, width)
    fewer = keep_neurons(encoder, [largest(each, n_neurons) for each in found.neurons])
    small = keep_channels(fewer, channels, [largest(each, n_heads) for each in found.heads])
    features = lesson.features[:, channels]
    if ours.unit_length:
        features = functional.normalize(features, dim=1)
    head = _solved(features, lesson.outputs)
    made = EncoderClassifier(small, ours.pooling, head, unit_length=ours.unit_length)
    if isinstance(ours.pool, AttentionPooling):
        made.pool = copy.deepcopy(ours.pool)
        made.pool.query = torch.nn.Parameter(ours.pool.query.detach()[channels].clone())
    told = f"{width} of {config.hidden_size} channels, {n_heads} of {config.num_attention_heads} heads"
    return made.eval().requires_grad_(True), replace(lesson, features=features), f"{told}, those that are largest"


def _solved(features: Tensor, outputs: Tensor) -> LinearHead:
    """Fit a head to what the parent answers, by least squares; it goes on learning with what is below it."""
    n_rows, width = features.shape
    seen = torch.cat([features, torch.ones(n_rows, 1)], dim=1).double()
    ridge = torch.eye(width + 1, dtype=torch.float64) * _RIDGE * float(features.double().square().sum()) / width
    weights = torch.linalg.solve(seen.T @ seen + ridge, seen.T @ outputs.double()).float()
    head = LinearHead(width, outputs.shape[1])
    head.load_state_dict({"weight": weights[:-1].T.contiguous(), "bias": weights[-1].clone()})
    return head
