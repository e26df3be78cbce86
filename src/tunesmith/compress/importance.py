"""How much a part of an encoder matters: what happens to what the head sees, and to the answers, without it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from tunesmith.compress.distilling import Lesson, on_trial
from tunesmith.compress.source import Parent
from tunesmith.data.batch import Batch, length_batches
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


def _features(classifier: EncoderClassifier, batch: Batch) -> Tensor:
    return classifier.features(batch.tokens, batch.sequence_text, batch.n_texts)


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
