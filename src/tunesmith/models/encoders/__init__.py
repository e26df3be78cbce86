"""Encoders: ``build(config, weights)`` gives an ``Encoder`` with the weights of a checkpoint.

``flat`` is our own engine for BERT and its nearest kin; ``grouped`` runs any other architecture through transformers.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunesmith.config import Family

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from tunesmith.models.encoder import Encoder
    from tunesmith.models.encoder_config import EncoderConfig

__all__ = ["ENCODERS", "Encoder", "build_encoder", "load_encoder"]

ENCODERS = Family("encoder", __name__, __path__)


def load_encoder(folder: Path, config: EncoderConfig) -> Encoder:
    """Build the encoder of a model folder.

    Args:
        folder: Holds ``model.safetensors``.
        config: As read from the folder's config.json.

    Returns:
        The encoder in evaluation mode, every parameter trainable.

    Raises:
        ArtifactError: The weights are damaged, incomplete or of other shapes than the config says.
    """
    from tunesmith.models.checkpoint import load_weights

    return build_encoder(config, load_weights(folder))


def build_encoder(config: EncoderConfig, weights: Mapping[str, Tensor]) -> Encoder:
    """Build an encoder in the engine that runs its architecture.

    Args:
        config: The encoder's shape.
        weights: Under Hugging Face's names for the bare encoder, float32.

    Returns:
        The encoder in evaluation mode, every parameter trainable.

    Raises:
        ArtifactError: The weights are incomplete or of other shapes than the config says.
    """
    member = ENCODERS.member("flat" if config.is_flat else "grouped")
    encoder: Encoder = member.build(config, weights, member.Options())
    return encoder.eval()


def __getattr__(name: str) -> Any:
    """Import ``Encoder`` when it is asked for: it needs torch, and listing the members does not."""
    if name == "Encoder":
        from tunesmith.models.encoder import Encoder

        return Encoder
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
