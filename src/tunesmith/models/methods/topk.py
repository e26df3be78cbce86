"""``topk``: only the top layers learn; what those below make of the rows is computed once where the encoder is flat."""

from __future__ import annotations

from pydantic import Field

from tunesmith.config import Settings
from tunesmith.models.methods import Method

LEARNING_RATE = 2e-4
LAYER_DECAY = 0.9
LEAVES_BASE = False


class Options(Settings):
    """How many layers learn."""

    layers: int = Field(2, ge=0, le=512)
    """Layers that learn, counted from the top."""


class TopK(Method):
    """The top layers of the encoder learn.

    Args:
        options: How many.
    """

    def __init__(self, options: Options) -> None:
        self._layers = options.layers

    def learns(self, name: str, *, height: int, depth: int) -> bool:
        """Say whether a weight of the encoder learns.

        Args:
            name: Of the parameter.
            height: Its group from the bottom; the embeddings, 0, never learn.
            depth: Groups in all.

        Returns:
            Whether it lies in one of the top layers.
        """
        del name
        return height >= max(1, depth - self._layers)


def build(options: Options) -> TopK:
    """Build the method.

    Args:
        options: How many layers learn.

    Returns:
        The method.
    """
    return TopK(options)
