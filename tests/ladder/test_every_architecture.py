"""Every architecture, with a tokenizer of its kind, trains to a falling loss, is saved, and comes back as it was."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from tests.data.tiny_tokenizers import CORPUS, byte_pairs, unigram, wordpiece
from tests.ladder.tiny_climb import SETTINGS, Home
from tests.models.tiny_encoders import FLAT, GROUPED, hf_model, saved
from tokenizers import Tokenizer

from tunesmith.api.training import Lives, train_recipe
from tunesmith.bundle.load import load_bundle
from tunesmith.config.recipe import load_recipe
from tunesmith.data.read import read_table
from tunesmith.ladder.narrate import Silent
from tunesmith.models.architectures import ARCHITECTURES
from tunesmith.models.encoders.flat import FlatEncoder

TOKENIZERS = {
    "albert": unigram,
    "bert": wordpiece,
    "camembert": unigram,
    "deberta-v2": unigram,
    "distilbert": wordpiece,
    "electra": wordpiece,
    "modernbert": byte_pairs,
    "mpnet": wordpiece,
    "roberta": byte_pairs,
    "xlm-roberta": unigram,
}
"""What each comes with in life."""


def base(model_type: str, folder: Path) -> Path:
    """A random checkpoint as transformers writes it, with its tokenizer beside it."""
    tokenizer: Tokenizer = TOKENIZERS[model_type]()
    n_pieces, n_kinds = tokenizer.get_vocab_size(), 3
    kinds = {} if model_type in ("distilbert", "mpnet", "modernbert", "deberta-v2") else {"type_vocab_size": n_kinds}
    saved(hf_model(model_type, vocab_size=n_pieces, max_position_embeddings=40, **kinds), folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def write_rows(path: Path, *, n_rows: int = 160) -> Path:
    """Sentences of the tokenizers' words, some longer than a window; the animal and the mark tell the label."""
    random = np.random.default_rng(0)
    words = sorted({word.strip("?!,") for line in CORPUS for word in line.split()})
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        for row in range(n_rows):
            said = random.choice(words, size=int(random.choice([3, 6, 30])))
            animal = ["cat", "dog", "card"][row % 3]
            rows.writerow([" ".join([animal, *said, animal]), f"about {animal}"])
    return path


def test_all_architectures_are_here() -> None:
    """A new one has to say what tokenizer it comes with."""
    assert sorted(TOKENIZERS) == sorted(ARCHITECTURES) == sorted([*FLAT, *GROUPED])


@pytest.mark.parametrize("model_type", sorted(TOKENIZERS))
def test_it_learns_is_saved_and_answers_as_it_did(home: Home, model_type: str) -> None:
    """By the whole ladder; the loss of its steps falls, and the model from the disk measures as the one in memory."""
    folder = base(model_type, home.folder / model_type)
    data = write_rows(home.folder / "rows.csv")
    settings = {
        **SETTINGS,
        "base.name": str(folder),
        "data.test": str(data),
        "run.out": str(home.folder / "model"),
        "rung.finetune.learning_rate": 3e-3,
        "rung.finetune.epochs": 5.0,
    }
    trained = train_recipe(str(data), load_recipe(None, [], settings), Lives(), narrator=Silent())
    logged = [json.loads(line) for line in (home.folder / "model.work" / "log.jsonl").read_text("utf-8").splitlines()]
    losses = [line["loss"] for line in logged if "loss" in line]
    third = len(losses) // 3
    assert np.mean(losses[-third:]) < 0.8 * np.mean(losses[:third])
    bundle = load_bundle(trained.out)
    assert isinstance(bundle.predictor.model.classifier.encoder, FlatEncoder) is (model_type in FLAT)  # type: ignore[attr-defined]
    texts = read_table(data).columns["text"]
    logits = bundle.predictor.outputs(texts).logits
    labels = [bundle.facts.labels[best] for best in logits.argmax(axis=1)]
    right = np.mean([said == meant for said, meant in zip(labels, read_table(data).columns["label"], strict=True)])
    assert bundle.facts.test_metrics is not None
    assert right == pytest.approx(bundle.facts.test_metrics["accuracy"]["value"], abs=0.01)
    assert right > 0.5
    alone = np.concatenate([bundle.predictor.outputs([text]).logits for text in texts[:20]])
    np.testing.assert_allclose(alone, logits[:20], rtol=1e-3, atol=1e-4)
