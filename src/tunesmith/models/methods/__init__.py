"""Methods: which weights of a pretrained encoder learn, and what is put beside those that do not.

``build(options)`` of a member gives a ``Method``. ``LEARNING_RATE`` and ``LAYER_DECAY`` are what it is trained with
unless a rate is asked for. ``LEAVES_BASE`` tells whether what it learns is small and lies beside the weights of the
base, so that a bundle holds that alone and many share one base.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from tunesmith.config import Family

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import Tensor

    from tunesmith.models.encoder import Encoder
    from tunesmith.types import JSON

METHODS = Family("method", __name__, __path__)


def load_method(name: str, options: Mapping[str, Any] | None = None) -> Method:
    """Build a method by its name.

    Args:
        name: The member.
        options: Plain values; absent keys take the member's defaults.

    Returns:
        The method.

    Raises:
        ConfigError: There is no such method, or an option is wrong.
    """
    method: Method = METHODS.member(name).build(METHODS.options(name, options))
    return method


class Allocator(Protocol):
    """Moves what may be learnt about while an encoder is trained."""

    def penalty(self) -> Tensor:
        """Give what is added to the mean loss of a batch.

        Returns:
            A scalar with a graph behind it.
        """
        ...

    def observe(self) -> None:
        """Look at the gradients of the step just taken, before they are cleared."""
        ...

    def allocate(self, step: int, steps: int) -> None:
        """Take away what may not learn any longer.

        Args:
            step: Number of the step just taken.
            steps: Planned in all, as far as is known now.
        """
        ...

    def tensors(self) -> dict[str, Tensor]:
        """Give all that the steps to come depend on.

        Returns:
            Name to tensor.
        """
        ...

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from where an earlier life was.

        Args:
            tensors: As ``tensors`` gave them.
        """
        ...


class Method:
    """One way to train an encoder: as it stands nothing learns, and nothing is put in."""

    def learns(self, name: str, *, height: int, depth: int) -> bool:
        """Say whether a weight of the encoder learns.

        Args:
            name: Of the parameter, in the encoder.
            height: Its group, as ``Encoder.layer_groups`` counts: 0 for the embeddings, then each layer.
            depth: Groups in all.

        Returns:
            False where it stays as it is, and so can be shared with the encoder that was copied.
        """
        del name, height, depth
        return False

    def install(self, encoder: Encoder, generator: torch.Generator) -> Allocator | None:
        """Put modules of its own into an encoder; they begin as if they were not there.

        Args:
            encoder: A copy, which no one else computes with.
            generator: Draws their first weights.

        Returns:
            What moves ranks about while the encoder is trained; None where nothing is moved.

        Raises:
            ConfigError: ``method-unfit``, the encoder has no place for them.
        """
        del encoder, generator
        return None

    def peft_settings(self) -> Mapping[str, JSON] | None:
        """Say what PEFT calls the method.

        Returns:
            Settings of its own; those of every low-rank product are told elsewhere. None where PEFT does not have it.
        """
        return None
