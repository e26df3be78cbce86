"""Which tokens poolings read: no other token needs a vector of the last layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from tunesmith.models.network import Network
from tunesmith.models.poolings import Pooling, cls
from tunesmith.types import PackedTokens


def reads_firsts(pool: Pooling) -> bool:
    """Tell whether a pooling reads nothing but the first token of each sequence.

    Args:
        pool: What ``load_pooling`` gives.

    Returns:
        Only of ``cls``.
    """
    return pool is cls.pool


def vectors_read(network: Network, pools: Sequence[Pooling], tokens: PackedTokens) -> tuple[Tensor, PackedTokens]:
    """Encode sequences as far as poolings read them: of first tokens alone, six layers take an eighth less.

    Args:
        network: Gives a vector a token.
        pools: Those that will read, at least one.
        tokens: Sequences end to end, shortest first.

    Returns:
        A vector for each token that is read, and these tokens as sequences: all, or the first of each.
    """
    if network.ends_at_firsts and all(map(reads_firsts, pools)):
        firsts = PackedTokens(tokens.input_ids[tokens.firsts()], np.ones_like(tokens.lengths))
        return network.firsts(tokens), firsts
    return network(tokens), tokens
