"""Which weight learns how fast: layer-wise rates, no decay on biases and norms, a rate of its own for the head."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch


def parameter_groups(
    layers: Sequence[Sequence[torch.nn.Parameter]],
    head: Iterable[torch.nn.Parameter],
    *,
    learning_rate: float,
    head_learning_rate: float,
    layer_decay: float,
    weight_decay: float,
) -> list[dict[str, Any]]:
    """Sort parameters into groups of one rate and one decay.

    Args:
        layers: The encoder's parameters, bottom (embeddings) to top; frozen ones are left out.
        head: Parameters of the classification head.
        learning_rate: Peak rate of the top layer.
        head_learning_rate: Peak rate of the head.
        layer_decay: Factor on the rate for each layer further down.
        weight_decay: Decay of matrices, as the optimiser takes it; vectors (biases, norms) never decay.

    Returns:
        Torch parameter groups with ``params``, ``lr``, ``peak_lr`` and ``weight_decay``; none is empty.

    Source: layer-wise rates after Howard and Ruder 2018, section 3.2.
    """
    groups: list[dict[str, Any]] = []
    depth = len(layers)
    for height, layer in enumerate(layers):
        rate = learning_rate * layer_decay ** (depth - 1 - height)
        groups += _by_decay(layer, rate, weight_decay)
    return groups + _by_decay(head, head_learning_rate, weight_decay)


def _by_decay(parameters: Iterable[torch.nn.Parameter], rate: float, weight_decay: float) -> list[dict[str, Any]]:
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    matrices = [parameter for parameter in trained if parameter.ndim > 1]
    vectors = [parameter for parameter in trained if parameter.ndim <= 1]
    return [
        {"params": chosen, "lr": rate, "peak_lr": rate, "weight_decay": decay}
        for chosen, decay in ((matrices, weight_decay), (vectors, 0.0))
        if chosen
    ]


def scale_rates(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Set every group's learning rate to its peak times a schedule's factor.

    Args:
        optimizer: Built over groups of ``parameter_groups``.
        factor: 0..1.
    """
    for group in optimizer.param_groups:
        group["lr"] = group["peak_lr"] * factor
