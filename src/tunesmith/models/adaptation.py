"""A copy of a pretrained encoder for a method to train: what does not learn stays shared with the original."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from tunesmith.errors import ArtifactError
from tunesmith.models.added import added_tensors, additions
from tunesmith.models.encoder import Encoder
from tunesmith.models.methods import Allocator, Method

E = TypeVar("E", bound=Encoder)


@dataclass(frozen=True, slots=True)
class Adaptation(Generic[E]):
    """A copy of an encoder that a method trains, and what moves about what may be learnt in it."""

    encoder: E
    allocator: Allocator | None


def adapted(base: E, method: Method, *, seed: int) -> Adaptation[E]:
    """Copy an encoder so that a method can train it.

    Args:
        base: The pretrained encoder; it is not changed, but that weights which do not learn ask for no gradient.
        method: Says what learns.
        seed: Of the first weights of what the method puts in.

    Returns:
        The copy, and what goes with it. Weights that do not learn are the base's own tensors: in a small encoder the
        embeddings alone are half of its memory.

    Raises:
        ConfigError: ``method-unfit``, the method has no place in this encoder.
    """
    groups = base.layer_groups()
    heights = {id(parameter): height for height, group in enumerate(groups) for parameter in group}
    learning = {
        name
        for name, parameter in base.named_parameters()
        if base.can_learn(name) and method.learns(name, height=heights[id(parameter)], depth=len(groups))
    }
    shared = {id(parameter): parameter for name, parameter in base.named_parameters() if name not in learning}
    copied = copy.deepcopy(base, dict(shared))
    for name, parameter in copied.named_parameters():
        parameter.requires_grad_(name in learning)
    allocator = method.install(copied, torch.Generator().manual_seed(seed))
    copied.n_frozen = n_frozen(copied)
    return Adaptation(copied, allocator)


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


def learnt_tensors(encoder: Encoder) -> dict[str, Tensor]:
    """Give all in which a copy differs from the encoder it was made of.

    Args:
        encoder: A copy that a method trains or has trained.

    Returns:
        What was put in, under names that are the same in every engine, and weights that learn under transformers'
        names; detached.
    """
    found = added_tensors(encoder)
    for name, parameter in _own(encoder).items():
        names = encoder.hf_names(name)
        found |= zip(names, parameter.detach().chunk(len(names)), strict=True)
    return found


def load_learnt(encoder: Encoder, tensors: Mapping[str, Tensor], *, where: str) -> None:
    """Put what another copy has learnt into this one.

    Args:
        encoder: A copy made for the same method, in any engine.
        tensors: As ``learnt_tensors`` gave them.
        where: The file, for messages.

    Raises:
        ArtifactError: ``adapter-differs``, they are of another method, other options or another encoder.
    """
    into = learnt_tensors(encoder)  # views of the parameters
    found, allowed = ({name: list(tensor.shape) for name, tensor in part.items()} for part in (tensors, into))
    odd = sorted(name for name in found.keys() | allowed.keys() if found.get(name) != allowed.get(name))
    if odd:
        raise ArtifactError(
            "adapter-differs",
            "what was learnt does not fit the base model and the method",
            where=where,
            found=f"{odd[0]} of shape {found.get(odd[0], 'nothing')}" + _and_more(len(odd) - 1),
            allowed=f"{allowed.get(odd[0], 'no such weight')}",
            advice="restore the folder from where it came, or train again",
        )
    with torch.no_grad():
        for name, tensor in tensors.items():
            into[name].copy_(tensor)


def _own(encoder: Encoder) -> dict[str, torch.nn.Parameter]:
    """Weights that came with the checkpoint and learn."""
    added = {id(parameter) for _, part in additions(encoder) for parameter in part.parameters()}
    named = encoder.named_parameters()
    return {name: part for name, part in named if part.requires_grad and id(part) not in added}


def _and_more(count: int) -> str:
    return f"; {count} more differ" if count else ""
