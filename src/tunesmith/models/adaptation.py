"""A copy of a pretrained encoder for a method to train: what does not learn stays shared with the original."""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import TypeVar

import torch

from tunesmith.models.encoder import Encoder
from tunesmith.models.methods import Method

E = TypeVar("E", bound=Encoder)


def adapted(base: E, method: Method, *, learnable: Collection[str], seed: int) -> E:
    """Copy an encoder so that a method can train it.

    Args:
        base: The pretrained encoder; it is not changed, but that weights which do not learn ask for no gradient.
        method: Says what learns.
        learnable: Names of the parameters that may learn at all; a pooler that nothing uses may not.
        seed: Of the first weights of what the method puts in.

    Returns:
        The copy. Weights that do not learn are the base's own tensors: in a small encoder the embeddings alone are half
        of its memory.

    Raises:
        ConfigError: ``method-unfit``, the method has no place in this encoder.
    """
    groups = base.layer_groups()
    heights = {id(parameter): height for height, group in enumerate(groups) for parameter in group}
    learning = {
        name
        for name, parameter in base.named_parameters()
        if name in learnable and method.learns(name, height=heights[id(parameter)], depth=len(groups))
    }
    shared = {id(parameter): parameter for name, parameter in base.named_parameters() if name not in learning}
    copied = copy.deepcopy(base, dict(shared))
    for name, parameter in copied.named_parameters():
        parameter.requires_grad_(name in learning)
    method.install(copied, torch.Generator().manual_seed(seed))
    copied.n_frozen = n_frozen(copied)
    return copied


def n_frozen(encoder: Encoder) -> int:
    """Count the lowest groups of parameters in which nothing learns.

    Args:
        encoder: Any.

    Returns:
        The embeddings are the first, each layer is one more.
    """
    for height, group in enumerate(encoder.layer_groups()):
        if any(parameter.requires_grad for parameter in group):
            return height
    return len(encoder.layer_groups())
