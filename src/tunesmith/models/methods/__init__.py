"""Methods: which weights of a pretrained encoder learn, and what is put beside those that do not.

``build(options)`` of a member gives a ``Method``. ``LEARNING_RATE`` and ``LAYER_DECAY`` are what it is trained with
unless a rate is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tunesmith.config import Family

if TYPE_CHECKING:
    import torch

    from tunesmith.models.encoder import Encoder

METHODS = Family("method", __name__, __path__)


class Method(Protocol):
    """One way to train an encoder."""

    def learns(self, name: str, *, height: int, depth: int) -> bool:
        """Say whether a weight of the encoder learns.

        Args:
            name: Of the parameter, in the encoder.
            height: Its group, as ``Encoder.layer_groups`` counts: 0 for the embeddings, then each layer.
            depth: Groups in all.

        Returns:
            False where it stays as it is, and so can be shared with the encoder that was copied.
        """
        ...

    def install(self, encoder: Encoder, generator: torch.Generator) -> None:
        """Put modules of its own into an encoder; they begin as if they were not there.

        Args:
            encoder: A copy, which no one else computes with.
            generator: Draws their first weights.

        Raises:
            ConfigError: ``method-unfit``, the encoder has no place for them.
        """
        ...
