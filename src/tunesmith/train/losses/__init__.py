"""Losses: ``build(options)`` gives a function of ``logits [B, C]`` and ``targets [B]`` to one loss a row, ``[B]``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from tunesmith.config import Family

if TYPE_CHECKING:
    from torch import Tensor

LOSSES = Family("loss", __name__, __path__)

Loss: TypeAlias = "Callable[[Tensor, Tensor], Tensor]"
