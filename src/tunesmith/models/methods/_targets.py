"""Which linear maps of an encoder get a low-rank product, and its first weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from tunesmith.models.encoder import Encoder
from tunesmith.models.low_rank import LowRank, put_beside
from tunesmith.models.methods._unfit import unfit
from tunesmith.models.places import Role, with_roles

Targets: TypeAlias = Literal["query_value", "attention", "all"]

_ROLES: Mapping[Targets, tuple[Role, ...]] = {
    "query_value": ("query", "value"),
    "attention": ("query", "key", "value", "qkv", "attention_out"),
    "all": ("query", "key", "value", "qkv", "attention_out", "grow", "shrink"),
}


def put_low_rank(
    encoder: Encoder, method: str, targets: Targets, *, rank: int, scale: float, dropout: float, has_values: bool
) -> list[LowRank]:
    """Put a product of one rank beside each linear map of these roles; all weights are 0 yet.

    Raises:
        ConfigError: ``method-unfit``, there is no such map.
    """
    roles = _ROLES[targets]
    places = with_roles(encoder.places(), roles)
    if not places:
        raise unfit(
            method,
            encoder.config.model_type,
            lacks="queries and values in one map with the keys, so that neither can be chosen alone",
            advice="--set rung.finetune.method_options.target_modules=attention",
        )
    return [
        put_beside(
            place,
            {part.name: rank for part in place.parts if part.role in roles},
            scale=scale,
            dropout=dropout,
            has_values=has_values,
        )
        for place in places
    ]


def fan_in_uniform(weight: Tensor, generator: torch.Generator) -> None:
    """Draw from +- 1 / sqrt(I), as torch does for a linear map and PEFT for the first factor."""
    bound = 1.0 / math.sqrt(weight.shape[1])
    with torch.no_grad():
        weight.uniform_(-bound, bound, generator=generator)
