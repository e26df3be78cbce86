"""Poolings: ``build(options, hidden_size)`` gives a function of token vectors and tokens to one vector a sequence.

Where ``LEARNS`` of a member is true, that function is a module whose weights are learnt in fine-tuning; untrained it is
the mean.

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
"""From vectors of all tokens ``[T, H]`` to one a sequence ``[S, H]``."""


def load_pooling(name: str, hidden_size: int) -> Pooling:
    """Build a pooling by its name, as it comes.

    Args:
        name: The member.
        hidden_size: Width of a token's vector.

    Raises:
        ConfigError: There is no such pooling.

    Returns:
        A function, or a module where it learns.
    """
    pooling: Pooling = POOLINGS.member(name).build(POOLINGS.options(name), hidden_size)
    return pooling


def fixed_poolings() -> tuple[str, ...]:
    """List the poolings that have nothing to learn.

    Returns:
        Sorted names.
    """
    return tuple(name for name in POOLINGS.names() if not POOLINGS.member(name).LEARNS)
