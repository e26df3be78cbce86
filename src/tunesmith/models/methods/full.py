"""``full``: every layer learns; the tables of vectors below them only where that is asked for."""

from __future__ import annotations

from typing import Literal

from tunesmith.config import Settings
from tunesmith.models.methods import Method

LEARNING_RATE = 2e-4
LAYER_DECAY = 0.9
LEAVES_BASE = False


class Options(Settings):
    """How far down training goes."""

    embeddings: Literal["frozen", "trained"] = "frozen"
    """Whether the table of word vectors learns too."""


class Full(Method):
    """Every layer of the encoder learns.

    Args:
        options: Whether the embeddings learn as well.
    """

    def __init__(self, options: Options) -> None:
        self._lowest = 0 if options.embeddings == "trained" else 1

    def learns(self, name: str, *, height: int, depth: int) -> bool:
        """Say whether a weight of the encoder learns.

        Args:
            name: Of the parameter.
            height: Its group from the bottom.
            depth: Groups in all.

        Returns:
            Whether it lies in a layer, or in the embeddings where those learn.
        """
        del name, depth
        return height >= self._lowest


def build(options: Options) -> Full:
    """Build the method.

    Args:
        options: Whether the embeddings learn as well.

    Returns:
        The method.
    """
    return Full(options)
