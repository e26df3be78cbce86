"""How a text is read, in files that need nothing of ours: the tokenizer, its settings, the labels, the windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from tunesmith.data.joined import JOINED, pair_frame, tokens_of
from tunesmith.data.tokenize import TokenSet, frame_of
from tunesmith.export.padded import answer_names
from tunesmith.export.source import Model
from tunesmith.files.atomic import write_json, write_text
from tunesmith.files.reading import read_json
from tunesmith.types import JSON, Text

READING = "reading.json"
THRESHOLDS = "thresholds.json"

_PROBLEMS = {
    "softmax": "single_label_classification",
    "sigmoid": "multi_label_classification",
    "cumulative": "multi_label_classification",
    "squared_error": "regression",
}
"""Each likelihood as transformers calls it."""
_SPECIAL = ("pad_token", "unk_token", "cls_token", "sep_token", "bos_token", "eos_token")


def write_reading(folder: Path, model: Model) -> None:
    """Write ``reading.json``: what is answered, labels in the order of the probabilities, and what a window is made of.

    Args:
        folder: An existing folder.
        model: The exported one.
    """
    reading: dict[str, JSON] = {
        "task": model.task.name,
        "pairs": model.pairs,
        "answers": list(answer_names(model)),
        "labels": list(model.labels),
        "thresholds": model.calibration.thresholds,
        "inputs": list(model.inputs),
        "max_seq_length": model.encoder.max_seq_length,
        "pad_token_id": model.config.pad_token_id,
        **asdict((pair_frame if model.encoder.joins else frame_of)(model.encoder.tokenizer)),
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
    labels = hf_labels(model)
    named: dict[str, Any] = {} if architecture is None else {"architectures": [architecture]}
    return {
        **model.config.hf,
        "model_type": model.config.model_type,
        **named,
        "problem_type": _PROBLEMS[model.task.likelihood],
        "id2label": {str(number): label for number, label in enumerate(labels)},
        "label2id": {label: number for number, label in enumerate(labels)},
        "dtype": "float32",
    }


def hf_labels(model: Model) -> tuple[str, ...]:
    """Name the outputs for transformers, which knows a label for each and no levels.

    Args:
        model: The exported one.

    Returns:
        The labels; of levels, what each output tells: that the level is above one; ``value`` of a number.
    """
    if model.task.likelihood == "cumulative":
        return tuple(f"> {level}" for level in model.labels[:-1])
    return model.labels or ("value",)


@dataclass(frozen=True)
class Reader:
    """The files of ``write_reading`` and ``write_tokenizer``, read again."""

    tokenizer: Tokenizer
    reading: dict[str, Any]

    @property
    def labels(self) -> tuple[str, ...]:
        """In the order of the outputs."""
        return tuple(self.reading["labels"])

    @property
    def head_outputs(self) -> tuple[str, ...]:
        """What the head's graph gives, by name."""
        return tuple(self.reading["answers"])

    @property
    def model_outputs(self) -> tuple[str, ...]:
        """What the model's graph gives, by name."""
        return ("vectors",) if self.reading["pairs"] == "apart" else (*self.head_outputs, "vectors")

    def tokens(self, texts: Sequence[Text]) -> TokenSet:
        """Turn texts into windows.

        Args:
            texts: As the user wrote them; pairs where the model reads those.

        Returns:
            One row a text.
        """
        length, joins = self.reading["max_seq_length"], self.reading["pairs"] == JOINED
        return tokens_of(texts, self.tokenizer, max_seq_length=length, joins=joins)


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
