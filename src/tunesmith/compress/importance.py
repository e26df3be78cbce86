"""How much a part of an encoder matters: what happens to what the head sees, and to the answers, without it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from tunesmith.compress.distilling import Lesson, on_trial
from tunesmith.compress.source import Parent
from tunesmith.data.batch import Batch, length_batches
from tunesmith.data.tokenize import TokenSet
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.encoders.flat import FlatEncoder
from tunesmith.models.likelihoods import load_likelihood
from tunesmith.models.smaller import keep_layers
from tunesmith.runtimes.torch import encode

_BATCH_TOKENS = 1024


def least_important_layer(parent: Parent, encoder: FlatEncoder, lesson: Lesson) -> int:
    """Find the layer without which the answers and what the head sees stay nearest to the parent's.

    Args:
        parent: The model before.
        encoder: Of two layers or more; a part of the parent's.
        lesson: Rows, and what the parent makes of them.

    Returns:
        Its number, the lowest being 0.
    """
    layers = range(encoder.config.num_hidden_layers)
    likelihood = load_likelihood(parent.task.likelihood)

    def distance(left_out: int) -> float:
        without = on_trial(parent, keep_layers(encoder, [number for number in layers if number != left_out]))
        features = torch.from_numpy(encode(without, lesson.tokens))
        with torch.no_grad():
            said = likelihood.divergence(lesson.outputs, without.head(features)).mean()
        seen = (features - lesson.features).square().sum(dim=1).mean()
        return float(said + seen / lesson.features.square().sum(dim=1).mean())

    return min(layers, key=distance)


def neuron_importance(parent: Parent, encoder: FlatEncoder, lesson: Lesson, *, seed: int) -> list[Tensor]:
    """Estimate how far what the head sees moves where a neuron of a feed-forward half falls silent.

    To first order a row's features move by the neuron's activation times their derivative by it. The mean square of
    that is estimated along one random direction a row, so one pass back tells it of all neurons. (The distillation loss
    itself tells nothing at its start: a copy of the parent has no loss and no gradient.)

    Args:
        parent: The model before.
        encoder: A part of the parent's; left as it is.
        lesson: The rows to measure on.
        seed: Of the directions.

    Returns:
        Of each layer the importance of its neurons, ``[I]``.

    Source: Molchanov et al. 2019, "Importance Estimation for Neural Network Pruning", equation 8.
    """
    classifier = on_trial(parent, encoder).requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    width = encoder.config.intermediate_size
    found = [torch.zeros(width) for _ in encoder.layers]
    for batch in length_batches(lesson.tokens, batch_tokens=_BATCH_TOKENS):
        row = torch.from_numpy(np.repeat(batch.sequence_text // batch.n_sides, batch.tokens.lengths))
        with _switches(encoder) as switches:
            features = _features(classifier, batch)
            torch.autograd.backward((features * torch.randn(features.shape, generator=generator)).sum())
        for number, switch in enumerate(switches):
            assert switch.grad is not None, "every layer was run"
            found[number] += torch.zeros(len(batch), width).index_add(0, row, switch.grad).square().sum(dim=0)
    classifier.requires_grad_(True)
    return found


def _features(classifier: EncoderClassifier, batch: Batch) -> Tensor:
    return classifier.features(batch.tokens, batch.sequence_text, batch.n_texts)


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

    It is what a narrower encoder begins by, in which all that is left learns anew.

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


def largest(sums: Tensor, n_kept: int) -> list[int]:
    """Choose those that are largest.

    Args:
        sums: One number each.
        n_kept: How many.

    Returns:
        Their numbers, ascending; of equals the first.

    Example:
        >>> largest(torch.tensor([1.0, 3.0, 2.0]), 2)
        [1, 2]
    """
    chosen: list[int] = sums.argsort(descending=True, stable=True)[:n_kept].sort().values.tolist()
    return chosen


@contextmanager
def _switches(encoder: FlatEncoder) -> Iterator[list[Tensor]]:
    """Put a factor of 1 behind every neuron at every token, ``[T, I]`` a layer; its gradient tells what 0 would do."""
    switches: list[Tensor] = []

    def switched(module: torch.nn.Module, inputs: tuple[Tensor]) -> Tensor:
        del module
        switches.append(torch.ones_like(inputs[0], requires_grad=True))
        return inputs[0] * switches[-1]

    hooks = [layer.get_submodule("shrink").register_forward_pre_hook(switched) for layer in encoder.layers]
    try:
        yield switches
    finally:
        for hook in hooks:
            hook.remove()
