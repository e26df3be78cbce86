"""Tiny random encoders of every architecture under a random head, with tokenizers of every kind."""

from __future__ import annotations

import json
import os
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
from tunesmith.models.pairings import load_pairing
from tunesmith.models.tokenizers import load_tokenizer
from tunesmith.tasks import Calibration, Coding, load_task
from tunesmith.types import JSON

EVERY = os.environ.get("TUNESMITH_EXPORTS") == "all"
"""Whether every combination is exported (``make test-exports``): torch's exporter takes six seconds for the tiniest
one, so the usual run takes those whose code is unlike the others'."""

LABELS = ("card", "delivery", "refund")
CODINGS = {
    "single_label": Coding(labels=LABELS),
    "binary": Coding(labels=LABELS[:2]),
    "multi_label": Coding(labels=LABELS),
    "ordinal": Coding(labels=("1", "2", "3", "4")),
    "score": Coding(mean=30.0, spread=12.5),
}
"""How each task is coded here."""
THRESHOLDS = {"binary": (0.4,), "multi_label": (0.3, 0.6, 0.5)}
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
    task: str = "single_label",
    pairing: str | None = None,
    joins: bool = False,
    **changes: JSON,
) -> Model:
    """Write a checkpoint and put a head on it; its temperature is not 1 and its answers differ from text to text."""
    learnt, coding = load_task(task), CODINGS[task]
    pieces = _tokenizer(tokenizer or TOKENIZER_OF[model_type])
    types = {"type_vocab_size": 3} if model_type in OF_THREE_TYPES else {}
    folder.mkdir(parents=True, exist_ok=True)
    saved(hf_model(model_type, dropout=0.0, vocab_size=pieces.get_vocab_size(), **types, **changes), folder)
    pieces.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"unk_token": "[UNK]"}), "utf-8")
    config = read_encoder_config(folder)
    n_features = config.hidden_size if pairing is None else load_pairing(pairing).width(config.hidden_size)
    head = LinearHead(n_features, learnt.n_outputs(coding))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        head.weight.copy_(4.0 * torch.randn(head.weight.shape, generator=generator))
        head.bias.copy_(torch.randn(head.bias.shape, generator=generator))
    classifier = EncoderClassifier(
        load_encoder(folder, config), pooling, head, unit_length=unit_length, pairing=pairing
    )
    if pooling == "attention":
        with torch.no_grad():
            classifier.pool.query.copy_(2.0 * torch.randn(config.hidden_size, generator=generator))
    encoder = EncoderModel(
        classifier=classifier.eval(),
        tokenizer=load_tokenizer(folder),
        base_folder=folder,
        max_seq_length=MAX_SEQ_LENGTH,
        joins=joins,
    )
    temperature = 1.7 if learnt.name != "score" else 1.0
    return Model(
        encoder=encoder,
        task=learnt,
        coding=coding,
        calibration=Calibration(temperature, THRESHOLDS.get(task)),
        form="NFC",
        licence="apache-2.0",
    )
