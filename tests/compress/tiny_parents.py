"""Tiny random encoders under a random head: parents whose answers differ from text to text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from tests.models.tiny_encoders import tiny_config
from tests.models.word_pieces import word_pieces

from tunesmith.bundle.encoder_model import EncoderModel
from tunesmith.compress.source import Parent, Rows
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.encoders.flat import FlatEncoder
from tunesmith.models.heads.linear import LinearHead
from tunesmith.tasks import Coding, load_task
from tunesmith.types import JSON

WORDS = "apple pear plum fig grape melon peach cherry quince lemon lime berry".split()


def random_parent(*, pooling: str = "mean", model_type: str = "bert", **changes: JSON) -> Parent:
    """A parent of four labels that knows the words."""
    torch.manual_seed(0)
    tokenizer = word_pieces(WORDS)
    config = tiny_config(model_type, vocab_size=tokenizer.get_vocab_size(), **changes)
    encoder = FlatEncoder(config).eval()
    with torch.no_grad():
        for part in encoder.parameters():
            part.mul_(3.0) if part.ndim > 1 else part.add_(0.1 * torch.randn_like(part))
    head = LinearHead(32, 4)
    torch.nn.init.normal_(head.weight, std=3.0)
    classifier = EncoderClassifier(encoder, pooling, head, unit_length=True).eval()
    model = EncoderModel(classifier, tokenizer, Path("base"), max_seq_length=24)
    return Parent(model, load_task("single_label", {}), Coding(("a", "b", "c", "d")))


def random_texts(n_texts: int, *, seed: int = 0) -> list[str]:
    """Texts of a few of the words."""
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, random.integers(2, 9))) for _ in range(n_texts)]


def rows_of(texts: list[str], more: list[str] | None = None) -> Rows:
    """Rows that have no labels at all."""
    return Rows("rows.csv", fitted=texts, held=[], targets=np.zeros(0, dtype=np.int64), more=more or [])
