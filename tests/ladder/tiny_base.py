"""A base model and a labelled file, both tiny and made in code, so that a whole climb takes seconds."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tests.models.word_pieces import word_pieces

from tunesmith.files.tensors import save_tensors
from tunesmith.models.encoder_config import parse_encoder_config
from tunesmith.models.encoders.flat import FlatEncoder

N_LABELS = 3
_WORDS = [head + tail for head in ("ba", "ke", "lo", "sta", "tre", "vo") for tail in ("rin", "dal", "pek")]


def tiny_encoder(*, dropout: float, vocab_size: int = 60, hidden_size: int = 32, seed: int = 0) -> FlatEncoder:
    """A random BERT of two layers; its embeddings are large, so that words and places are told apart from the start."""
    encoder = FlatEncoder(parse_encoder_config(_config(dropout, vocab_size, hidden_size), where="tiny"))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in encoder.named_parameters():
            if parameter.ndim > 1:
                scale = 1.0 if name.startswith("embeddings") else parameter.shape[1] ** -0.5
                parameter.copy_(scale * torch.randn(parameter.shape, generator=generator))
    return encoder


def tiny_base(
    folder: Path, *, dropout: float = 0.1, hidden_size: int = 32, seed: int = 0, words: Sequence[str] = _WORDS
) -> Path:
    """Write such an encoder as Hugging Face lays one out, with a tokenizer that knows these words."""
    folder.mkdir(parents=True)
    tokenizer = word_pieces(words)
    config = _config(dropout, tokenizer.get_vocab_size(), hidden_size)
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    tokenizer.save(str(folder / "tokenizer.json"))
    encoder = tiny_encoder(dropout=dropout, vocab_size=tokenizer.get_vocab_size(), hidden_size=hidden_size, seed=seed)
    save_tensors(folder / "model.safetensors", encoder.hf_state())
    return folder


def tiny_file(path: Path, *, n_rows: int = 300, seed: int = 0) -> Path:
    """Write texts of random words; the first tells the label, so that counting words is not enough."""
    random = np.random.default_rng(seed)
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        for _ in range(n_rows):
            words = random.integers(len(_WORDS), size=int(random.integers(4, 14)))
            told = random.integers(N_LABELS) if random.random() < 0.05 else words[0] % N_LABELS
            rows.writerow([" ".join(_WORDS[word] for word in words), f"label {told}"])
    return path


def _config(dropout: float, vocab_size: int, hidden_size: int) -> dict[str, str | int | float]:
    return {
        "model_type": "bert",
        "vocab_size": vocab_size,
        "hidden_size": hidden_size,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 2 * hidden_size,
        "max_position_embeddings": 64,
        "hidden_dropout_prob": dropout,
        "attention_probs_dropout_prob": dropout,
    }
