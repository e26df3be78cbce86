"""``runtime``: an encoder made for answering alone, with its pooling and its head: smaller, faster, never trained on.

Its linear maps and largest tables are of 8-bit whole numbers; our own engine runs it, so it needs no further package.
"""

from __future__ import annotations

from pathlib import Path

from tunesmith.bundle.encoder_model import (
    PARTS,
    EncoderModel,
    EncoderPredictor,
    checked_config,
    load_parts,
    predictor_of,
    save_parts,
)
from tunesmith.bundle.schema import Facts
from tunesmith.errors import ArtifactError
from tunesmith.files.tensors import load_tensors, save_tensors
from tunesmith.models.quantized_encoder import build_quantized

WEIGHTS = "runtime/model.safetensors"
FILES = (*PARTS, WEIGHTS)
SHARES_BASE = False
predictor = predictor_of


def save(folder: Path, model: EncoderModel) -> None:
    """Write the model's files.

    Args:
        folder: An existing folder.
        model: Encoder, head and tokenizer.
    """
    save_parts(folder, model)
    (folder / WEIGHTS).parent.mkdir(exist_ok=True)
    save_tensors(folder / WEIGHTS, model.classifier.encoder.state_dict())


def load(folder: Path, facts: Facts) -> EncoderPredictor:
    """Load the model to answer.

    Args:
        folder: A verified bundle of this kind.
        facts: Its description.

    Returns:
        The predictor, in evaluation mode.

    Raises:
        ArtifactError: The weights are no rounding of such an encoder, or the head does not fit it or the labels.
    """
    config, tokens = checked_config(folder, facts)
    if not config.is_flat:
        raise ArtifactError(
            "facts-damaged",
            "our own engine does not run this architecture",
            where=str(folder / "config.json"),
            found=f"model_type {config.model_type}",
        )
    encoder = build_quantized(config, load_tensors(folder / WEIGHTS), where=str(folder / WEIGHTS))
    return EncoderPredictor(load_parts(folder, facts, tokens, encoder=encoder))
