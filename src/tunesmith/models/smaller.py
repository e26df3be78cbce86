"""Cutting a flat encoder down: fewer layers, neurons or word vectors; what is left is as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from tunesmith.errors import ShapeError
from tunesmith.models.encoder_config import EncoderConfig
from tunesmith.models.encoders.flat import FlatEncoder

_LAYERS, _WORDS = "layers.", "embeddings.word.weight"


def keep_layers(encoder: FlatEncoder, numbers: Sequence[int]) -> FlatEncoder:
    """Leave layers out.

    Args:
        encoder: Of float32, without what a method has put in; left as it is.
        numbers: Those to keep, from the bottom up, the lowest being 0.

    Returns:
        An encoder of its own memory, in evaluation mode.

    Raises:
        ShapeError: The encoder does not have such layers, or none is kept.
    """
    there = range(encoder.config.num_hidden_layers)
    if not numbers or any(number not in there for number in numbers):
        raise ShapeError(f"layers {list(numbers)} of an encoder that has layers 0 to {there[-1]}")
    kept = {f"{_LAYERS}{old}.": f"{_LAYERS}{new}." for new, old in enumerate(numbers)}
    state = {}
    for name, tensor in encoder.state_dict().items():
        head, dot, tail = name.removeprefix(_LAYERS).partition(".")
        if not name.startswith(_LAYERS):
            state[name] = tensor.clone()
        elif (before := f"{_LAYERS}{head}{dot}") in kept:
            state[kept[before] + tail] = tensor.clone()
    return _built(encoder, encoder.config.with_shape(num_hidden_layers=len(numbers)), state)


def keep_neurons(encoder: FlatEncoder, kept: Sequence[Sequence[int]]) -> FlatEncoder:
    """Leave neurons of the feed-forward halves out.

    Args:
        encoder: Of float32, without what a method has put in; left as it is.
        kept: Of each layer the numbers of those to keep, as many in every layer: its config has room for one width.

    Returns:
        An encoder of its own memory, in evaluation mode.

    Raises:
        ShapeError: They are not as many in every layer, or one layer's neurons are missing.
    """
    widths = {len(numbers) for numbers in kept}
    if len(kept) != encoder.config.num_hidden_layers or len(widths) != 1:
        raise ShapeError(f"{sorted(widths)} neurons in {len(kept)} layers of {encoder.config.num_hidden_layers}")
    state = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    for layer, numbers in enumerate(kept):
        index = torch.tensor(numbers, dtype=torch.int64)
        for name, axis in (("grow.weight", 0), ("grow.bias", 0), ("shrink.weight", 1)):
            whole = f"{_LAYERS}{layer}.{name}"
            state[whole] = state[whole].index_select(axis, index)
    return _built(encoder, encoder.config.with_shape(intermediate_size=widths.pop()), state)


def keep_words(encoder: FlatEncoder, tokens: Sequence[int]) -> FlatEncoder:
    """Leave word vectors out.

    Args:
        encoder: Of float32; left as it is.
        tokens: Those to keep, in their new order; that of padding must be among them.

    Returns:
        An encoder of its own memory, in evaluation mode.

    Raises:
        ShapeError: The token of padding is left out.
    """
    padding = encoder.config.pad_token_id
    if padding not in tokens:
        raise ShapeError(f"token {padding} is the padding and must be kept")
    state = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    state[_WORDS] = state[_WORDS].index_select(0, torch.tensor(tokens, dtype=torch.int64))
    changes = {"vocab_size": len(tokens)}
    if tokens.index(padding) != padding:
        changes["pad_token_id"] = tokens.index(padding)
    return _built(encoder, encoder.config.with_shape(**changes), state)


def _built(encoder: FlatEncoder, config: EncoderConfig, state: Mapping[str, Tensor]) -> FlatEncoder:
    """Build an encoder of another shape; BERT's pooler, which nothing here uses, goes along for whoever loads it."""
    with torch.device("meta"):
        made = FlatEncoder(config)
    made.load_state_dict(state, assign=True)
    made.pooler = dict(encoder.pooler)
    return made.eval()
