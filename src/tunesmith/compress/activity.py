"""How large what each part of an encoder says is: what a narrower one begins by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from tunesmith.data.batch import length_batches
from tunesmith.data.tokenize import TokenSet
from tunesmith.models.encoders.flat import FlatEncoder

_BATCH_TOKENS = 1024


@dataclass(frozen=True)
class Activity:
    """How much of what an encoder computes is large, summed over tokens."""

    channels: Tensor
    """Of the vector that runs through the layers, ``[H]``."""
    heads: list[Tensor]
    """Of each layer, ``[N]``."""
    neurons: list[Tensor]
    """Of each layer, ``[I]``."""


def activity(encoder: FlatEncoder, tokens: TokenSet) -> Activity:
    """Measure how large what each channel, head and neuron says is, in one pass without gradients.

    Args:
        encoder: In evaluation mode; left as it is.
        tokens: The rows to measure on.

    Returns:
        Sums of absolute values, of heads those of the length of what they give.

    Source: Muralidharan et al. 2024, "Compact Language Models via Pruning and Knowledge Distillation", section 2.2.
    """
    config = encoder.config
    found = Activity(
        torch.zeros(config.hidden_size),
        [torch.zeros(config.num_attention_heads) for _ in encoder.layers],
        [torch.zeros(config.intermediate_size) for _ in encoder.layers],
    )

    def channels(module: nn.Module, inputs: tuple[Tensor], outputs: Tensor) -> None:
        found.channels.add_(outputs.abs().sum(dim=0))

    def heads(sums: Tensor, module: nn.Module, inputs: tuple[Tensor]) -> None:
        sums.add_(inputs[0].view(len(inputs[0]), len(sums), -1).norm(dim=2).sum(dim=0))

    def neurons(sums: Tensor, module: nn.Module, inputs: tuple[Tensor]) -> None:
        sums.add_(inputs[0].abs().sum(dim=0))

    hooks = []
    for layer, of_heads, of_neurons in zip(encoder.layers, found.heads, found.neurons, strict=True):
        for norm in ("attention_norm", "output_norm"):
            hooks.append(layer.get_submodule(norm).register_forward_hook(channels))
        hooks.append(layer.get_submodule("attention_out").register_forward_pre_hook(partial(heads, of_heads)))
        hooks.append(layer.get_submodule("shrink").register_forward_pre_hook(partial(neurons, of_neurons)))
    try:
        with torch.no_grad():
            for batch in length_batches(tokens, batch_tokens=_BATCH_TOKENS):
                encoder(batch.tokens)
    finally:
        for hook in hooks:
            hook.remove()
    return found
