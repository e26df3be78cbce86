"""The shape of an encoder, read from a config.json that may have been written by anybody.

Only keys that we know, with the types and ranges we know, get past this module (``architectures.py`` lists them).
A config is data: some of its keys have made libraries fetch and run code (CVE-2026-4372, CVE-2026-5241).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from tunesmith.config import Settings, nearest, problems_of
from tunesmith.errors import ArtifactError, quote
from tunesmith.files.reading import read_json
from tunesmith.models.architectures import ARCHITECTURES, NOTES, Architecture
from tunesmith.types import JSON

_MAX_BYTES = 1024 * 1024
_MAX_NOTE_DEPTH = 4


class EncoderConfig(Settings):
    """An encoder's shape under our names, whatever its architecture calls them."""

    model_type: str
    """Name of the architecture, as in ``architectures.ARCHITECTURES``."""

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    vocab_size: int
    max_position_embeddings: int
    """Rows of the position table, the padding's offset included."""

    type_vocab_size: int = 0
    """Token types; 0 where the architecture has none."""

    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.0
    attention_probs_dropout_prob: float = 0.0
    layer_norm_eps: float = 1e-12
    pad_token_id: int = 0
    embedding_size: int
    """Width of the word vectors; ``hidden_size`` in most architectures."""

    hf: dict[str, Any] = Field(default_factory=dict, repr=False)
    """The checked keys of config.json under their own names; nothing else of the file is ever passed on."""

    @property
    def is_flat(self) -> bool:
        """Whether the flat engine runs this architecture."""
        return ARCHITECTURES[self.model_type].is_flat

    @property
    def position_offset(self) -> int:
        """Position of a text's first token: 0, or behind the padding token's number in RoBERTa's family."""
        return self.pad_token_id + 1 if ARCHITECTURES[self.model_type].first_position_after_padding else 0

    def with_shape(self, **changes: int) -> EncoderConfig:
        """Change sizes.

        Args:
            changes: Sizes under our names.

        Returns:
            A config that says them under the architecture's names too.
        """
        names = ARCHITECTURES[self.model_type].names
        theirs = {names.get(name, name): size for name, size in changes.items()}
        return self.model_copy(update={**changes, "hf": {**self.hf, **theirs}})


def read_encoder_config(folder: Path) -> EncoderConfig:
    """Read and check the config.json of a model folder.

    Args:
        folder: A base model or a bundle.

    Returns:
        The encoder's shape.

    Raises:
        ArtifactError: ``config-damaged`` for a missing key, a wrong type or a value out of range, ``config-unsafe``
            for a key or value that could make a library fetch or run something or that is not known to be harmless,
            ``config-unsupported`` for an architecture we do not know.
    """
    path = folder / "config.json"
    raw = read_json(path, max_bytes=_MAX_BYTES)
    if not isinstance(raw, dict):
        raise ArtifactError("config-damaged", "the config is not a JSON object", where=str(path))
    return parse_encoder_config(raw, where=str(path))


def parse_encoder_config(raw: dict[str, JSON], *, where: str) -> EncoderConfig:
    """Check the content of a config.json.

    Args:
        raw: Its keys and values.
        where: The file, for messages.

    Returns:
        The encoder's shape.

    Raises:
        ArtifactError: As ``read_encoder_config``.
    """
    architecture = _architecture(raw.get("model_type"), where)
    values = _known_values(raw, architecture, where)
    problems = problems_of(architecture, values)
    if problems:
        raise ArtifactError(
            "config-damaged",
            "the config has keys that are missing, of a wrong type or out of range",
            where=where,
            found="; ".join(problem[:200] for problem in problems[:5]),
            advice="take the base model from where it was published again",
        )
    checked = architecture.model_validate(values)
    shape = checked.shape()
    if shape.get("embedding_size") is None:
        shape["embedding_size"] = shape["hidden_size"]
    if shape["hidden_size"] % shape["num_attention_heads"]:
        raise ArtifactError(
            "config-damaged",
            "the heads do not share the width evenly",
            where=where,
            found=f"hidden_size {shape['hidden_size']}, num_attention_heads {shape['num_attention_heads']}",
        )
    return EncoderConfig(model_type=checked.model_type, hf=checked.model_dump(exclude_unset=True), **shape)


def _architecture(model_type: JSON, where: str) -> type[Architecture]:
    """Look the architecture up by the name in the config."""
    if isinstance(model_type, str) and model_type in ARCHITECTURES:
        return ARCHITECTURES[model_type]
    close = nearest(model_type, ARCHITECTURES) if isinstance(model_type, str) else None
    raise ArtifactError(
        "config-unsupported",
        "model_type names no architecture that we know",
        where=where,
        found=f"model_type {quote(str(model_type))}" + (f"; nearest: {close}" if close else ""),
        allowed=", ".join(ARCHITECTURES),
        advice="choose another base model with --base",
    )


def _known_values(raw: dict[str, JSON], architecture: type[Architecture], where: str) -> dict[str, JSON]:
    """Take the keys we pass on, drop the notes, refuse everything else."""
    known = {}
    for key, value in raw.items():
        if key in architecture.model_fields:
            known[key] = value
        elif key not in NOTES:
            raise _unsafe(f"{quote(key)} is not a key that we know to be harmless", where)
        if _leads_elsewhere(value):
            raise _unsafe(f"{quote(key)} holds an address or is nested too deep", where)
    return known


def _unsafe(found: str, where: str) -> ArtifactError:
    """Make the error for a key or value that may not reach a library."""
    return ArtifactError(
        "config-unsafe",
        "the config holds something that could make a library fetch or run code",
        where=where,
        found=found,
        allowed="the keys and values of the architecture, and notes that we drop",
        advice="use a base model from a source you trust; a key that is only a remark may be taken out of the file",
    )


def _leads_elsewhere(value: JSON, depth: int = 0) -> bool:
    """Tell whether a value holds an address, or is nested so deep that it is no plain setting."""
    if depth > _MAX_NOTE_DEPTH:
        return True
    if isinstance(value, dict):
        return any(_leads_elsewhere(part, depth + 1) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return any(_leads_elsewhere(part, depth + 1) for part in value)
    return isinstance(value, str) and "://" in value
