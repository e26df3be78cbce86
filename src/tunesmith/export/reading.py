"""How a text is read, in files that need nothing of ours: the tokenizer, its settings, the labels, the windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from tunesmith.data.tokenize import TokenSet, tokenize
from tunesmith.export.source import Model
from tunesmith.files.atomic import write_json, write_text
from tunesmith.files.reading import read_json
from tunesmith.types import JSON

READING = "reading.json"

_SPECIAL = ("pad_token", "unk_token", "cls_token", "sep_token", "bos_token", "eos_token")


def write_reading(folder: Path, model: Model) -> None:
    """Write ``reading.json``: labels in the order of the outputs, and what a window is made of.

    Args:
        folder: An existing folder.
        model: The exported one.
    """
    frame = model.frame
    reading: dict[str, JSON] = {
        "labels": list(model.labels),
        "inputs": list(model.inputs),
        "max_seq_length": model.encoder.max_seq_length,
        "pad_token_id": model.config.pad_token_id,
        "before": list(frame.before),
        "after": list(frame.after),
        "types_before": list(frame.types_before),
        "type_inside": frame.type_inside,
        "types_after": list(frame.types_after),
    }
    write_json(folder / READING, reading)


def write_tokenizer(folder: Path, model: Model) -> None:
    """Write ``tokenizer.json`` with the preparation of texts in it, and the settings that transformers reads.

    The class is the one that takes ``tokenizer.json`` as it is: those of single architectures build one of their own.

    Args:
        folder: An existing folder.
        model: The exported one.
    """
    write_text(folder / "tokenizer.json", model.tokenizer.to_str())
    settings: dict[str, JSON] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": model.encoder.max_seq_length,
        "model_input_names": list(model.inputs),
        "padding_side": "right",
        "truncation_side": "right",
        "clean_up_tokenization_spaces": False,
    }
    write_json(folder / "tokenizer_config.json", settings | _special_tokens(model))


def hf_config(model: Model, architecture: str | None = None) -> dict[str, JSON]:
    """Make a ``config.json`` of transformers out of checked keys alone.

    Args:
        model: The exported one.
        architecture: Class that loads the weights beside it; left out where there are none.

    Returns:
        The encoder's shape, and the labels by number.
    """
    labels = list(model.labels)
    named: dict[str, Any] = {} if architecture is None else {"architectures": [architecture]}
    return {
        **model.config.hf,
        "model_type": model.config.model_type,
        **named,
        "problem_type": "single_label_classification",
        "id2label": {str(number): label for number, label in enumerate(labels)},
        "label2id": {label: number for number, label in enumerate(labels)},
        "dtype": "float32",
    }


@dataclass(frozen=True)
class Reader:
    """The files of ``write_reading`` and ``write_tokenizer``, read again."""

    tokenizer: Tokenizer
    reading: dict[str, Any]

    @property
    def labels(self) -> tuple[str, ...]:
        """In the order of the outputs."""
        return tuple(self.reading["labels"])

    def tokens(self, texts: Sequence[str]) -> TokenSet:
        """Turn texts into windows.

        Args:
            texts: As the user wrote them.

        Returns:
            One row a text.
        """
        return tokenize(texts, self.tokenizer, max_seq_length=self.reading["max_seq_length"])


def load_reader(folder: Path) -> Reader:
    """Read how an export reads a text.

    Args:
        folder: An export to a graph.

    Returns:
        The reader.
    """
    return Reader(Tokenizer.from_file(str(folder / "tokenizer.json")), read_json(folder / READING))


def _special_tokens(model: Model) -> dict[str, JSON]:
    """Name the special tokens that the tokenizer has; one more would be added to it when it is loaded."""
    path = model.encoder.base_folder / "tokenizer_config.json"
    settings = read_json(path) if path.is_file() else {}
    known = {token.content for token in model.tokenizer.get_added_tokens_decoder().values()}
    found: dict[str, JSON] = {}
    for name in _SPECIAL:
        token = settings.get(name) if isinstance(settings, dict) else None
        token = token.get("content") if isinstance(token, dict) else token
        if token in known:
            found[name] = token
    padding = model.tokenizer.id_to_token(model.config.pad_token_id)
    return found if padding is None else {**found, "pad_token": padding}
