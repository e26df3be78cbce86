"""Tiny random encoders of every architecture under a random head, with tokenizers of every kind."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import torch
from tests.data.tiny_tokenizers import CORPUS, TOKENIZERS
from tests.models.tiny_encoders import hf_model, saved
from tokenizers import Tokenizer

from tunesmith.bundle.kinds.encoder import EncoderModel
from tunesmith.export.source import Model
from tunesmith.models.classifier import EncoderClassifier
from tunesmith.models.encoder_config import read_encoder_config
from tunesmith.models.encoders import load_encoder
from tunesmith.models.heads.linear import LinearHead
from tunesmith.models.tokenizers import load_tokenizer
from tunesmith.types import JSON

LABELS = ("card", "delivery", "refund")
TOKENIZER_OF = {
    "albert": "unigram",
    "bert": "wordpiece",
    "camembert": "unigram",
    "deberta-v2": "unigram",
    "distilbert": "bare",
    "electra": "wordpiece",
    "modernbert": "byte_pairs",
    "mpnet": "wordpiece",
    "roberta": "byte_pairs",
    "xlm-roberta": "unigram",
}
"""Each architecture with a tokenizer; each of those comes up."""
OF_THREE_TYPES = ("albert", "camembert", "xlm-roberta")
"""Whose tokenizer here gives tokens of types 0 and 2."""
MAX_SEQ_LENGTH = 14
TEXTS = [*dict.fromkeys(CORPUS), "cat", "the cat sat on the mat, " * 4, "a dog? " * 30]


@cache
def _tokenizer(kind: str) -> Tokenizer:
    """One for all models: training numbers its pieces anew each time."""
    return TOKENIZERS[kind]()


def tiny_model(
    folder: Path,
    model_type: str = "bert",
    *,
    pooling: str = "mean",
    unit_length: bool = True,
    tokenizer: str | None = None,
    **changes: JSON,
) -> Model:
    """Write a checkpoint and put a head on it; its temperature is not 1 and its answers differ from text to text."""
    pieces = _tokenizer(tokenizer or TOKENIZER_OF[model_type])
    types = {"type_vocab_size": 3} if model_type in OF_THREE_TYPES else {}
    folder.mkdir(parents=True, exist_ok=True)
    saved(hf_model(model_type, dropout=0.0, vocab_size=pieces.get_vocab_size(), **types, **changes), folder)
    pieces.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"unk_token": "[UNK]"}), "utf-8")
    config = read_encoder_config(folder)
    head = LinearHead(config.hidden_size, len(LABELS))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        head.weight.copy_(4.0 * torch.randn(head.weight.shape, generator=generator))
        head.bias.copy_(torch.randn(head.bias.shape, generator=generator))
    classifier = EncoderClassifier(load_encoder(folder, config), pooling, head, unit_length=unit_length)
    encoder = EncoderModel(
        classifier=classifier.eval(),
        tokenizer=load_tokenizer(folder),
        base_folder=folder,
        max_seq_length=MAX_SEQ_LENGTH,
    )
    return Model(encoder=encoder, labels=LABELS, temperature=1.7, form="NFC", licence="apache-2.0")
