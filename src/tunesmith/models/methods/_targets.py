"""Which linear maps of an encoder get a low-rank product, and its first weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, TypeAlias

import torch
from pydantic import Field
from torch import Tensor

from tunesmith.config import Settings
from tunesmith.models.encoder import Encoder
from tunesmith.models.low_rank import P, put_beside
from tunesmith.models.methods._unfit import unfit
from tunesmith.models.places import Role, with_roles

Targets: TypeAlias = Literal["query_value", "attention", "all"]

_ROLES: Mapping[Targets, tuple[Role, ...]] = {
    "query_value": ("query", "value"),
    "attention": ("query", "key", "value", "qkv", "attention_out"),
    "all": ("query", "key", "value", "qkv", "attention_out", "grow", "shrink"),
}


class ProductOptions(Settings):
    """How large the products are and where they stand."""

    rank: int = Field(4, ge=1, le=1024)
    """Width between the two factors."""

    alpha: float = Field(8.0, gt=0.0)
    """The product counts alpha / rank times."""

    target_modules: Targets = "all"
    """Linear maps that get one: queries and values, all of attention, or those of the feed-forward part too."""

    dropout: float = Field(0.0, ge=0.0, lt=1.0)
    """Share of a product's inputs that is left out in training."""


def put_low_rank(
    encoder: Encoder, method: str, options: ProductOptions, *, kind: type[P], has_values: bool = False
) -> list[P]:
    """Put a product beside each linear map of some roles; all weights are 0 yet.

    Raises:
        ConfigError: ``method-unfit``, there is no such map.
    """
    roles = _ROLES[options.target_modules]
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
            {part.name: options.rank for part in place.parts if part.role in roles},
            scale=options.alpha / options.rank,
            dropout=options.dropout,
            has_values=has_values,
            kind=kind,
        )
        for place in places
    ]


def fan_in_uniform(weight: Tensor, generator: torch.Generator) -> None:
    """Draw from +- 1 / sqrt(I), as torch does for a linear map and PEFT for the first factor."""
    bound = 1.0 / math.sqrt(weight.shape[1])
    with torch.no_grad():
        weight.copy_(torch.empty(weight.shape).uniform_(-bound, bound, generator=generator))  # alike on every device
