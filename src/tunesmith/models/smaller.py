"""Cutting a flat encoder down: fewer layers, neurons, channels or word vectors; what is left is as it was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

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


def keep_channels(encoder: FlatEncoder, channels: Sequence[int], heads: Sequence[Sequence[int]]) -> FlatEncoder:
    """Make an encoder narrower: leave out entries of its vectors, and heads of attention.

    Args:
        encoder: Of float32, without what a method has put in; left as it is.
        channels: Entries to keep of the vector that runs through the layers, the same in all of them.
        heads: Of each layer the numbers of those to keep; heads stay as wide as they are, so all are as wide as the
            channels are many.

    Returns:
        An encoder of its own memory, in evaluation mode.

    Raises:
        ShapeError: Channels and heads do not come to the same width.
    """
    config = encoder.config
    head_size = config.hidden_size // config.num_attention_heads
    if len(heads) != len(encoder.layers) or any(head_size * len(each) != len(channels) for each in heads):
        raise ShapeError(f"{len(channels)} channels, but {[len(each) for each in heads]} heads of {head_size}")
    kept = torch.tensor(channels, dtype=torch.int64)
    is_projected = encoder.embeddings.project is not None
    state = {
        name: _channels_of(name, tensor, kept, is_projected=is_projected)
        for name, tensor in encoder.state_dict().items()
    }
    for layer, numbers in enumerate(heads):
        inner = (head_size * torch.tensor(numbers)[:, None] + torch.arange(head_size)).flatten()
        of_qkv = torch.cat([inner + part * config.hidden_size for part in range(3)])
        for name, axis, index in (
            ("qkv.weight", 0, of_qkv),
            ("qkv.bias", 0, of_qkv),
            ("attention_out.weight", 1, inner),
        ):
            whole = f"{_LAYERS}{layer}.{name}"
            state[whole] = state[whole].index_select(axis, index)
    shape = config.with_shape(hidden_size=len(channels), num_attention_heads=len(heads[0]))
    if not is_projected:
        width = len(channels)
        shape = shape.with_shape(embedding_size=width) if "embedding_size" in config.hf else shape
        shape = shape.model_copy(update={"embedding_size": width})
    made = _built(encoder, shape, state)
    made.pooler = {name: _along(tensor, kept, range(tensor.ndim)) for name, tensor in encoder.pooler.items()}
    return made


def _channels_of(name: str, tensor: Tensor, kept: Tensor, *, is_projected: bool) -> Tensor:
    """Keep channels on those axes of a weight that have them; word vectors that are projected have others."""
    if name.startswith("embeddings."):
        if not is_projected:
            return _along(tensor, kept, [tensor.ndim - 1])
        return _along(tensor, kept, [0] if ".project." in name else [])
    module, _, kind = name.removeprefix(_LAYERS).partition(".")[2].rpartition(".")
    axes = {"qkv": {"weight": [1]}, "grow": {"weight": [1]}}.get(module, {"weight": [0], "bias": [0]})
    return _along(tensor, kept, axes.get(kind, []))


def _along(tensor: Tensor, kept: Tensor, axes: Iterable[int]) -> Tensor:
    for axis in axes:
        tensor = tensor.index_select(axis, kept)
    return tensor.clone()


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
