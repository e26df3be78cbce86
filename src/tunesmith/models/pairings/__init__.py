"""Pairings: how the vectors of two texts become the features of their pair; ``build(options)`` gives a ``Pairing``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tunesmith.config import Family

if TYPE_CHECKING:
    from torch import Tensor

PAIRINGS = Family("pairing", __name__, __path__)


class Pairing(Protocol):
    """Two vectors to one."""

    def width(self, hidden_size: int) -> int:
        """Count the features.

        Args:
            hidden_size: Width of a text's vector.

        Returns:
            F.
        """
        ...

    def __call__(self, one: Tensor, other: Tensor) -> Tensor:
        """Combine the vectors of B pairs.

        Args:
            one: Of the first texts, ``[B, H]``.
            other: Of the second, ``[B, H]``.

        Returns:
            ``[B, F]``.
        """
        ...


def load_pairing(name: str) -> Pairing:
    """Build a pairing by its name, as it comes.

    Raises:
        ConfigError: There is no such pairing.

    Returns:
        It has no state.
    """
    pairing: Pairing = PAIRINGS.member(name).build(PAIRINGS.options(name))
    return pairing
