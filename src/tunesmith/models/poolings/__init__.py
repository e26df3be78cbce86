"""Poolings: ``build(options)`` gives a function of token vectors ``[T, H]`` and their tokens to one vector a sequence.

Sequences lie end to end, equal lengths together, so a pooling works on a ``[sequences, length, H]`` view of each
length and needs no mask.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from tunesmith.config import Family

if TYPE_CHECKING:
    from torch import Tensor

    from tunesmith.types import PackedTokens

POOLINGS = Family("pooling", __name__, __path__)

Pooling: TypeAlias = "Callable[[Tensor, PackedTokens], Tensor]"
