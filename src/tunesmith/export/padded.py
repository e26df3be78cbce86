"""The classifier as one padded forward pass, which is what the graphs of other runtimes are made from."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from tunesmith.export.source import Model
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.poolings.attention import AttentionPooling


def _mean(hidden: Tensor, mask: Tensor) -> Tensor:
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1)


def _max(hidden: Tensor, mask: Tensor) -> Tensor:
    return hidden.masked_fill(mask.unsqueeze(-1) == 0, torch.finfo(hidden.dtype).min).amax(dim=1)


def _cls(hidden: Tensor, mask: Tensor) -> Tensor:
    del mask  # the first token is never padding
    return hidden[:, 0]


class _Attention(nn.Module):
    """Weights by a query that was learnt.

    Args:
        query: ``[H]``.
    """

    def __init__(self, query: Tensor) -> None:
        super().__init__()
        self.query = nn.Parameter(query.detach().clone(), requires_grad=False)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        scores = hidden @ self.query
        weights = scores.masked_fill(mask == 0, torch.finfo(hidden.dtype).min).softmax(dim=1)
        averaged: Tensor = (hidden * weights.unsqueeze(-1)).sum(dim=1)
        return averaged


Padded: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""A pooling with padding: hidden ``[B, T, H]`` and mask ``[B, T]`` to ``[B, H]``."""

POOLINGS: dict[str, Padded] = {"cls": _cls, "max": _max, "mean": _mean}
"""Each of our poolings that has nothing to learn."""


def padded_pooling(classifier: EncoderClassifier) -> Padded:
    """Give the pooling of a classifier with padding.

    Args:
        classifier: The exported one.

    Returns:
        A function, or a module where it has weights.
    """
    pool = classifier.pool
    return _Attention(pool.query) if isinstance(pool, AttentionPooling) else POOLINGS[classifier.pooling]


def answer_names(model: Model) -> tuple[str, ...]:
    """Name what a head gives.

    Args:
        model: The exported one.

    Returns:
        ``logits`` and ``probabilities``, or ``values`` where answers are numbers.
    """
    return ("logits", "probabilities") if model.labels else ("values",)


def vector_names(model: Model) -> tuple[str, ...]:
    """Name what a head reads.

    Args:
        model: The exported one.

    Returns:
        One name a text of a row.
    """
    return ("vectors", "other_vectors") if model.pairs == "apart" else ("vectors",)


class Head(nn.Module):
    """From vectors to calibrated logits and probabilities, or to numbers; of pairs only where both are read as one.

    Args:
        model: Its head and its calibration, which is folded into the weights.
    """

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.unit_length = model.encoder.unit_length
        self.means = model.likelihood.means if model.labels else None
        weight, bias = model.head
        self.weight = nn.Parameter(torch.from_numpy(weight).float(), requires_grad=False)
        self.bias = nn.Parameter(torch.from_numpy(bias).float(), requires_grad=False)

    def forward(self, vectors: Tensor) -> tuple[Tensor, ...]:
        """Score the features.

        Args:
            vectors: Pooled, not yet scaled, ``[B, H]``.

        Returns:
            What ``answer_names`` says: logits ``[B, C]`` and probabilities, one a label, or numbers ``[B, 1]``.
        """
        features = functional.normalize(vectors, dim=1) if self.unit_length else vectors
        logits = functional.linear(features, self.weight, self.bias)
        return (logits,) if self.means is None else (logits, self.means(logits))


class PaddedClassifier(nn.Module):
    """From padded tokens, one window a row, to what the head gives, and the pooled vectors; of pairs, to those alone.

    Args:
        model: Encoder, pooling and head.
    """

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.encoder = model.module
        self.pool = padded_pooling(model.encoder.classifier)
        self.head = None if model.pairs == "apart" else Head(model)
        self.position_offset = model.config.position_offset

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """Answer windows.

        Args:
            input_ids: ``[B, T]``.
            attention_mask: 1 for a real token, 0 for padding, ``[B, T]``.
            token_type_ids: ``[B, T]``, where the encoder takes them.

        Returns:
            What the head gives, and vectors ``[B, H]``, which are not yet scaled.
        """
        more = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        if self.position_offset:  # fairseq's models would take a text's own "<pad>" for padding
            more["position_ids"] = attention_mask.cumsum(dim=1) * attention_mask + self.position_offset - 1
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask, **more).last_hidden_state
        vectors = self.pool(hidden, attention_mask)
        return (vectors,) if self.head is None else (*self.head(vectors), vectors)
