"""``encoder``: a pretrained encoder, as it was or fine-tuned, a pooling and a linear head.

Its folder is also a valid sentence-transformers model: the same encoder and pooling without the head; but for a pooling
that learns, and for pairs read in one sequence: sentence-transformers knows neither, and gets the encoder alone.
"""

from __future__ import annotations

from pathlib import Path

from tunesmith.bundle.encoder_model import (
    PARTS,
    EncoderModel,
    EncoderPredictor,
    checked_config,
    learns,
    load_parts,
    predictor_of,
    save_parts,
)
from tunesmith.bundle.schema import Facts
from tunesmith.files.atomic import write_json
from tunesmith.files.tensors import save_tensors
from tunesmith.models.encoder import pretrained
from tunesmith.models.encoders import load_encoder
from tunesmith.types import JSON

FILES = (*PARTS, "model.safetensors", "modules.json", "sentence_bert_config.json", "1_Pooling/config.json")
SHARES_BASE = False
predictor = predictor_of


def save(folder: Path, model: EncoderModel) -> None:
    """Write the model's files.

    Args:
        folder: An existing folder.
        model: Encoder, head and tokenizer.
    """
    save_parts(folder, model)
    save_tensors(folder / "model.safetensors", pretrained(model.classifier.encoder).hf_state())
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": model.max_seq_length, "do_lower_case": False})
    write_json(folder / "modules.json", _modules(model))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    write_json(folder / "1_Pooling" / "config.json", _pooling(model))


def load(folder: Path, facts: Facts) -> EncoderPredictor:
    """Load the model to answer.

    Args:
        folder: A verified bundle of this kind.
        facts: Its description.

    Returns:
        The predictor, in evaluation mode.

    Raises:
        ArtifactError: The head does not fit the encoder or the labels.
    """
    config, tokens = checked_config(folder, facts)
    return EncoderPredictor(load_parts(folder, facts, tokens, encoder=load_encoder(folder, config)))


def _modules(model: EncoderModel) -> JSON:
    names = ["Transformer"]
    if not (learns(model.classifier.pool) or model.joins):
        names += ["Pooling", *(["Normalize"] if model.unit_length else [])]
    folders = ["", "1_Pooling", "2_Normalize"]
    return [
        {"idx": number, "name": str(number), "path": folders[number], "type": f"sentence_transformers.models.{name}"}
        for number, name in enumerate(names)
    ]


def _pooling(model: EncoderModel) -> JSON:
    return {
        "word_embedding_dimension": model.classifier.encoder.hidden_size,
        "pooling_mode_cls_token": model.pooling == "cls",
        "pooling_mode_mean_tokens": model.pooling == "mean",
        "pooling_mode_max_tokens": model.pooling == "max",
        "pooling_mode_mean_sqrt_len_tokens": False,
    }
