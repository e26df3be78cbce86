"""A labelled file and a base model small enough to train on in a second, both made in code."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path

import torch
from safetensors.torch import save_file
from tests.models.word_pieces import word_pieces

from tunesmith.models.encoder_config import parse_encoder_config
from tunesmith.models.encoders.flat import FlatEncoder

LABELS = ("card", "delivery", "refund")
_THINGS = {
    "card": ("my card", "the new card", "a card of mine", "the black card", "our second card"),
    "delivery": ("my parcel", "the box", "a package for us", "the big order", "our shipment"),
    "refund": ("my money", "the amount", "a refund for this", "the whole sum", "our payment"),
}
_SAYINGS = (
    "where is {} now?",
    "{} did not come yesterday",
    "please tell me when {} arrives!",
    "i am still waiting for {}, it is late",
    "hello, what happened to {} last week?",
    "nobody answers about {}",
    "is {} lost or only slow?",
    "they promised {} by monday",
)
_SHAPE = {
    "model_type": "bert",
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 64,
    "type_vocab_size": 2,
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
}


def rows() -> list[tuple[str, str]]:
    """120 texts with their labels, 40 of each label, no two alike."""
    return [(saying.format(_THINGS[label][n]), label) for n, saying, label in product(range(5), _SAYINGS, LABELS)]


def csv_text(header: Sequence[str], records: Sequence[Sequence[str]]) -> str:
    """Lay records out as CSV."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([header, *records])
    return buffer.getvalue()


def write_rows(path: Path, *, label: str = "topic") -> Path:
    """Write the labelled file, with a number column in front as exports have it."""
    records = [[str(number), text, topic] for number, (text, topic) in enumerate(rows(), start=1)]
    path.write_text(csv_text(["id", "text", label], records), "utf-8")
    return path


def write_base(folder: Path, *, more: Iterable[str] = ()) -> Path:
    """Write a random BERT of 2 layers, 32 wide, whose vocabulary knows the texts, and others that are given."""
    folder.mkdir()
    tokenizer = word_pieces([*(text for text, _ in rows()), *more])
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {**_SHAPE, "vocab_size": tokenizer.get_vocab_size()}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
    generator = torch.Generator().manual_seed(0)
    with torch.device("meta"):
        shapes = FlatEncoder(parse_encoder_config(config, where="config.json")).hf_state()
    weights = {name: _weight(name, tensor.shape, generator) for name, tensor in shapes.items()}
    save_file(weights, folder / "model.safetensors")
    return folder


def _weight(name: str, shape: torch.Size, generator: torch.Generator) -> torch.Tensor:
    if "LayerNorm" in name:
        return torch.ones(shape) if name.endswith("weight") else torch.zeros(shape)
    return 0.2 * torch.randn(shape, generator=generator)
