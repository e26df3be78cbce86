"""Losses: ``build(options)`` gives a function of ``logits [B, C]`` and the targets of B rows to their losses, ``[B]``.

``LIKELIHOODS`` of a member names those whose targets it takes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from tunesmith.config import Family

if TYPE_CHECKING:
    from torch import Tensor

LOSSES = Family("loss", __name__, __path__)

Loss: TypeAlias = "Callable[[Tensor, Tensor], Tensor]"
