"""Between which values the inputs of an encoder's linear maps lie, seen on texts like those it will read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from tunesmith.data.tokenize import TokenSet
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.encoders.flat import FlatEncoder
from tunesmith.models.quantized import ColumnRanges
from tunesmith.models.quantized_encoder import linear_maps
from tunesmith.runtimes.torch import Progress, pooled


def column_ranges(
    classifier: EncoderClassifier, tokens: TokenSet, *, progress: Progress | None = None
) -> dict[str, ColumnRanges]:
    """Run texts through an encoder and watch what goes into its linear maps.

    Args:
        classifier: Its encoder is of the flat engine.
        tokens: The texts.
        progress: Told tokens done and tokens in all.

    Returns:
        By name of the linear map.
    """
    encoder = classifier.encoder
    assert isinstance(encoder, FlatEncoder), "other engines have no such linear maps"
    with watched(encoder) as seen:
        pooled(classifier, tokens, progress=progress)
    return seen


@contextmanager
def watched(encoder: FlatEncoder) -> Iterator[dict[str, ColumnRanges]]:
    """Watch what goes into the linear maps of an encoder while it runs.

    Args:
        encoder: Whatever runs it.

    Yields:
        By name of the linear map, filled by each pass.
    """
    seen: dict[str, ColumnRanges] = {}
    hooks = [
        part.register_forward_pre_hook(partial(_see, seen=seen, name=name))
        for name, part in linear_maps(encoder).items()
    ]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def _see(module: nn.Module, inputs: tuple[Any, ...], *, seen: dict[str, ColumnRanges], name: str) -> None:
    """Widen the ranges of a linear map by what goes into it now."""
    del module
    values: Tensor = inputs[0]
    low, high = values.amin(dim=0), values.amax(dim=0)
    before = seen.get(name, ColumnRanges(low, high))
    seen[name] = ColumnRanges(torch.minimum(before.low, low), torch.maximum(before.high, high))
